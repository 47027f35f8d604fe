"""StyleGAN2 on real pictograms: same latent, style-mixing cut and noise; one call a step; mapping network."""

import copy

import cv2
import numpy as np
import pytest
import torch
from families import (
    ROOT,
    Observer,
    cagc,
    equal,
    evaluate,
    frechet,
    hook_of,
    load,
    reload_in_mmagic,
    scalars,
    stylegan2,
    train,
    without_distillation,
)
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmagic_mikd.engine.pair import Pair
from mmagic_mikd.utils.errors import ConfigError

LAYER = 'conv1.conv.weight_orig'


def tiny(tmp_path, iters=2):
    return stylegan2(tmp_path, iters, widths=(16, 8))


def part(state, prefix):
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}


@pytest.mark.slow
def test_the_toolbox_generator_learns_loads_in_mmagic_and_is_evaluated(tmp_path):
    cfg = stylegan2(tmp_path, iters=2, size=8)
    plain, runner = train(without_distillation(cfg)), train(cfg)
    log = scalars(runner)
    assert (
        log['loss_distill_mi'].size == 2
        and abs(log['loss_distill_mi']).min() > 0
        and log['loss_path_regular'].size
    )
    assert not equal(runner.model.generator.state_dict(), plain.model.generator.state_dict())
    checkpoint = tmp_path / 'iter_2.pth'
    reload_in_mmagic(cfg, checkpoint)
    cfg.test_evaluator = dict(
        metrics=[frechet(from_noise=True, fake_nums=8, real_nums=8, sample_model='ema')]
    )
    assert evaluate(cfg, checkpoint)['frechet_resnet56-cifar10'] > 0


class Calls(Hook):
    """Notes the calls of the student's generator and of the teacher, and which of them is s."""

    priority = 'LOWEST'  # the taps are there

    def __init__(self):
        self.steps = []

    def before_train(self, runner):
        (pair,) = hook_of(runner).pairs
        pair.teacher.register_forward_hook(lambda *_: self.steps[-1]['teacher'].append(True))
        pair.student.register_forward_hook(self.on_student)

    def before_train_iter(self, runner, *args, **kwargs):
        self.steps.append(dict(student=[], teacher=[], s=None))

    def on_student(self, module, args, output):
        kind = 'generator' if torch.is_grad_enabled() else 'discriminator'
        kind = 'path' if isinstance(output, dict) else kind
        self.steps[-1]['student'].append(kind)
        if kind == 'generator':
            self.steps[-1]['s'] = output


def test_only_the_generator_step_counts_with_lazy_path_regularisation(tmp_path):
    cfg = tiny(tmp_path, iters=3)
    cfg.model.loss_config.g_reg_interval = 2
    runner, calls, counted = Runner.from_cfg(cfg), Calls(), []
    runner.register_hook(calls)
    original = runner.model.gen_loss

    def gen_loss(*args):
        result = original(*args)  # calls the generator once more where it regularises
        (pair,) = hook_of(runner).pairs
        counted.append(pair.s is calls.steps[-1]['s'])
        return result

    runner.model.gen_loss = gen_loss
    runner.train()
    with_path, without = ['discriminator', 'generator', 'path'], ['discriminator', 'generator']
    assert [step['student'] for step in calls.steps] == [with_path, without, with_path]
    assert [len(step['teacher']) for step in calls.steps] == [1, 1, 1] and counted == [True, True, True]
    assert scalars(runner)['loss_path_regular'].size == 2


@pytest.mark.parametrize('styles', ['one', 'two'])
def test_equal_weights_give_t_equal_s_in_training(tmp_path, styles):
    """With injected noise of weight 0.5 and, for two latents, a random cut between them."""
    cfg = stylegan2(tmp_path, iters=2, widths=(16, 16))
    cfg.load_from = cfg.default_hooks.distill.teacher.checkpoint
    cfg.optim_wrapper.generator.optimizer.lr = 0.0
    content = load(cfg.load_from)
    state = content['state_dict']
    state.update({f'generator.{k}': v for k, v in part(state, 'generator_ema.module.').items()})
    torch.save(content, cfg.load_from)
    runner, distances, fresh = Runner.from_cfg(cfg), [], []
    if styles == 'two':
        draw = runner.model.noise_fn
        runner.model.noise_fn = lambda **kwargs: [draw(**kwargs), draw(**kwargs)]

    def look(hook):
        distances.append(hook._log._values['distance'].item())
        (pair,) = hook.pairs
        z = torch.ones(2, 8)
        fresh.append((pair.teacher(z) - pair.teacher(z)).abs().mean().item())

    runner.register_hook(Observer(look))
    runner.train()
    assert runner.model.generator.training and max(distances) < 1e-5 < 1e-2 < min(fresh)


