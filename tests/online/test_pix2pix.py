"""OMGD's base on real facades: two teachers in training, and a student that learns from them alone."""

import copy
import itertools

import pytest
import torch
import torch.nn.functional as F
from families import equal, hook_of, load, omgd, scalars, train, without_distillation
from interruption import difference, elsewhere, finish, output
from mmagic.registry import MODELS
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner, load_checkpoint
from ranks import of_two_processes
from resumable import every

from mmagic_mikd.utils.errors import ConfigError

NETWORKS = ('generators', 'teacher_generators')


class Record(Hook):
    """Keeps the model before each iteration, and what the student and its teachers made in it."""

    def before_train_iter(self, runner: Runner, *args: object, **kwargs: object) -> None:
        if runner.iter == 0:
            self.models, self.views = [copy.deepcopy(runner.model)], []
            hook_of(runner).iteration.watchers.append(self.keep)

    def keep(self, views: list) -> None:
        self.views.append({v.taught_by: v._replace(s=v.s.detach()) for v in views})

    def after_train_iter(self, runner: Runner, *args: object, **kwargs: object) -> None:
        self.models.append(copy.deepcopy(runner.model))


def recorded(cfg: Config) -> Record:
    runner, record = Runner.from_cfg(copy.deepcopy(cfg)), Record()
    runner.register_hook(record)
    runner.train()
    return record


def l1_alone(cfg: Config, **settings: object) -> Config:
    """One step of gradient descent by a loss that can be worked out by hand."""
    cfg.default_hooks.distill.objectives = dict(l1=dict(type='L1Loss', loss_weight=3.0, **settings))
    cfg.optim_wrapper.generators.optimizer = dict(type='SGD', lr=0.1)
    return cfg


def test_the_base_trains_as_its_config_says(tmp_path):
    cfg = omgd(tmp_path, iters=4)
    runner = train(cfg)
    log = scalars(runner)
    images, channels = ['ssim', 'style', 'feature', 'tv'], [f'channels{n}' for n in (1, 2, 3, 4)]
    assert {f'loss_distill_{name}' for name in images + channels} < log.keys()
    assert log['teacher_loss_gan_d'].size == 2  # every second iteration
    assert {'ssim_towards_generators_photo_wide', 'ssim_towards_generators_photo_deep'} < log.keys()
    assert not any(name.startswith('channels') and name.endswith('deep') for name in log)
    assert not any('nan' in str(values) for values in log.values())


@pytest.mark.parametrize('teacher', [None, 'wide', 'deep'])
def test_the_student_learns_from_all_teachers_or_from_one_and_from_nothing_else(tmp_path, teacher):
    """Its step by hand: on the images that the teachers made before their own step."""
    record = recorded(l1_alone(omgd(tmp_path, iters=1), **(dict(teacher=teacher) if teacher else {})))
    before, after = record.models
    names = [teacher] if teacher else ['wide', 'deep']
    assert list(record.views[0]) == names
    x = record.views[0][names[0]].x
    student, loss = before.generators['photo'], 0.0
    for name in names:
        with torch.no_grad():
            t = before.teacher_generators[name](x)
        assert torch.equal(t, record.views[0][name].t)
        assert not equal(*(model.teacher_generators[name].state_dict() for model in (before, after)))
        loss = loss + 3.0 * F.l1_loss(student(x), t)
    gradients = torch.autograd.grad(loss, list(student.parameters()))
    for old, gradient, new in zip(
        student.parameters(), gradients, after.generators['photo'].parameters(), strict=True
    ):
        torch.testing.assert_close(new, old - 0.1 * gradient, rtol=1e-4, atol=1e-7)


def test_ground_truth_counts_once_whatever_the_teachers(tmp_path):
    both = l1_alone(omgd(tmp_path / 'both', iters=1))
    both.default_hooks.distill.objectives.update(
        truth=dict(type='L1Loss', loss_weight=2.0, target='ground_truth')
    )
    runner, record = Runner.from_cfg(both), Record()
    runner.register_hook(record)
    runner.train()
    view = record.views[0]['wide']
    s, truth = view.s, view.ground_truth
    assert scalars(runner)['loss_distill_truth'][0] == pytest.approx(
        2.0 * F.l1_loss(s, truth).item(), rel=1e-6
    )


def test_teachers_train_as_if_nobody_learned_from_them(tmp_path):
    """Bit by bit, their running statistics included; and the student stays without objectives."""
    cfg = omgd(tmp_path / 'a', iters=3)
    plain = without_distillation(cfg)
    plain.work_dir = str(tmp_path / 'b')
    distilled, alone = recorded(cfg).models[-1].state_dict(), train(plain).model.state_dict()
    student = {key for key in distilled if key.startswith('generators.')}
    others = distilled.keys() - student
    assert equal({key: distilled[key] for key in others}, {key: alone[key] for key in others})
    assert not equal({key: distilled[key] for key in student}, {key: alone[key] for key in student})


