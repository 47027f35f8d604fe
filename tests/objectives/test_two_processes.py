"""What `samples.py` says of several processes: each compares its own samples, and gradients are averaged."""

from types import SimpleNamespace

import pytest
import torch
from families import edsr, hook_of, scalars
from mmagic.registry import MODELS as TOOLBOX
from mmengine.hooks import Hook
from mmengine.registry import HOOKS, MODELS
from mmengine.runner import Runner
from ranks import of_two_processes

COMPARING = dict(
    pkt=dict(type='PKTLoss', loss_weight=1e4),
    kernel_alignment=dict(type='KernelAlignmentLoss', loss_weight=3.0),
    relational=dict(type='RelationalLoss'),
    mmd=dict(type='MMDLoss', samples='images'),
    moments=dict(type='MomentLoss', samples='images'),
    crd=dict(type='CRDLoss', dim=4),
)
BATCH = 3


@HOOKS.register_module()
class KeepSamples(Hook):
    """Leaves in samples<n>.pth what this process compared, what that cost, and the student's gradient."""

    priority = 'HIGHEST'  # while the hook under test still has them

    def before_train(self, runner: Runner) -> None:
        generator = runner.model.module.generator
        self.kept = dict(student={name: p.clone() for name, p in generator.state_dict().items()})
        runner.optim_wrapper.optimizer.register_step_pre_hook(
            lambda *_: self.kept.update(gradient=[p.grad.clone() for p in generator.parameters()])
        )

    def before_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        hook_of(runner).iteration.watchers.append(self.look)

    def look(self, views: list) -> None:
        (view,) = views
        self.kept |= {name: getattr(view, name).detach().clone() for name in ('x', 's', 't')}

    def after_train(self, runner: Runner) -> None:
        log = scalars(runner)
        values = {name: log[f'loss_distill_{name}'][0] for name in COMPARING}
        torch.save(dict(self.kept, values=values), f'{runner.work_dir}/samples{runner.rank}.pth')


@pytest.fixture(scope='module')
def ranks(tmp_path_factory):
    """One iteration on two processes, whose only loss is that of the objectives."""
    folder = tmp_path_factory.mktemp('samples')
    cfg = edsr(folder, iters=1, batch_size=BATCH)
    cfg.model.pixel_loss.loss_weight = 0.0
    cfg.default_hooks.distill.objectives = COMPARING
    cfg.custom_hooks = [*cfg.get('custom_hooks', []), dict(type='KeepSamples')]
    left = of_two_processes(cfg)
    kept = [torch.load(folder / f'samples{rank}.pth', weights_only=False) for rank in range(2)]
    return SimpleNamespace(student=cfg.model.generator, learned=left[0]['learned'], kept=kept)


def loss_of(ranks, name):
    """Its module, with what it had learned when its value was taken."""
    loss, start = MODELS.build(dict(COMPARING[name])), 'losses.generator.'
    loss.load_state_dict({key.removeprefix(start): value for key, value in ranks.learned[name].items()})
    return loss


@pytest.mark.parametrize('name', COMPARING)
def test_each_process_compares_its_own_samples(ranks, name):
    first, second = ranks.kept
    assert len(first['s']) == BATCH and not torch.equal(first['s'], second['s'])
    loss = loss_of(ranks, name)
    with torch.no_grad():
        own = [loss(kept['s'], kept['t']).item() for kept in ranks.kept]
        gathered = loss(*(torch.cat([first[key], second[key]]) for key in ('s', 't'))).item()
    assert [kept['values'][name] for kept in ranks.kept] == pytest.approx(own, rel=1e-4)
    assert sum(own) / 2 != pytest.approx(gathered, rel=1e-2)  # that would be another number


def test_the_students_gradient_is_the_mean_of_those_of_both_processes(ranks):
    student, losses = TOOLBOX.build(ranks.student), [loss_of(ranks, name) for name in COMPARING]
    student.load_state_dict(ranks.kept[0]['student'])
    for kept in ranks.kept:
        made = student(kept['x'])
        torch.testing.assert_close(made, kept['s'])
        (sum(loss(made, kept['t']) for loss in losses) / 2).backward()
    expected = torch.cat([p.grad.flatten() for p in student.parameters()])
    for kept in ranks.kept:
        found = torch.cat([gradient.flatten() for gradient in kept['gradient']])
        assert (found - expected).norm() < 1e-3 * expected.norm()
