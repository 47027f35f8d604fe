"""Short-run Langevin dynamics: samples of q(t|s) = exp(-E(t, s)) / Z(s)."""

from collections.abc import Callable

import torch
from torch import Tensor

from ...utils.schema import check, interval, number, one_of, optional
from .negatives import of_another_sample
from .published import NOISE_STD, STEP_SIZE, STEPS

# Where a chain starts, from t, s and the frames of a sample: its name in pictures, and the images. 'student'
# is the published one. 'shuffled' is the teacher's image of another sample, a draw from p(t): then E tells
# pairs from images that do not belong together, and not merely t from what lies near s, which draws the student
# away from t.
STARTS = dict(
    student=('s', lambda t, s, frames: s), shuffled=("t'", lambda t, s, frames: of_another_sample(t, frames))
)


def langevin(
    energy: Callable[[Tensor], Tensor],
    start: Tensor,
    steps: int = STEPS,
    step_size: float = STEP_SIZE,
    noise_std: float = NOISE_STD,
    value_range: tuple[float, float] | None = (-1.0, 1.0),
    generator: torch.Generator | None = None,
    watch: Callable[[Tensor], None] | None = None,
) -> Tensor:
    """t <- t - step_size * grad_t E(t) + noise_std * N(0, I), ``steps`` times, then one clamp.

    VEM (Kang et al., NeurIPS 2022), with the published defaults; their step is 100 for CycleGAN and 50
    for StyleGAN2 at 256 px. The energy's spatial mean makes its gradient tiny, hence the large step.

    Args:
        energy: maps images (N, ...) to energies (N,); only its gradient with respect to t is taken.
        start: first state of the chain, taken as a constant.
        value_range: clamp of the last state; None leaves it.
        generator: source of the noise, on the device of ``start``; the global one is untouched by it.
        watch: gets the last state as it is before the clamp.

    Returns:
        The last state, a constant of the shape of ``start``.
    """
    t = start.detach().clone()
    for _ in range(steps):
        t.requires_grad_(True)
        with torch.enable_grad():
            # the gradient of the batch's sum: every sample follows its own energy
            (gradient,) = torch.autograd.grad(energy(t).sum(), t)
        noise = torch.randn(t.shape, dtype=t.dtype, device=t.device, generator=generator)
        # in place: with a critic this small, new images cost as much as its convolutions
        t = t.detach().sub_(gradient, alpha=step_size).add_(noise, alpha=noise_std)
    if watch is not None:
        watch(t)
    return t if value_range is None else t.clamp(*value_range)


MOST_STEPS = 10_000  # of one chain, which runs in every iteration; ten are published
SAMPLER = dict(
    start=one_of(*STARTS),
    steps=number(least=0, most=MOST_STEPS, whole=True),
    step_size=number(least=0),
    noise_std=number(least=0),
    value_range=optional(interval),
)


def check_sampler(name: str, settings: dict) -> None:
    """Whether a config, found at the key ``name``, holds settings of :func:`langevin`.

    Raises:
        ConfigError: an unknown setting, or one that is no number in its range.
    """
    check(name, settings, SAMPLER, closed=True)
