"""What a diverging run shows, in words: the trip it belongs to, what was seen, what to change."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Symptom(NamedTuple):
    """``trip`` is the key of the policy in ``default_hooks.distill.guard``; texts take names and numbers."""

    trip: str
    text: str
    remedy: str


MODEL = 'model'  # whose symptoms are those of the model and of the teacher

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
    chain=Symptom('non_finite', 'the Langevin chain is not finite', 'lower {step}'),
    learning=Symptom('non_finite', 'the loss of {learned} is not finite', 'lower {rate}'),
    learner_gradient=Symptom('non_finite', 'the gradient of {learned} is not finite', 'lower {rate}'),
    value=Symptom('non_finite', '{what} is not finite', 'lower {weight}'),
    gradient=Symptom(
        'non_finite', 'the gradient of {what} is not finite', 'lower {weight}, and train without --amp'
    ),
    far=Symptom(
        'chain',
        'the Langevin chain carried {value:.0%} of the values out of the image range, by half of it or more',
        'lower {step}',
    ),
    floor=Symptom(
        'floor',
        "the critic's loss has been at its floor ({value:.3g}) for {patience} iterations: it tells samples "
        'of the chain from the target without effort',
        'change {step} until chain_drift in the log comes near chain_distance, or lower {rate}',
    ),
    overwhelms=Symptom(
        'gradient', 'the gradient of {what} is {value:.3g} times that of all other losses', 'lower {weight}'
    ),
)


class Signs:
    """What was seen since the last verdict, on the device, without waiting for it."""

    def __init__(self) -> None:
        self.noted: dict[str, dict[str, Tensor]] = {}

    def note(self, who: str, symptom: str, seen: Tensor, value: Tensor | None = None) -> None:
        """Of several pairs, and of several calls, any that shows it counts; ``seen`` is a truth value."""
        value = torch.zeros_like(seen, dtype=torch.float32) if value is None else value.detach().float()
        new = torch.stack([seen.float(), torch.where(seen, value, 0)])
        own = self.noted.setdefault(who, {})
        own[symptom] = torch.where(seen, new, own[symptom]) if symptom in own else new

    def take(self, whose: Sequence[str], device: torch.device) -> Tensor:
        """One tensor, (whose, symptoms, 2): whether it was seen, and its number; and forget it all."""
        nothing = torch.zeros(2, device=device)
        noted, self.noted = self.noted, {}
        rows = [noted.get(who, {}).get(name, nothing) for who in whose for name in SYMPTOMS]
        return torch.stack(rows).reshape(len(whose), len(SYMPTOMS), 2)

    @staticmethod
    def read(signs: Tensor, whose: Sequence[str]) -> dict[str, dict[str, float]]:
        """Of each, the symptoms that any process saw, and the mean of the number over those; a device sync."""
        return {
            who: {
                name: value / share for name, (share, value) in zip(SYMPTOMS, rows, strict=True) if share > 0
            }
            for who, rows in zip(whose, signs.tolist(), strict=True)
        }
