"""Pix2Pix end to end on real facades, through MMEngine's Runner: the promises of the hook."""

import copy
import subprocess
import sys
from functools import partial

import pytest
import torch
from families import (
    ROOT,
    Observer,
    equal,
    hook_of,
    load,
    pix2pix,
    save_teacher,
    scalars,
    train,
    without_distillation,
)
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import MODELS
from mmengine.runner import Runner

from mmagic_mikd import AttentionTransferLoss, DistillRunner, MIDistillLoss
from mmagic_mikd.engine.recipes import RECIPES
from mmagic_mikd.objectives.energy.langevin import langevin
from mmagic_mikd.utils.errors import ConfigError


def test_a_positive_weight_moves_the_student_and_logs(tmp_path):
    cfg = pix2pix(tmp_path, iters=3)
    distilled, plain = train(cfg), train(without_distillation(cfg))
    assert not equal(distilled.model.state_dict(), plain.model.state_dict())
    for name in ('loss_distill_mi', 'loss_critic', 'energy_t', 'energy_neg', 'chain_drift', 'distance'):
        assert scalars(distilled)[name].size == 3


def test_the_critic_step_comes_first_and_lowers_its_loss_on_the_same_samples(tmp_path, monkeypatch):
    cfg = pix2pix(tmp_path, iters=5)
    cfg.default_hooks.distill.objectives.mi.learner.optimizer = dict(type='SGD', lr=1e-3)
    after, original = [], MIDistillLoss.forward

    def student_loss(self, critic, t, s, t_neg):
        with torch.no_grad():
            after.append(self.critic_loss(critic, t, s, t_neg)[0].item())
        return original(self, critic, t, s, t_neg)

    monkeypatch.setattr(MIDistillLoss, 'forward', student_loss)
    before = scalars(train(cfg))['loss_critic']
    assert len(after) == 5 and (before > after).all()


def test_student_equal_to_teacher_gives_t_equal_s(tmp_path):
    """In training mode, with dropout: the teacher replays the student's draws."""
    cfg = pix2pix(tmp_path, iters=1)
    cfg.model.generator.use_dropout = True
    distill = cfg.default_hooks.distill
    distill.teacher.model = copy.deepcopy(cfg.model)
    distill.teacher.checkpoint = cfg.load_from = save_teacher(cfg.model, tmp_path)
    seen = []
    runner = Runner.from_cfg(cfg)
    runner.register_hook(Observer(lambda hook: seen.append(hook._log._values['distance'].item())))
    runner.train()
    assert seen == [0.0]


@pytest.mark.parametrize('accumulative_counts', [1, 2])
def test_gradient_of_the_student_is_that_of_base_loss_plus_bound(tmp_path, monkeypatch, accumulative_counts):
    """The gradient that reaches s through update_params, against the formula worked out by hand."""
    from mmagic_mikd.objectives.energy import objective as energy_objective

    cfg = pix2pix(tmp_path, iters=1)
    cfg.default_hooks.distill.objectives.mi.loss_weight = 7.0
    cfg.default_hooks.distill.objectives.l1 = dict(type='L1Loss', loss_weight=3.0)
    cfg.optim_wrapper.generators.accumulative_counts = accumulative_counts
    record = {}

    def watched_chain(energy, start, **kwargs):
        record['t_neg'] = langevin(energy, start, **kwargs)
        return record['t_neg']

    def watched_objective(self, pairs, loss):
        (pair,) = pairs
        record.update(s=pair.s, t=pair.t, base=torch.autograd.grad(loss, pair.s, retain_graph=True)[0])
        loss = original(self, pairs, loss)
        record['s'].register_hook(lambda gradient: record.update(gradient=gradient))  # after our own hook
        # the updated one, at the power iterates just used
        critic = self.objectives['mi'].critics[pair.name].eval()
        energies = [critic(image, pair_s := record['s']).mean() for image in (record['t'], record['t_neg'])]
        record['bound'] = torch.autograd.grad(energies[0] - energies[1], pair_s)[0]
        return loss

    original = DistillRunner._on_update
    monkeypatch.setattr(energy_objective, 'langevin', watched_chain)
    monkeypatch.setattr(DistillRunner, '_on_update', watched_objective)
    log = scalars(train(cfg))
    l1 = 3.0 * torch.sign(record['s'] - record['t']) / record['s'].numel()
    expected = (record['base'] + 7.0 * record['bound'] + l1) / accumulative_counts
    torch.testing.assert_close(record['gradient'], expected.detach(), rtol=1e-4, atol=1e-9)
    rest = record['base'] + l1
    assert log['mi_grad_ratio'][0] == pytest.approx(
        (7.0 * record['bound'].norm() / rest.norm()).item(), rel=1e-3
    )
    ways = -record['bound'], record['t'] - record['s']
    towards = torch.cosine_similarity(*(way.detach().flatten(1) for way in ways)).mean().item()
    assert log['mi_towards'][0] == pytest.approx(towards, rel=1e-3)


