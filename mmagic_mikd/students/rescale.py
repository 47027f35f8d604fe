"""Factors that a layer takes from its own width, and that its slice has to make up for."""

from collections.abc import Iterator
from types import SimpleNamespace

import torch
from mmagic.models.editors.pggan.pggan_modules import EqualizedLR
from mmagic.models.editors.swinir.swinir_rstb import WindowAttention
from torch import Tensor, nn

from .layer_rules import MODULATED


def rescale(weights: dict[str, Tensor], student: nn.Module, teacher: nn.Module) -> dict[str, Tensor]:
    """The slices of a teacher's weights, so that in the student they do what they did in the teacher."""
    weights, theirs = dict(weights), dict(teacher.named_modules())
    for path, module in student.named_modules():
        other = theirs.get(path)
        if other is None:
            continue
        for name, factor in _equalised(module, other):
            _multiply(weights, f'{path}.{name}'.lstrip('.'), factor)
        if isinstance(module, WindowAttention):  # it divides by the root of the channels of a head
            for name in ('weight', 'bias'):
                _multiply(weights, f'{path}.qkv.{name}', other.scale / module.scale, module.dim)
    return weights


def _equalised(module: nn.Module, other: nn.Module) -> Iterator[tuple[str, float]]:
    """Weights with an equalised learning rate, which are divided by the root of what they read."""
    if isinstance(module, MODULATED) and module.demodulate:
        return  # divides by the norm of its weights itself
    for hook in module._forward_pre_hooks.values():
        if isinstance(hook, EqualizedLR):
            name = f'{hook.name}_orig'
            mine, theirs = (
                hook.compute_weight(SimpleNamespace(**{name: torch.ones_like(getattr(m, name))})).flatten()[0]
                for m in (module, other)
            )
            yield name, float(theirs / mine)


def _multiply(weights: dict[str, Tensor], name: str, factor: float, rows: int | None = None) -> None:
    if name in weights and factor != 1:
        weights[name] = weights[name].clone()
        weights[name][:rows].mul_(factor)
