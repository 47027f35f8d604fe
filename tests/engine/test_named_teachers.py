"""Several teachers by name: who is asked, who is built, and what the sentences name."""

import copy

import pytest
import torch.nn.functional as F
from families import hook_of, pix2pix, save_teacher, scalars
from mmengine.runner import Runner
from objective_rows import LAYERS
from torch import nn

from mmagic_mikd.engine.settings import read
from mmagic_mikd.teachers.named import teachers_of
from mmagic_mikd.utils.errors import ConfigError

ONE = dict(model=dict(type='Pix2Pix'), checkpoint='a.pth')


def test_what_is_one_teacher_and_what_is_several():
    module = nn.Identity()
    for single in (None, module, ONE, dict(ONE, checkpoint=None), dict(type='Net'), dict(online='a.b'), {}):
        assert teachers_of(single) == {'': single}
    assert teachers_of(dict(a=ONE, b=module)) == dict(a=ONE, b=module)
    # no names: a setting of one teacher that nobody knows, which is said where that is built
    assert list(teachers_of(dict(modle=dict(generator={}), checkpoint='a.pth'))) == ['']
    assert list(teachers_of(dict(model=dict(type='Pix2Pix')))) == ['']


@pytest.mark.parametrize(
    ('teacher', 'message'),
    [
        (dict(wide=ONE), "l1.teacher='deep' is no teacher: choose from wide"),
        (dict(wide=ONE, deap=ONE), "did you mean 'deap'"),
        (ONE, 'default_hooks.distill.teacher is one without a name: leave it out'),
    ],
)
def test_an_objective_of_an_unknown_teacher_is_one_sentence(teacher, message):
    with pytest.raises(ConfigError) as error:
        read(dict(teacher=teacher, objectives=dict(l1=dict(type='L1Loss', teacher='deep'))))
    assert message in str(error.value)


@pytest.fixture(scope='module')
def base(tmp_path_factory):
    """A student and two trained teachers of other widths."""
    folder = tmp_path_factory.mktemp('named')
    cfg = pix2pix(folder, iters=1)
    first = cfg.default_hooks.distill.teacher
    second = copy.deepcopy(first)
    second.model.generator.base_channels = 6
    second.checkpoint = save_teacher(second.model, folder / 'second')
    cfg.default_hooks.distill.teacher = dict(first=first, second=second)
    return cfg


def trained(base, tmp_path, objectives, **settings):
    """The log, and what was seen in the only iteration."""
    cfg = copy.deepcopy(base)
    cfg.work_dir = str(tmp_path)
    for key, value in dict(objectives=objectives, **settings).items():  # `update` would merge
        cfg.default_hooks.distill[key] = value
    runner, seen = Runner.from_cfg(cfg), []
    original = runner.train_loop.run_iter

    def run_iter(batch):
        hook_of(runner).iteration.watchers.append(
            lambda views: seen.extend(v._replace(s=v.s.detach()) for v in views)
        )
        original(batch)

    runner.train_loop.run_iter = run_iter
    runner.train()
    return scalars(runner), {view.taught_by: view for view in seen}


def test_an_objective_is_the_sum_over_the_teachers_or_of_one(base, tmp_path):
    objectives = dict(
        all=dict(type='L1Loss'), one=dict(type='MSELoss', teacher='second'), vid=dict(type='VIDLoss')
    )
    log, seen = trained(base, tmp_path, objectives)
    assert list(seen) == ['first', 'second']
    expected = sum(F.l1_loss(view.s, view.t).item() for view in seen.values())
    assert log['loss_distill_all'][0] == pytest.approx(expected, rel=1e-5)
    second = seen['second']
    assert log['loss_distill_one'][0] == pytest.approx(F.mse_loss(second.s, second.t).item(), rel=1e-5)
    assert {'distance_generators_photo_first', 'distance_generators_photo_second'} < log.keys()


def test_a_ratio_is_held_to_one_teacher(base, tmp_path):
    """The gradients of two arrive at the same image, where each would count the other among the rest."""
    balanced = dict(type='L1Loss', gradient_ratio=0.5)
    with pytest.raises(
        ConfigError, match=r'objectives\.x\.gradient_ratio .* one teacher: name it in .*x\.teacher'
    ):
        trained(base, tmp_path / 'both', dict(x=balanced))
    log, _ = trained(base, tmp_path / 'one', dict(x=dict(balanced, teacher='second')))
    ratios = [log[name][0] for name in log if name.startswith('x_grad_ratio')]
    assert ratios == [pytest.approx(0.5, rel=1e-4)]


def test_a_teacher_that_nobody_looks_at_is_not_built(base, tmp_path):
    cfg = copy.deepcopy(base)
    cfg.default_hooks.distill.teacher.second.checkpoint = 'absent.pth'
    log, seen = trained(cfg, tmp_path, dict(l1=dict(type='L1Loss', teacher='first')), start='sliced')
    assert list(seen) == ['first'] and log['loss_distill_l1'][0] > 0
    with pytest.raises(ConfigError, match=r'distill\.teacher\.second\.checkpoint=absent\.pth does not exist'):
        trained(cfg, tmp_path, dict(l1=dict(type='L1Loss')))


def test_a_name_that_is_none_is_one_sentence(base, tmp_path):
    teacher = {'first one': base.default_hooks.distill.teacher.first}
    with pytest.raises(ConfigError, match="'first one': give it one of letters, digits and _"):
        trained(base, tmp_path, dict(l1=dict(type='L1Loss')), teacher=teacher)


@pytest.mark.parametrize(
    'objective',
    [
        dict(type='MSELoss', layer=LAYERS['pix2pix'], adapter=dict(type='Conv2d', kernel_size=1)),
        dict(type='LaplaceLoss', backbone='generator', per_channel=True),
        dict(type='MIDistillLoss', estimator='nce', negatives=['moved'], backbone='generator'),
    ],
)
def test_what_learns_for_the_channels_of_one_teacher_is_no_objective_of_two(base, tmp_path, objective):
    """Built for the first, it would be said to be in want of what it has, `adapter` or `channels`."""
    with pytest.raises(
        ConfigError, match=r'differ from pair to pair, .* name one in .*objectives\.x\.teacher'
    ):
        trained(base, tmp_path, dict(x=objective))


def test_one_scale_for_a_layer_serves_teachers_of_two_widths(base, tmp_path):
    log, _ = trained(base, tmp_path, dict(x=dict(type='LaplaceLoss', backbone='generator')))
    assert log['loss_distill_x'][0] < 0