@pytest.mark.parametrize('start', ['student', 'shuffled'])
def test_chains_start_where_the_config_says(tmp_path, monkeypatch, start):
    from mmagic_mikd.objectives.energy import objective as energy_objective

    cfg, starts, images = pix2pix(tmp_path, iters=2), [], []
    cfg.default_hooks.distill.objectives.mi.chain.start = start
    original = MIDistillLoss.critic_loss

    def watched_chain(energy, start, **kwargs):
        starts.append(start)
        return langevin(energy, start, **kwargs)

    def watched_loss(self, critic, t, s, t_neg):
        images.append((t, s.detach()))
        return original(self, critic, t, s, t_neg)

    monkeypatch.setattr(energy_objective, 'langevin', watched_chain)
    monkeypatch.setattr(MIDistillLoss, 'critic_loss', watched_loss)
    train(cfg)
    assert len(starts) == len(images) == 2 and len(starts[0]) > 1
    for begin, (t, s) in zip(starts, images, strict=True):
        assert torch.equal(begin, s if start == 'student' else torch.cat([t[-1:], t[:-1]]))
        assert not begin.requires_grad


def test_the_teacher_stays_outside_of_the_model_and_unchanged(tmp_path):
    cfg = pix2pix(tmp_path, iters=2)
    runner, teachers = Runner.from_cfg(cfg), []
    runner.register_hook(Observer(lambda hook: teachers.append(hook.pairs[0].teacher)))
    keys = set(runner.model.state_dict())
    runner.train()
    assert set(runner.model.state_dict()) == keys
    teacher = teachers[0]
    assert not set(teacher.modules()) & set(runner.model.modules())
    assert not any(p.requires_grad for p in teacher.parameters())
    stored = load(cfg.default_hooks.distill.teacher.checkpoint)['state_dict']
    assert all(torch.equal(v, stored[f'generators.photo.{k}']) for k, v in teacher.state_dict().items())


def test_everything_is_undone_after_training(tmp_path):
    runner = train(pix2pix(tmp_path, iters=1))
    modules = list(runner.model.modules())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in modules)
    assert 'update_params' not in vars(runner.optim_wrapper['generators'])


@pytest.mark.parametrize('target', ['teacher', 'ground_truth'])
def test_target_is_what_was_asked_for(tmp_path, target):
    cfg = pix2pix(tmp_path, iters=1)
    cfg.default_hooks.distill.objectives.mi.target = target
    runner, seen = Runner.from_cfg(cfg), []
    original = runner.model.data_preprocessor.forward

    def preprocess(*args, **kwargs):
        data = original(*args, **kwargs)
        seen.append(data['inputs']['img_photo'].clone())
        return data

    runner.model.data_preprocessor.forward = preprocess
    distances = []
    runner.register_hook(Observer(lambda hook: distances.append(hook._log._values['chain_distance'].item())))
    before = copy.deepcopy(runner.model.state_dict())
    runner.train()
    assert before.keys() == runner.model.state_dict().keys()
    assert (hook_of(runner).settings.teacher is not None) and distances[0] > 0
    if target == 'ground_truth':
        assert seen[0].min() >= -1 and seen[0].max() <= 1


def test_resuming_a_run_without_critic_is_refused(tmp_path):
    cfg = pix2pix(tmp_path, iters=2)
    train(without_distillation(cfg))
    cfg.resume, cfg.train_cfg.max_iters = True, 4
    with pytest.raises(ConfigError, match='holds no critic'):
        train(cfg)


