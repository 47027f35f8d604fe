"""Layers whose first channels are no smaller version of them, as nobody has said which belong together."""

import inspect
import re
from collections.abc import Iterator
from contextlib import suppress

from torch import nn
from torch.nn.utils.parametrize import is_parametrized
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from ..utils.errors import ConfigError
from .channel_groups import PARTS

NORMALISED = 'normalises its weights as a whole'
FUSED = re.compile(r'qkv|(^|_)kv($|_)|in_proj|c_attn|query_key_value', re.I)
CALLS = 'chunk|split|tensor_split|unbind|narrow|cat|concat|concatenate|hstack|column_stack|rearrange|glu'
FOLLOW = (
    ", take dict(type='pruned'), which follows them, or add it to mmagic_mikd.students.channel_groups.PARTS"
)
PART = r'\[\s*:\s*,(?=[^],]*:)[^],]*[^],:\s]'  # as h[:, :c], but neither h[:, :, :w] nor h[:, None]
REGROUPS = re.compile(rf'\b({CALLS})\(|{PART}')


def require_known(student: nn.Module, teacher: nn.Module, layer: str, where: str) -> None:
    """Refuse to slice what is not known to be right; what keeps its size is no matter.

    Right means: where the other channels of the teacher are silent, the student is the teacher. What is known
    stands in :data:`mmagic_mikd.students.channel_groups.PARTS`; tests/students/test_start.py proves it.

    Args:
        layer: path within both networks, '' for all of them.
        where: the key in the config.

    Raises:
        ConfigError: a part of the layer joins, divides or fuses channels, and nobody has said how.
    """
    narrower = set(_narrower(student, teacher))
    for path, module in _unknown(student):
        owner = path if any(True for _ in module.parameters()) else path.rpartition('.')[0]
        if not (_within(path, layer) and any(_within(name, owner) for name in narrower)):
            continue
        reason = _reason(path, module, dict(teacher.named_modules()).get(path))
        if reason:
            raise ConfigError(
                f"{where}='sliced': {path or 'the network'!r} ({type(module).__name__}) {reason}, so its first "
                'channels may be no smaller version of it: leave `start` out, name other layers one by one'
                f'{"" if reason == NORMALISED else FOLLOW}'
            )


def _narrower(student: nn.Module, teacher: nn.Module) -> Iterator[str]:
    """Names of the student's weights that are of another size in the teacher."""
    sizes = {name: weight.shape for name, weight in teacher.named_parameters()}
    for name, weight in student.named_parameters():
        if sizes.get(name, weight.shape) != weight.shape:
            yield name


def _unknown(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """All modules but those that the table knows, and what is within them."""
    known: list[str] = []
    for path, module in network.named_modules():  # the outer ones first
        if isinstance(module, tuple(PARTS)):
            known.append(path)
        elif not any(_within(path, outer) for outer in known):
            yield path, module


def _within(path: str, outer: str) -> bool:
    return not outer or path == outer or path.startswith(f'{outer}.')


def _reason(path: str, module: nn.Module, other: nn.Module | None) -> str | None:
    """What is unknown about the channels of a module, ``other`` in the teacher."""
    hooks = module._forward_pre_hooks.values()
    if is_parametrized(module) or any(isinstance(hook, SpectralNorm | WeightNorm) for hook in hooks):
        return NORMALISED
    if isinstance(module, nn.MultiheadAttention | nn.RNNBase) or FUSED.search(path.rpartition('.')[2]):
        return 'holds several matrices in one'
    if any(getattr(module, name, 1) not in (1, None) for name in ('num_heads', 'heads')):
        return 'divides its channels among heads'
    if isinstance(module, nn.modules.conv._ConvNd):
        return None if _same_groups(module, other) else 'convolves groups of channels'
    if REGROUPS.search(_source(module)):
        return 'joins or divides channels in its forward'
    return None


def _same_groups(conv: nn.Module, other: nn.Module | None) -> bool:
    """Whether the narrow one has fewer groups of the same kind, as depthwise convolutions have."""
    if other is None or conv.groups == other.groups == 1:
        return True
    mine, theirs = ((c.in_channels // c.groups, c.out_channels // c.groups) for c in (conv, other))
    return mine == theirs


def _source(module: nn.Module) -> str:
    """Of the functions that compute it; torch's own layers join nothing but in a GLU."""
    kind = type(module)
    if kind.__module__.startswith('torch.'):
        return 'glu(' if isinstance(module, nn.GLU) else ''
    found = []
    for name, function in inspect.getmembers(kind, inspect.isfunction):
        if function.__module__.startswith(('torch.', 'mmengine.')) or name.startswith(('__', 'init_weights')):
            continue
        with suppress(OSError):  # compiled, or typed in
            found.append(inspect.getsource(function))
    return '\n'.join(found)
