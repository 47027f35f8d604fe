"""Mixed precision: the networks in half precision, the distillation in float32, the same training."""

import copy
from itertools import pairwise

import families
import numpy as np
import precision_runs
import pytest
import torch
from families import hook_of
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmagic_mikd.guard.gate import admitted

HALF = ('bfloat16', 'float16')
# largest difference of an energy from that of the float32 run, as a share of the largest energy there
FIRST = dict(bfloat16=0.01, float16=0.002)  # the same weights, so nothing but the rounding of the images
LEARNER = dict(optimizer=dict(type='Adam', lr=0.01))
FEATURES = dict(type='FeatureCritic')
LATER = 0.25  # after three updates of Adam, which turns any rounding of a small gradient into a step


@pytest.fixture(scope='module')
def logged(tmp_path_factory):
    """The log of a family's run in a precision, run when first asked for."""
    folder, known = tmp_path_factory.mktemp('precision'), {}

    def logged(family: str, precision: str) -> dict:
        if (family, precision) not in known:
            known[family, precision], _ = precision_runs.run(family, precision, folder, iters=3)
        return known[family, precision]

    return logged


@pytest.mark.parametrize('precision', HALF)
@pytest.mark.parametrize('family', precision_runs.FAMILIES)
def test_the_energies_agree_with_those_of_float32(logged, family, precision):
    half, full = logged(family, precision), logged(family, 'float32')
    assert half.keys() == full.keys()
    assert all(np.isfinite(values).all() for values in half.values())
    error = precision_runs.deviation(half, full)
    assert error[0] < FIRST[precision] and error.max() < LATER
    # the toolbox casts only those layers of a StyleGAN2 that a config names
    assert (error.max() == 0) == (family == 'stylegan2')


def test_stylegan2_with_layers_in_half_precision(tmp_path):
    """They draw other noise, so that there is nothing to compare; on a CPU they compute in bfloat16."""
    cfg = precision_runs.config('stylegan2', 'float16', tmp_path, iters=2)
    for model in (cfg.model, cfg.default_hooks.distill.teacher.model):
        model.generator.num_fp16_scales = 2
    runner, images = Runner.from_cfg(cfg), []
    layers = [m for m in runner.model.generator.modules() if getattr(m, 'fp16_enabled', False)]
    layers[-1].register_forward_hook(lambda module, args, output: images.append(output.dtype))
    runner.train()
    assert images and set(images) == {torch.bfloat16}
    assert all(np.isfinite(values).all() for values in families.scalars(runner).values())


class Precisions(Hook):
    """Who computes in which precision, seen from within."""

    def before_train(self, runner):
        hook, self.seen = hook_of(runner), {}
        stock = hook.objectives['mi'].bound.critic_loss

        def critic_loss(critic, *images):
            self.made = {image.dtype for pair in hook.pairs for image in (pair.s, pair.t)}
            self.seen['images of the critic'] = {image.dtype for image in images}
            loss, energies = stock(critic, *images)
            self.seen['energies'] = {energy.dtype for energy in energies}
            return loss, energies

        hook.objectives['mi'].bound.critic_loss = critic_loss

    def after_train_iter(self, runner, *args, **kwargs):
        hook = hook_of(runner)
        self.seen['weights'] = {
            p.dtype for p in (*runner.model.parameters(), *hook.objectives['mi'].critics.parameters())
        }


@pytest.mark.parametrize('precision', HALF)
def test_student_and_teacher_in_half_precision_and_all_else_in_float32(tmp_path, precision):
    """And a teacher with the student's weights makes the student's image, rounding included."""
    cfg = precision_runs.config('cyclegan', precision, tmp_path, iters=1)
    distill = cfg.default_hooks.distill
    distill.teacher.model = copy.deepcopy(cfg.model)
    cfg.load_from = distill.teacher.checkpoint = families.save_teacher(cfg.model, tmp_path / 'same')
    # numbers, which unlike the tensors of a preprocessor leave half precision as it is
    domains = ('summer', 'winter')
    distill.pairs = [dict(student=f'generators.{domain}', value_range=(-1.0, 1.0)) for domain in domains]
    runner, precisions = Runner.from_cfg(cfg), Precisions()
    runner.register_hook(precisions)
    runner.train()
    assert precisions.made == {getattr(torch, precision)}
    assert precisions.seen == {key: {torch.float32} for key in precisions.seen} and len(precisions.seen) == 3
    assert [families.scalars(runner)[f'distance_generators_{domain}'].item() for domain in domains] == [0, 0]