# A MMagic that has never heard of us. It does not import here as it is (NumPy 2, absent packages), so the
# few names that it misses are stubbed by hand; Pix2Pix uses none of them.
PLAIN_TOOLBOX = """
import importlib.machinery, sys, types
import numpy
sys.modules['mmagic_mikd'] = None  # any import of it fails
numpy.bool8 = numpy.bool_
ABSENT = 'albumentations diffusers huggingface_hub lpips resize_right safetensors transformers xformers'.split()

class Stub(types.ModuleType):
    __path__ = []
    def __getattr__(self, name):
        if name.startswith('__'):
            raise AttributeError(name)
        return type(name, (), {'__init__': lambda self, *args, **kwargs: None})

class Finder:
    def find_spec(name, path=None, target=None):
        if name.split('.')[0] in ABSENT or name.startswith(('mmcv.ops', 'mmcv._ext')):
            return importlib.machinery.ModuleSpec(name, Finder, is_package=True)
    create_module = lambda spec: Stub(spec.name)
    exec_module = lambda module: None

sys.meta_path.insert(0, Finder)
import mmagic.models.editors.pix2pix
from mmagic.registry import MODELS
from mmengine.config import Config
from mmengine.runner import load_checkpoint
model = MODELS.build(Config.fromfile(sys.argv[1]).model)
import torch
load = torch.load  # torch >= 2.6 cannot read any checkpoint of MMEngine 0.10.7; this one is our own
torch.load = lambda *args, **kwargs: load(*args, **kwargs, weights_only=False)
load_checkpoint(model, sys.argv[2], strict=True)
assert not [name for name in sys.modules if name.startswith('mmagic_mikd.')]
print('loaded', sum(p.double().abs().sum().item() for p in model.parameters()))
"""


def test_the_checkpoint_loads_where_the_plugin_cannot_be_imported(tmp_path):
    cfg = pix2pix(tmp_path, iters=1)
    runner = train(cfg)
    Config(dict(model=cfg.model.to_dict())).dump(tmp_path / 'plain.py')
    arguments = ['-c', PLAIN_TOOLBOX, str(tmp_path / 'plain.py'), str(tmp_path / 'iter_1.pth')]
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=tmp_path)
    weights = sum(p.double().abs().sum().item() for p in runner.model.parameters())
    assert f'loaded {weights}' in done.stdout, done.stderr


def test_weights_alone_load_where_nothing_of_ours_or_of_torch_is_changed(tmp_path):
    """As docs/students.md has it: a file of tensors, which every PyTorch reads as it is."""
    document = (ROOT / 'docs' / 'students.md').read_text()
    snippet = document.split('<!-- weights alone -->\n```python\n')[1].split('```')[0]
    cfg = pix2pix(tmp_path, iters=1)
    runner = train(cfg)
    Config(dict(model=cfg.model.to_dict())).dump(tmp_path / 'plain.py')
    exec(
        snippet.replace('work_dirs/my_student/iter_80000.pth', str(tmp_path / 'iter_1.pth')).replace(
            "'student.pth'", repr(str(tmp_path / 'student.pth'))
        )
    )
    lines = [line for line in PLAIN_TOOLBOX.splitlines() if 'torch.load' not in line]
    arguments = ['-c', '\n'.join(lines), str(tmp_path / 'plain.py'), str(tmp_path / 'student.pth')]
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=tmp_path)
    weights = sum(p.double().abs().sum().item() for p in runner.model.parameters())
    assert f'loaded {weights}' in done.stdout, done.stderr


def test_further_terms_join_the_loss_and_work_without_mutual_information(tmp_path):
    cfg = pix2pix(tmp_path, iters=2)
    distill = cfg.default_hooks.distill
    distill.objectives = dict(mi=None, l1=dict(type='L1Loss', loss_weight=10.0))
    runner = train(cfg)
    log = scalars(runner)
    assert log['loss_distill_l1'].min() > 0 and 'loss_critic' not in log
    assert load(tmp_path / 'iter_2.pth')['mikd']['objectives'] == {}
    assert not equal(runner.model.state_dict(), train(without_distillation(cfg)).model.state_dict())


