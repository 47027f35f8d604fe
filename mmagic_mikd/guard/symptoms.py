"""What a diverging run shows, in words: the trip it belongs to, what was seen, what to change."""

from typing import NamedTuple

import torch
from torch import Tensor


class Symptom(NamedTuple):
    """``trip`` is the key of the policy in ``default_hooks.distill.guard``; the texts take numbers."""

    trip: str
    text: str
    remedy: str


_STEP = 'default_hooks.distill.sampler.step_size (now {step_size:g})'
_RATE = 'default_hooks.distill.optim_wrapper.optimizer.lr (now {lr:g})'
_WEIGHT = 'default_hooks.distill.loss.loss_weight (now {loss_weight:g})'

# A cause stands before its consequences: of each trip the first that is seen is named.
SYMPTOMS = dict(
    base=Symptom(
        'base',
        "the student's image, or the loss that the model itself computes, is not finite, which is not the "
        "distillation's",
        "lower the learning rate of the model's own optim_wrapper or clip its gradients",
    ),
    teacher=Symptom(
        'non_finite',
        "the teacher's image is not finite",
        'look at the weights in default_hooks.distill.teacher.checkpoint, or train without --amp',
    ),
    chain=Symptom('non_finite', 'the Langevin chain is not finite', f'lower {_STEP}'),
    energies=Symptom('non_finite', 'an energy or the loss of the critic is not finite', f'lower {_RATE}'),
    critic_gradient=Symptom('non_finite', "the critic's gradient is not finite", f'lower {_RATE}'),
    mi_gradient=Symptom(
        'non_finite',
        'the gradient of the mutual information is not finite',
        f'lower {_WEIGHT}, and train without --amp',
    ),
    term=Symptom(
        'non_finite',
        'a loss of default_hooks.distill.terms is not finite',
        'lower its weight, or the learning rate of what it learns',
    ),
    far=Symptom(
        'chain',
        'the Langevin chain carried {value:.0%} of the values out of the image range, by half of it or more',
        f'lower {_STEP}',
    ),
    floor=Symptom(
        'floor',
        "the critic's loss has been at its floor ({value:.3g}) for {patience} iterations: it tells samples "
        'of the chain from the target without effort',
        f'change {_STEP} until chain_drift in the log comes near distance, or lower {_RATE}',
    ),
    overwhelms=Symptom(
        'gradient',
        'the gradient of the mutual information is {value:.3g} times that of all other losses',
        f'lower {_WEIGHT}',
    ),
)


class Signs:
    """What was seen since the last verdict, on the device, without waiting for it."""

    def __init__(self) -> None:
        self.noted: dict[str, Tensor] = {}

    def note(self, name: str, seen: Tensor, value: Tensor | None = None) -> None:
        """Of several pairs, and of several calls, any that shows it counts; ``seen`` is a truth value."""
        value = torch.zeros_like(seen, dtype=torch.float32) if value is None else value.detach().float()
        new = torch.stack([seen.float(), torch.where(seen, value, 0)])
        self.noted[name] = torch.where(seen, new, self.noted[name]) if name in self.noted else new

    def take(self, device: torch.device) -> Tensor:
        """One tensor, (symptoms, 2): whether it was seen, and its number; and forget it all."""
        nothing = torch.zeros(2, device=device)
        noted, self.noted = self.noted, {}
        return torch.stack([noted.get(name, nothing) for name in SYMPTOMS])

    @staticmethod
    def add(signs: Tensor, name: str, seen: Tensor) -> None:
        signs[list(SYMPTOMS).index(name), 0] = seen

    @staticmethod
    def read(signs: Tensor) -> dict[str, float]:
        """Name of each symptom that any process saw to the mean of its number over those; a device sync."""
        rows = zip(SYMPTOMS, signs.tolist(), strict=True)
        return {name: value / share for name, (share, value) in rows if share > 0}
