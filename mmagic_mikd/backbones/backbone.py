"""A frozen network as a function of images: what its layers make of them."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ..host.taps import unwrap
from ..objectives.calls import frozen
from ..utils.errors import ConfigError

# what makes an activation, by the name of its class: some are the toolbox's own
ACTIVATIONS = {
    *('ReLU', 'LeakyReLU', 'PReLU', 'ELU', 'SELU', 'GELU', 'SiLU', 'Swish', 'Mish', 'Hardswish'),
    *('FusedBiasLeakyReLU', 'FusedBiasLeakyRelu'),
}


class Enough(Exception):
    """Ends a forward call after the last layer that anybody wants to see."""


class Backbone:
    """phi(image): what layers of a network make of images, with the network as a constant function.

    By the data processing inequality a bound on features is one on the images, too: of a network that sees
    the image alone I(phi(T); S) <= I(T; S). One that also sees the input x, a conditional discriminator, says
    something of x that no image has to: there it is I(phi(T, x); S | x) <= I(T; S | x), given x. Either is
    bounded by the same loss, for the entropy that they differ by does not depend on the student.

    Args:
        network: in whatever mode it is; here it runs in evaluation mode, with the running statistics.
        layers: paths of modules; by default every activation, in the order in which they run.
        key: where it stands in the config, for messages.

    Attributes:
        channels: of the images that it takes, those beside a conditional one's input included; None where
            the network has no convolution that would tell.

    Raises:
        ConfigError: the network has no such layer, or no activation.
    """

    def __init__(self, network: nn.Module, layers: Sequence[str] | None, key: str) -> None:
        self.network, self.key = network, key
        inner = unwrap(network)
        modules = dict(inner.named_modules(remove_duplicate=False))
        activations = [name for name, module in modules.items() if type(module).__name__ in ACTIVATIONS]
        unknown = [name for name in layers or () if name not in modules]
        if unknown or not (layers or activations):
            listed = ', '.join(map(repr, activations[:6])) or 'none'
            wanted = f'has no layer {unknown[0]!r}' if unknown else 'has no activation to look at'
            raise ConfigError(
                f'{key}.layers: {type(inner).__name__} {wanted}; set it to paths of its modules (activations '
                f'are {listed})'
            )
        self._all = layers is None
        # a module under two names is one module, and is to be seen once for each time that it runs
        self._layers = list({id(modules[name]): modules[name] for name in layers or activations}.values())
        first = next((m for m in inner.modules() if isinstance(m, nn.Conv2d)), None)
        self.channels = None if first is None else first.in_channels

    def __call__(self, image: Tensor, x: Tensor | None = None) -> list[Tensor]:
        """Features of images (N, C, H, W), differentiable in these; clips (N, T, C, H, W) are their frames.

        Args:
            x: what the generator was given; a conditional discriminator sees it beside the image.

        Raises:
            ConfigError: the network cannot take the images.
        """
        image = image.flatten(0, -4).float()
        seen: list[Tensor] = []
        try:
            with self._constant(), self._watching(seen):
                self.network(self._inputs(image, x))
        except Enough:
            pass
        except (torch.OutOfMemoryError, ConfigError):
            raise
        except Exception as error:
            reason = ' '.join(f'{type(error).__name__}: {error}'.split())[:160]
            raise ConfigError(
                f'{self.key}: {type(unwrap(self.network)).__name__} cannot take images of shape '
                f'{tuple(image.shape)} ({reason}); use another backbone'
            ) from error
        maps = [feature for feature in seen if feature.ndim == 4]
        return maps if self._all and maps else seen

    def _inputs(self, image: Tensor, x: Tensor | None) -> Tensor:
        wanted, channels = self.channels, image.shape[1]
        if wanted in (None, channels):
            return image
        if isinstance(x, Tensor) and x.ndim >= 4:
            x = x.flatten(0, -4)
            if x.shape[1] + channels == wanted and (len(x), *x.shape[2:]) == (len(image), *image.shape[2:]):
                return torch.cat([x.float(), image], 1)
        given = '' if x is None else f' beside an input of shape {tuple(x.shape)}'
        raise ConfigError(
            f'{self.key}: {type(unwrap(self.network)).__name__} takes {wanted} channels, and the images have '
            f'{channels}{given}; use another backbone'
        )

    @contextmanager
    def _constant(self) -> Iterator[None]:
        """No gradient reaches a weight, no running statistic moves, whoever else trains the network."""
        # the toolbox's ADA discriminator augments in evaluation mode, too, each call in its own way
        flags = [(module, 'training') for module in self.network.modules() if module.training]
        flags += [(module, 'with_ada') for module in self.network.modules() if getattr(module, 'with_ada', 0)]
        try:
            for module, flag in flags:
                setattr(module, flag, False)
            with frozen(self.network):
                yield
        finally:
            for module, flag in flags:
                setattr(module, flag, True)

    @contextmanager
    def _watching(self, seen: list[Tensor]) -> Iterator[None]:
        """Hooks for this call alone: others call the network, too, and copies would keep them."""
        waiting = set(map(id, self._layers))
        with ExitStack() as stack:
            for layer in self._layers:
                handle = layer.register_forward_hook(partial(self._keep, seen, waiting))
                stack.callback(handle.remove)
            yield

    def _keep(self, seen: list[Tensor], waiting: set[int], layer: nn.Module, args: tuple, made: Any) -> None:
        if not isinstance(made, Tensor):
            raise ConfigError(
                f'{self.key}.layers: a {type(layer).__name__} makes a {type(made).__name__}, not a tensor; '
                'name a layer within it'
            )
        seen.append(made.clone())  # what comes next may work in place
        waiting.discard(id(layer))
        if not waiting and not self._all:
            raise Enough