def test_a_term_may_look_at_an_inner_layer(tmp_path):
    """The layer's features in the call that counts, of student and teacher, whose widths differ."""
    cfg = pix2pix(tmp_path, iters=2)
    layer = 'model.model.1'
    at = dict(type='AttentionTransferLoss', layer=layer, loss_weight=5.0)
    cfg.default_hooks.distill.objectives.at = at
    runner, seen = Runner.from_cfg(cfg), []
    runner.register_hook(Observer(lambda hook: seen.append(hook._log._values['loss_distill_at'])))
    record = {}

    def keep_first(name, module, args, output):
        record.setdefault(name, output.detach().clone())  # before later layers change it in place

    def keep(hook):
        (pair,) = hook.pairs
        for name in ('student', 'teacher'):
            module = getattr(pair, name).get_submodule(layer)
            module.register_forward_hook(partial(keep_first, name))

    runner.register_hook(BeforeTrain(keep), priority='VERY_LOW')
    runner.train()
    expected = AttentionTransferLoss(5.0)(record['student'], record['teacher'])
    assert record['student'].shape[1] * 2 == record['teacher'].shape[1]
    torch.testing.assert_close(seen[0], expected.detach())
    assert expected > 0
    assert not equal(runner.model.state_dict(), train(pix2pix(tmp_path, iters=2)).model.state_dict())


class BeforeTrain(Hook):
    def __init__(self, callback):
        self.callback = callback

    def before_train(self, runner):
        self.callback(hook_of(runner))


def test_a_ready_module_is_a_teacher(tmp_path):
    cfg = pix2pix(tmp_path, iters=1)
    runner = Runner.from_cfg(without_distillation(cfg))
    teacher = copy.deepcopy(runner.model.generators['photo'])
    hook = DistillRunner(teacher=teacher, objectives=dict(l1=dict(type='L1Loss')))
    runner.register_hook(hook)
    runner.train()
    assert scalars(runner)['loss_distill_l1'].size == 1


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(teacher=None), 'distill.teacher is missing'),
        (
            dict(objectives=dict(at=dict(type='AttentionTransferLoss', layer='head'))),
            "at.layer='head' is no layer of the student 'generators.photo'",
        ),
        (dict(pairs=[dict(student='generators.map')]), "no module 'generators.map'"),
        (
            dict(pairs=[dict(student='data_preprocessor')]),
            "trains no weight of 'data_preprocessor'",
        ),
    ],
)
def test_settings_that_cannot_work_are_named(tmp_path, settings, message):
    cfg = pix2pix(tmp_path, iters=1)
    cfg.default_hooks.distill.update(settings)
    if 'data_preprocessor' in str(settings):
        cfg.default_hooks.distill.teacher = dict(type='DoNothing')
        MODELS.register_module(name='DoNothing', module=torch.nn.Identity, force=True)
    with pytest.raises(ConfigError, match=message):
        train(cfg)
    assert not list(tmp_path.glob('*/*.pth')) and not list(tmp_path.glob('iter_*.pth'))


def test_a_teacher_that_the_run_would_overwrite_is_refused(tmp_path):
    cfg = pix2pix(tmp_path, iters=1)
    teacher = tmp_path / 'iter_1.pth'
    (tmp_path / 'teacher.pth').rename(teacher)
    before = teacher.read_bytes()
    cfg.default_hooks.distill.teacher.checkpoint = str(teacher)
    with pytest.raises(ConfigError, match='set work_dir to another folder'):
        train(cfg)
    assert teacher.read_bytes() == before


def test_evaluation_needs_no_teacher_file(tmp_path):
    cfg = pix2pix(tmp_path, iters=1)
    cfg.default_hooks.distill.teacher.checkpoint = 'no/such/file.pth'
    Runner.from_cfg(cfg)  # builds all hooks


def test_the_shipped_config_is_the_real_setting():
    cfg = Config.fromfile(ROOT / 'configs' / 'mikd_pix2pix.py')
    teacher = cfg.default_hooks.distill.teacher.model
    assert (teacher.generator.base_channels, cfg.model.generator.base_channels) == (64, 16)
    narrowed = {**teacher.generator, 'base_channels': 16}
    assert narrowed == cfg.model.generator.to_dict()
    assert cfg.default_hooks.distill.recipe == 'pyramid'
    assert RECIPES['pyramid']['objectives']['pyramid']['loss_weight'] == 15
    assert cfg.train_cfg.max_iters == 80000 and cfg.custom_hooks[0].type == 'VisualizationHook'