@pytest.mark.parametrize('precision', HALF)
@pytest.mark.parametrize(
    'objective',
    [
        dict(type='LaplaceLoss', loss_weight=0.05, learner=LEARNER),
        dict(type='MIDistillLoss', loss_weight=0.05, estimator='nce', critic=FEATURES, learner=LEARNER),
        dict(
            type='MIDistillLoss', loss_weight=0.05, estimator='likelihood', critic=FEATURES, learner=LEARNER
        ),
    ],
    ids=['closed form', 'nce', 'likelihood'],
)
def test_what_looks_through_a_network_reaches_a_student_in_half_precision(tmp_path, objective, precision):
    """With a loss scale at which the sum of a gradient in half precision would be infinite."""
    cfg = precision_runs.config('pix2pix', precision, tmp_path, iters=4)
    cfg.default_hooks.distill.objectives = dict(x=dict(objective, backbone='discriminator'))
    if precision == 'float16':
        for wrapper in cfg.optim_wrapper.values():
            if isinstance(wrapper, dict):
                wrapper.loss_scale = 65536.0
    logged = families.scalars(families.train(cfg))
    assert 'guard_trips' not in logged
    assert logged['loss_distill_x'].size == 4 and np.isfinite(logged['x_grad_ratio']).all()


class Weights(Hook):
    """Those of student and critic, before each iteration and after the last."""

    priority = 'VERY_HIGH'  # in the end, before the hook under test is gone

    def before_train_iter(self, runner, *args, **kwargs):
        hook = hook_of(runner)
        networks = hook.pairs[0].student, hook.objectives['mi'].critics
        self.seen = [*getattr(self, 'seen', []), tuple(vector(network.parameters()) for network in networks)]

    def after_train(self, runner):
        self.before_train_iter(runner)


def vector(parameters) -> torch.Tensor:
    return torch.nn.utils.parameters_to_vector(parameters).detach().clone()


@pytest.mark.parametrize('family', ['edsr', 'pix2pix', 'srgan'])
def test_a_step_that_the_loss_scaler_skips(tmp_path, family):
    """The student stays, the critic learns on, and nothing takes the overflow for a divergence."""
    cfg = precision_runs.config(family, 'float16', tmp_path, iters=3)
    wrappers = [cfg.optim_wrapper] if 'optimizer' in cfg.optim_wrapper else cfg.optim_wrapper.values()
    for wrapper in wrappers:
        if isinstance(wrapper, dict):
            wrapper.loss_scale = dict(init_scale=2.0**60)
    runner, watch = Runner.from_cfg(cfg), Weights()
    runner.register_hook(watch)
    runner.train()
    wrapper = runner.optim_wrapper
    scalers = [w.loss_scaler for w in (wrapper.values() if hasattr(wrapper, 'values') else [wrapper])]
    assert [scaler.get_scale() for scaler in scalers] == [2.0**57] * len(scalers)
    student, critic = zip(*watch.seen, strict=True)
    assert all(torch.equal(student[0], weights) for weights in student)
    assert not any(torch.equal(a, b) for a, b in pairwise(critic))
    assert 'guard_trips' not in families.scalars(runner)


@pytest.mark.parametrize(('precision', 'lost'), [('bfloat16', 1 / 512), ('float16', 1 / 4096)])
def test_a_bound_that_is_too_weak_is_rounded_away(precision, lost):
    """Where its gradient joins that of the other losses, at an image in half precision."""

    def joined(rest: float, part: float) -> float:
        image = torch.zeros(1, dtype=getattr(torch, precision), requires_grad=True)
        seen = admitted(image, lambda *norms: torch.tensor(True))
        (rest * image.float() + part * seen.float()).sum().backward()
        return image.grad.item()

    for rest in (1.0, 1.5, 1.9375):
        assert joined(rest, rest * lost) == rest
        assert joined(rest, rest * lost * 4) > rest


def test_under_autocast_the_critic_would_not_run():
    critic = precision_runs.EnergyCritic(base_channels=2, image_size=8)
    image = torch.zeros(1, 3, 8, 8)
    with pytest.raises(RuntimeError, match='same dtype'), torch.autocast('cpu', torch.bfloat16):
        critic(image, image)


@pytest.mark.parametrize(('precision', 'least'), [('bfloat16', 0.02), ('float16', 0.001)])
def test_and_its_input_gradient_would_be_another(precision, least):
    exact = precision_runs.input_gradient('float32', 256)  # at 64 px float16's error depends on the processor
    error = (precision_runs.input_gradient(precision, 256) - exact).norm() / exact.norm()
    assert error > least
