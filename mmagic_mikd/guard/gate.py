"""The gate between an objective and the student: what its gradient weighs there, and whether it may pass."""

from collections.abc import Callable

import torch
from torch import Tensor

Seen = Callable[
    [Tensor, Tensor], Tensor
]  # norms of the objective's gradient and of all others' -> may it pass?


def admitted(x: Tensor, admits: Seen, ratio: float | None = None) -> Tensor:
    """A view of ``x`` whose gradient joins that of the rest only if ``admits(part, rest)``.

    ``part`` is the norm of the gradient that arrives through the view, ``rest`` the norm of what arrives
    at ``x`` by all other ways, both in whatever scale the loss has; the answer is a truth value on their
    device. If it is no, the gradient at ``x`` is, bit by bit, that of the rest, whatever the part holds.

    Args:
        ratio: the part is scaled to so many times the norm of the rest; None leaves it as it is.
    """
    view, withheld = x.view_as(x), []

    def withhold(gradient: Tensor) -> Tensor:
        withheld.append(gradient)
        return torch.zeros_like(gradient)

    def join(rest: Tensor) -> Tensor | None:
        if not withheld:  # a backward pass of the rest alone
            return None
        part = withheld.pop()
        if ratio is not None:
            part = part * balancing(_norm(part), _norm(rest), ratio)
        admission = admits(_norm(part), _norm(rest))
        return torch.where(admission, rest + part, rest)

    view.register_hook(withhold)
    x.register_hook(join)
    return view


def passed(
    x: Tensor,
    look: Seen,
    on_all: Callable[[Callable[[Tensor], Tensor | None]], object],
    strict: bool,
    ratio: float | None = None,
) -> Tensor:
    """A view of ``x`` whose gradient passes at once, in the order of sums that a run without the gate has.

    For objectives whose gradient is bounded by their weight: only one that is not finite is taken out.

    Args:
        look: gets the norms of :func:`admitted` once both are known; its answer is too late to matter.
        on_all: registers a function of the whole gradient that arrives where ``x`` was made, which may
            return another in its place.
        strict: whether what is not finite is taken out.
        ratio: as in :func:`admitted`; the gradient then waits for the rest.
    """
    view, parts = x.view_as(x), []

    def take_out(gradient: Tensor) -> Tensor:
        finite = gradient.isfinite().all()
        passing = torch.where(finite, gradient, torch.zeros_like(gradient)) if strict else gradient
        parts.append((gradient, passing))
        return passing if ratio is None else torch.zeros_like(gradient)

    def whole(gradient: Tensor) -> Tensor | None:
        if not parts:
            return None
        part, passing = parts.pop()
        if ratio is None:
            look(_norm(part), _norm(gradient - passing))
            return None
        factor = balancing(_norm(part), _norm(gradient), ratio)
        look(factor * _norm(part), _norm(gradient))
        return gradient + factor * passing

    view.register_hook(take_out)
    on_all(whole)
    return view


def balancing(part: Tensor, rest: Tensor, ratio: float) -> Tensor:
    """What brings a gradient of norm ``part`` to ``ratio`` times ``rest``; 1 where either is nothing.

    Both norms are those of this process, and so is the factor: processes scale by their own samples.
    """
    usable = (part > 0) & (rest > 0) & part.isfinite() & rest.isfinite()
    return torch.where(usable, ratio * rest / part.clamp(min=torch.finfo(part.dtype).tiny), 1.0)


def _norm(gradient: Tensor) -> Tensor:
    return gradient.float().norm()