def test_teachers_take_their_step_by_the_hinge_loss(tmp_path):
    """The losses of the first iteration by hand, and one step of the discriminator, then of the generators."""
    cfg = omgd(tmp_path, iters=1)
    for wrapper in (cfg.optim_wrapper.teacher_generators, cfg.optim_wrapper.teacher_discriminators):
        wrapper.optimizer = dict(type='SGD', lr=1e-3)
    runner, record = Runner.from_cfg(cfg), Record()
    runner.register_hook(record)
    runner.train()
    view, (before, after) = record.views[0]['wide'], record.models
    x, real = view.x, view.ground_truth
    judge = before.teacher_discriminators['photo']
    makers = {name: before.teacher_generators[name] for name in ('wide', 'deep')}
    fakes = {name: make(x) for name, make in makers.items()}

    def judged(image, name):
        return judge(torch.cat([x, image], 1), name)

    loss_d = sum(
        (F.relu(1 + judged(fake.detach(), name)).mean() + F.relu(1 - judged(real, name)).mean()) / 2
        for name, fake in fakes.items()
    )
    log = scalars(runner)
    assert log['teacher_loss_gan_d'][0] == pytest.approx(loss_d.item(), rel=1e-5)
    gradients = torch.autograd.grad(loss_d, list(judge.parameters()))
    with torch.no_grad():
        for parameter, gradient in zip(judge.parameters(), gradients, strict=True):
            parameter -= 1e-3 * gradient
    for name, fake in fakes.items():
        losses = -judged(fake, name).mean(), 100 * F.l1_loss(fake, real)
        assert log[f'teacher_loss_gan_g_{name}'][0] == pytest.approx(losses[0].item(), rel=1e-4, abs=1e-6)
        assert log[f'teacher_loss_pixel_{name}'][0] == pytest.approx(losses[1].item(), rel=1e-5)
        weights = list(makers[name].parameters())
        for old, gradient, new in zip(
            weights,
            torch.autograd.grad(sum(losses), weights),
            after.teacher_generators[name].parameters(),
            strict=True,
        ):
            torch.testing.assert_close(new, old - 1e-3 * gradient, rtol=1e-4, atol=1e-6)
    for mine, theirs in zip(
        judge.parameters(), after.teacher_discriminators['photo'].parameters(), strict=True
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-7)


def test_the_checkpoint_holds_each_network_once_and_the_student_of_a_plain_pix2pix(tmp_path):
    cfg = omgd(tmp_path, iters=1)
    runner, saved = train(cfg), load(tmp_path / 'iter_1.pth')
    assert saved['state_dict'].keys() == runner.model.state_dict().keys()
    assert {key.split('.')[0] for key in saved['state_dict']} == {
        'generators',
        'teacher_generators',
        'teacher_discriminators',
    }
    assert set(saved['mikd']['objectives']) == {'channels1', 'channels2', 'channels3', 'channels4'}
    assert saved['optimizer'].keys() == {'generators', 'teacher_generators', 'teacher_discriminators'}
    plain = {
        key: cfg.model[key] for key in ('generator', 'default_domain', 'reachable_domains', 'related_domains')
    }
    model = MODELS.build(
        dict(plain, type='Pix2Pix', discriminator=None, data_preprocessor=cfg.model.data_preprocessor)
    )
    load_checkpoint(model, str(tmp_path / 'iter_1.pth'))
    assert equal(
        model.state_dict(), {k: v for k, v in saved['state_dict'].items() if k in model.state_dict()}
    )


def test_it_resumes_bit_for_bit(tmp_path):
    """Between two steps of the teachers, with a critic and learned scales of each teacher on top."""
    cfg = every(omgd(tmp_path / 'whole', iters=4), 1)
    critic = dict(type='EnergyCritic', base_channels=2, image_size=32)
    cfg.default_hooks.distill.objectives.update(
        mi=dict(type='MIDistillLoss', critic=critic, chain=dict(steps=2)),
        pyramid=dict(type='PyramidLaplaceLoss', loss_weight=15.0),
    )
    whole = finish(cfg)
    again = elsewhere(cfg, 'iter_3.pth', tmp_path / 'again')
    assert difference(whole, finish(again)) is None
    assert 'not exact' not in output(again)
    for name in ('mi', 'pyramid'):
        learned = ' '.join(whole['mikd']['objectives'][name]['network'])
        assert 'generators_photo_wide.' in learned and 'generators_photo_deep.' in learned


