"""Short-run Langevin dynamics: samples of q(t|s) = exp(-E(t, s)) / Z(s), started at the student's image."""

from collections.abc import Callable

import torch
from torch import Tensor


def langevin(
    energy: Callable[[Tensor], Tensor],
    start: Tensor,
    steps: int = 10,
    step_size: float = 100.0,
    noise_std: float = 0.005,
    value_range: tuple[float, float] | None = (-1.0, 1.0),
    generator: torch.Generator | None = None,
) -> Tensor:
    """t <- t - step_size * grad_t E(t) + noise_std * N(0, I), ``steps`` times, then one clamp.

    VEM (Kang et al., NeurIPS 2022), with the published defaults; their step is 100 for CycleGAN and 50
    for StyleGAN2 at 256 px. The energy's spatial mean makes its gradient tiny, hence the large step.

    Args:
        energy: maps images (N, ...) to energies (N,); only its gradient with respect to t is taken.
        start: first state of the chain, taken as a constant.
        value_range: clamp of the last state; None leaves it.
        generator: source of the noise, on the device of ``start``; the global one is untouched by it.

    Returns:
        The last state, a constant of the shape of ``start``.
    """
    t = start.detach()
    for _ in range(steps):
        with torch.enable_grad():
            t.requires_grad_(True)
            # the gradient of the batch's sum: every sample follows its own energy
            (gradient,) = torch.autograd.grad(energy(t).sum(), t)
        noise = torch.randn(t.shape, dtype=t.dtype, device=t.device, generator=generator)
        t = t.detach() - step_size * gradient + noise_std * noise
    return t if value_range is None else t.clamp(*value_range)
