"""How a module of an objective is called: as a constant function, and with a sentence where it cannot be."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ..utils.checks import quoted
from ..utils.errors import ConfigError

OF_LAYERS = (
    "name layers of equal shape in `layer`, or set `adapter`, such as dict(type='Conv2d', kernel_size=1) for "
    'other channels'
)
OF_IMAGES = 'use a module of (student, teacher) that returns a scalar'


@contextmanager
def comparing(key: str, layers: bool, student: Tensor, teacher: Tensor) -> Iterator[None]:
    """While a module compares the two; what it cannot take is a matter of the config at ``key``.

    Args:
        layers: whether they are features of layers.

    Raises:
        ConfigError: it has raised anything, but for want of memory.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except ConfigError as error:
        raise ConfigError(str(error) if key in str(error) else f'{key}: {error}') from error
    except Exception as error:  # the module may be anybody's
        reason = quoted(f'{type(error).__name__}: {error}', 160)
        raise ConfigError(
            f'{key} cannot compare {tuple(student.shape)} of the student with {tuple(teacher.shape)} of the '
            f'teacher ({reason}); {OF_LAYERS if layers else OF_IMAGES}'
        ) from error


def alike(
    key: str, sizes: Sequence[Sequence[int]], make: Callable[..., Sequence[nn.Module | None]]
) -> tuple[int, ...]:
    """The channels for which networks of all pairs are built: those of the first pair.

    Args:
        make: builds what learns for such channels.

    Raises:
        ConfigError: for the channels of another pair, as of a second teacher, its weights have other shapes.
    """
    first, *others = map(tuple, sizes)
    for other in filter(lambda other: other != first, others):
        theirs, ours = (
            [p.shape for module in make(*each) if module for p in module.parameters()]
            for each in (other, first)
        )
        if theirs != ours:
            raise ConfigError(
                f'{key} learns for so many channels, and these differ from pair to pair, {first} and {other}: '
                f'of several teachers name one in {key}.teacher, and write one such objective for each'
            )
    return first


def require_one_shape(module: nn.Module, s: Tensor, t: Tensor) -> None:
    """What the toolbox's distances could compare may still differ in shape: they stretch what is 1 in one.

    Raises:
        ValueError: they have, such as a single channel over those of the teacher.
    """
    if s.shape != t.shape and type(module).__module__.startswith('mmagic.'):
        raise ValueError(f'{type(module).__name__} would stretch one to the shape of the other')


@contextmanager
def frozen(network: nn.Module) -> Iterator[nn.Module]:
    """The network as a constant function: no parameter gradients, weights normalised once, not per call.

    Between two updates the weights do not change, so neither do their spectral norms. What is saved in a
    chain is K - 1 power iterations per weight and every gradient with respect to a weight.
    """
    trainable = [p for p in network.parameters() if p.requires_grad]
    for parameter in trainable:
        parameter.requires_grad_(False)
    try:
        with parametrize.cached():
            yield network
    finally:
        for parameter in trainable:
            parameter.requires_grad_(True)