@pytest.fixture
def twins(tmp_path):
    """A generator that always mixes styles, and its teacher with the same weights, as the config sets it up."""
    cfg = stylegan2(tmp_path, widths=(16, 16))
    cfg.model.generator.mix_prob = cfg.default_hooks.distill.teacher.model.generator.mix_prob = 1.0
    model = Runner.from_cfg(without_distillation(cfg)).model
    from mmagic_mikd.teachers.build import build_teacher

    teacher = build_teacher(cfg.default_hooks.distill.teacher, 'generator')
    model.generator.load_state_dict(teacher.state_dict())
    return model.train(), teacher


def test_the_teacher_mixes_the_styles_that_the_student_draws(twins):
    """A generator that is given no latent draws two, and their cut, inside of its forward."""
    model, teacher = twins
    pair = Pair('generator', model, teacher)
    for _ in range(4):
        pair.arm()
        model.generator(None, num_batches=2)
        assert (pair.t - pair.s).abs().max() < 1e-5
    teacher.eval()  # would not mix, and draw other noise from then on
    pair.arm()
    model.generator(None, num_batches=2)
    assert (pair.t - pair.s).abs().max() > 1e-2


def test_a_narrower_student_gets_the_same_noise(tmp_path):
    cfg = tiny(tmp_path, iters=1)
    cfg.load_from = None
    runner, noises = Runner.from_cfg(cfg), dict(student=[], teacher=[])
    for name, weight in runner.model.generator.named_parameters():
        if name.endswith('noise_injector.weight'):
            weight.data.fill_(0.5)

    class Watch(Hook):
        priority = 'LOWEST'

        def before_train(self, runner):
            (pair,) = hook_of(runner).pairs
            for who in noises:
                for module in getattr(pair, who).modules():
                    if type(module).__name__ == 'NoiseInjection':
                        module.register_forward_hook(self.note(noises[who]))

        def note(self, sink):
            return lambda module, args, output: sink.append(
                ((output - args[0]) / module.weight)[:, 0].detach()
            )

    runner.model.init_weights = lambda: None
    runner.register_hook(Watch())
    runner.train()
    layers = len(noises['teacher'])
    # the student was called for the discriminator, for the generator and for the regularisation
    assert len(noises['student']) == 3 * layers and layers > 0
    for t, s in zip(noises['teacher'], noises['student'][layers : 2 * layers], strict=True):
        torch.testing.assert_close(t, s, atol=1e-4, rtol=0)
        assert t.std() > 0.5


def test_averaged_weights_follow_the_student_and_come_from_the_teacher(tmp_path):
    cfg = tiny(tmp_path, iters=3)
    stored = load(cfg.default_hooks.distill.teacher.checkpoint)['state_dict']
    runner, weights = Runner.from_cfg(cfg), []

    def look(hook):
        (pair,) = hook.pairs
        teacher = pair.teacher.state_dict()
        assert equal(teacher, part(stored, 'generator_ema.module.'))
        assert not equal(teacher, part(stored, 'generator.'))
        assert not runner.model.generator_ema.module._forward_hooks
        weights.append(copy.deepcopy(runner.model.generator.state_dict()))

    runner.register_hook(Observer(look))
    runner.train()
    averaged = part(runner.model.generator_ema.state_dict(), 'module.')
    for key in (LAYER, 'style_mapping.1.linear.weight_orig'):
        a, b, c = (state[key] for state in weights)
        expected = 0.9 * (0.9 * a + 0.1 * b) + 0.1 * c
        torch.testing.assert_close(averaged[key], expected)


def starting_from(cfg, look):
    """What `look` sees of the runner before the first iteration, and the runner after the last."""
    runner, seen = Runner.from_cfg(cfg), []

    class Start(Hook):
        priority = 'LOWEST'

        def before_train(self, runner):
            seen.append(copy.deepcopy(look(runner)))

    runner.register_hook(Start())
    runner.train()
    return seen[0], runner


@pytest.mark.parametrize('way', ['own', 'inherited', 'shared'])
def test_the_mapping_network_is_own_inherited_or_shared(tmp_path, way):
    cfg = tiny(tmp_path, iters=2)
    cfg.default_hooks.distill.start.style_mapping = way
    cfg.optim_wrapper.generator.optimizer.weight_decay = 0.1
    start, runner = starting_from(cfg, lambda runner: runner.model.generator.state_dict())
    stored = load(cfg.default_hooks.distill.teacher.checkpoint)['state_dict']
    teacher = part(stored, 'generator_ema.module.style_mapping.')
    end = runner.model.generator.state_dict()
    assert equal(part(start, 'style_mapping.'), teacher) == (way != 'own')
    assert equal(part(end, 'style_mapping.'), teacher) == (way == 'shared')
    averaged = part(runner.model.generator_ema.state_dict(), 'module.style_mapping.')
    assert all(torch.allclose(averaged[key], teacher[key]) for key in teacher) == (way == 'shared')
    assert not torch.equal(start[LAYER], end[LAYER])