def test_an_iteration_without_an_objective_is_no_step_in_mixed_precision(tmp_path):
    """There is no gradient to unscale: the student stays, its teachers go on."""
    cfg = omgd(tmp_path, iters=4)
    cfg.default_hooks.distill.objectives = dict(l1=dict(type='L1Loss', until=0.5))
    for wrapper in cfg.optim_wrapper.values():
        if isinstance(wrapper, dict):
            wrapper.update(type='AmpOptimWrapper', loss_scale=16.0)
    models = recorded(cfg).models
    moved = [
        [not equal(*(dict(getattr(m, name).named_parameters()) for m in (a, b))) for name in NETWORKS]
        for a, b in itertools.pairwise(models)
    ]
    assert moved[0] == [True, True] and moved[2:] == [[False, True], [False, False]]


def test_teachers_that_make_no_samples_cannot_be_chosen(tmp_path):
    cfg = omgd(tmp_path, iters=4)
    generators, domain = cfg.model.teachers.generators, cfg.model.default_domain
    generators[domain] = generators.pop('wide')
    cfg.model.update(every=1, phases=(2, 2))
    cfg.default_hooks.distill.teacher = dict(online='chosen')
    cfg.default_hooks.distill.objectives = dict(l1=dict(type='L1Loss'))
    cfg.custom_hooks = [dict(type='TeacherSelection', score='psnr', dataloader={}, evaluator={})]
    with pytest.raises(ConfigError, match='JointPix2Pix makes no samples'):
        train(cfg)


@pytest.mark.slow
def test_two_processes_end_with_the_same_networks(tmp_path):
    first, second = of_two_processes(omgd(tmp_path, iters=3))
    assert difference(first, second) is None and len(first['learned']) == 8
    saved = load(tmp_path / 'iter_3.pth')['state_dict']
    assert equal(saved, first['model'])
    assert {key.split('.')[0] for key in saved} == {
        'generators',
        'teacher_generators',
        'teacher_discriminators',
    }


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            dict(teacher=dict(wide=dict(online='teacher_generators.wise'))),
            "did you mean 'teacher_generators.wide'",
        ),
        (dict(teacher=dict(wide=dict(online='generators.photo'))), 'is the student itself'),
        (
            dict(teacher=dict(wide=dict(online='teacher_generators.wide', mode='eval'))),
            "teacher.wide has no setting 'mode'",
        ),
        (dict(teacher=dict(online='teacher_generators.wide')), 'is one without a name: leave it out'),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path, change, message):
    cfg = omgd(tmp_path, iters=1)
    cfg.default_hooks.distill.update(change)
    cfg.default_hooks.distill.objectives = dict(l1=dict(type='L1Loss', teacher='wide'))
    with pytest.raises(ConfigError, match='default_hooks') as error:
        train(cfg)
    assert message in str(error.value)


def test_a_teacher_of_another_name_is_one_sentence(tmp_path):
    cfg = l1_alone(omgd(tmp_path, iters=1), teacher='wise')
    with pytest.raises(ConfigError, match="'wise' is no teacher: did you mean 'wide'"):
        train(cfg)


@pytest.mark.parametrize('teacher', ['wide', 'deep'])
def test_features_of_the_discriminator_are_those_of_the_teachers_head(tmp_path, teacher):
    """Beside the teacher's input, by the discriminator as it is when the student learns; nothing reaches it."""
    cfg = omgd(tmp_path, iters=1)
    look = dict(type='L1Loss', loss_weight=2.0, backbone='discriminator', teacher=teacher)
    cfg.default_hooks.distill.objectives = dict(look=look)
    runner, record = Runner.from_cfg(copy.deepcopy(cfg)), Record()
    runner.register_hook(record)
    runner.train()
    view, judge = record.views[0][teacher], copy.deepcopy(runner.model.teacher_discriminators['photo']).eval()
    layers = [*judge.trunk, *judge.heads[teacher]]
    assert len(judge.trunk) == 1 and len(layers) == 3

    def features(image):
        first = layers[0](torch.cat([view.x, image], 1))
        return first, layers[1](first)  # the last one judges, and has no activation

    parts = [F.l1_loss(*both) for both in zip(features(view.s), features(view.t), strict=True)]
    loss = 2.0 * torch.stack(parts).mean()
    assert scalars(runner)['loss_distill_look'][0] == pytest.approx(loss.item(), rel=1e-4)
    cfg.work_dir, cfg.default_hooks.distill.objectives.look.loss_weight = str(tmp_path / 'alone'), 0.0
    alone = train(cfg).model
    judges = [model.teacher_discriminators.state_dict() for model in (alone, runner.model)]
    assert equal(*judges)
    assert not equal(*(model.generators.state_dict() for model in (alone, runner.model)))