def test_a_student_starts_as_the_first_channels_of_its_teacher(tmp_path):
    cfg = tiny(tmp_path)
    cfg.default_hooks.distill.start = {'': 'sliced'}
    narrow, _ = starting_from(cfg, lambda runner: runner.model.generator.state_dict())
    stored = load(cfg.default_hooks.distill.teacher.checkpoint)['state_dict']
    wide = {name: stored[f'generator_ema.module.{name}'] for name in narrow}
    assert wide[LAYER].shape != narrow[LAYER].shape
    for name, weight in narrow.items():
        assert torch.equal(weight, wide[name][tuple(map(slice, weight.shape))]), name


def test_resume_goes_on_with_what_was_learned(tmp_path):
    cfg = tiny(tmp_path, iters=1)
    train(cfg)
    saved = load(tmp_path / 'iter_1.pth')
    cfg.resume, cfg.train_cfg.max_iters = True, 2
    (model, critics), runner = starting_from(
        cfg, lambda runner: (runner.model.state_dict(), hook_of(runner).objectives['mi'].critics.state_dict())
    )
    assert equal(model, saved['state_dict']) and equal(critics, saved['mikd']['objectives']['mi']['network'])
    assert not equal(runner.model.state_dict(), saved['state_dict'])


@pytest.mark.parametrize(
    ('layers', 'message'),
    [
        (dict(mapping='inherited'), "start.mapping: .*'generator' cannot take it .*mapping"),
        (dict(conv1='shared'), 'start.conv1: .*size mismatch'),
        (dict(style_mapping='borrowed'), "start.style_mapping='borrowed': choose"),
        ({'style_mapping.1.linear': 'slicd'}, "='slicd': did you mean 'sliced'"),
    ],
)
def test_layers_that_cannot_be_taken_over_are_named(tmp_path, layers, message):
    cfg = tiny(tmp_path)
    cfg.default_hooks.distill.start = layers
    with pytest.raises(ConfigError, match=message):
        train(cfg)


def test_there_is_no_residual_of_a_latent(tmp_path):
    cfg = tiny(tmp_path)
    cfg.default_hooks.distill.pairs = [dict(student='generator', residual=True)]
    with pytest.raises(ConfigError, match='leave `residual` out'):
        train(cfg)


def test_the_shipped_config_is_the_real_setting():
    cfg = Config.fromfile(ROOT / 'configs' / 'mikd_stylegan2.py')
    distill = cfg.default_hooks.distill
    teacher = copy.deepcopy(distill.teacher.model)
    teacher.generator.channel_multiplier = 1
    assert teacher == cfg.model and teacher.generator.out_size == 256
    assert (distill.recipe, distill.teacher.mode) == ('sliced_pyramid_early', 'train')
    assert cfg.train_cfg.max_iters == 800002


# ---- Content-Aware GAN Compression -----------------------------------------------------------------


def test_the_content_aware_base_starts_from_its_teacher_and_learns_its_content(tmp_path):
    """Generator and discriminator as pruned and inherited, then two steps by all losses on real pictograms."""
    cfg = cagc(tmp_path, iters=2)
    start, runner = starting_from(cfg, lambda runner: runner.model.state_dict())
    stored = load(cfg.default_hooks.distill.teacher.checkpoint)['state_dict']
    assert equal(part(start, 'discriminator.'), part(stored, 'discriminator.'))
    wide = stored[f'generator_ema.module.{LAYER}']
    assert wide.shape != start[f'generator.{LAYER}'].shape
    assert torch.isin(start[f'generator.{LAYER}'], wide).all()
    assert equal(part(start, 'generator.style_mapping.'), part(stored, 'generator_ema.module.style_mapping.'))
    log = scalars(runner)
    names = {f'loss_distill_{name}' for name in ('l1', 'perceptual', 'mi')}
    assert names < log.keys() and all(log[name].size == 2 for name in names)
    assert all(abs(log[name]).min() > 0 for name in names)
    assert not equal(start, runner.model.state_dict())


def test_a_content_elsewhere_keeps_other_channels(tmp_path):
    """The same latents and noise, another mask."""
    kept = []
    for number, side in enumerate((slice(0, 2), slice(14, 16))):
        cfg = cagc(tmp_path / str(number), iters=1)
        white = np.zeros((16, 16), np.uint8)
        white[:, side] = 255
        cv2.imwrite(cfg.default_hooks.distill.start.mask, white)
        kept.append(starting_from(cfg, lambda runner: runner.model.generator.state_dict())[0])
    assert not equal(*kept)
