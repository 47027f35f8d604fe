"""Where we touch the toolbox: forward hooks on networks and the interception of ``update_params``.

Nothing here knows about distillation. Every tap is undone by its ``remove``.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map_only

from ..utils.errors import ConfigError
from ..utils.rng import RandomState


def unwrap(module: nn.Module) -> nn.Module:
    """The network inside any number of DDP-like wrappers."""
    while is_model_wrapper(module):
        module = module.module
    return module


def resolve(model: nn.Module, path: str) -> nn.Module | None:
    """The submodule at a dotted path such as 'generators.photo', wrappers seen through; None if absent."""
    module: nn.Module | None = unwrap(model)
    for name in path.split('.'):
        module = getattr(module, name, None)
        if module is None:
            return None
        module = unwrap(module)
    return module


def for_this(module: nn.Module, hook: Callable) -> Callable:
    """``hook`` as a function that answers to ``module`` alone.

    A deep copy of a network, such as averaged weights start from, has its hooks too. A bound method would be
    copied with all it knows, a teacher and the images of a step; a function is shared, and silent there.
    """

    def on_call(called: nn.Module, *args: Any) -> Any:
        return hook(called, *args) if called is module else None

    return on_call


class Call(NamedTuple):
    """One forward call: a copy of what went in, what came out, the random state it started from."""

    args: tuple
    kwargs: dict
    output: Any
    random_state: RandomState


class ForwardTap:
    """Hands on the first call, after each ``arm``, that trains the network on fresh inputs.

    That is the first call with gradients enabled whose inputs do not themselves require a gradient. It
    is the one to distil in every MMagic family: not CycleGAN's cycle pass (its input is a generated
    image), not StyleGAN2's samples for the discriminator (no gradients) nor its path regularisation
    (a later call).
    """

    def __init__(self, module: nn.Module, on_call: Callable[[Call], None]) -> None:
        self._on_call = on_call
        self._start: tuple[tuple, dict, RandomState] | None = None
        self._armed = False
        self.seen: list[str] = []
        self._handles = [
            module.register_forward_pre_hook(for_this(module, self._before), with_kwargs=True),
            module.register_forward_hook(for_this(module, self._after), with_kwargs=True),
        ]

    def arm(self) -> None:
        self._armed = True
        self.seen.clear()

    def disarm(self) -> None:
        self._armed = False
        self._start = None

    def _before(self, module: nn.Module, args: tuple, kwargs: dict) -> None:
        if not self._armed:
            return
        inputs = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        generated = any(tensor.requires_grad for tensor in inputs)
        if torch.is_grad_enabled() and not generated:
            # a copy, because some networks change their inputs in place (CAIN takes its mean off them)
            args, kwargs = tree_map_only(Tensor, Tensor.clone, (args, kwargs))
            self._start = args, kwargs, RandomState.capture(next(module.parameters()).device)
        else:
            self.seen.append('a call on generated inputs' if generated else 'a call without gradients')

    def _after(self, module: nn.Module, args: tuple, kwargs: dict, output: Any) -> None:
        if self._start is None:
            return
        args, kwargs, random_state = self._start
        self.disarm()
        self._on_call(Call(args, kwargs, output, random_state))

    @property
    def counting(self) -> bool:
        """Whether the network is just now in the call that will be handed on."""
        return self._start is not None

    def remove(self) -> None:
        self.disarm()
        for handle in self._handles:
            handle.remove()


class Feature:
    """What a layer made in one call, and a way to see the whole gradient that arrives there.

    Attributes:
        tensor: a copy, because an activation behind the layer may work in place; gradients pass through it.
    """

    def __init__(self, made: Tensor) -> None:
        self._told: list[Callable[[Tensor], Tensor | None]] = []
        if made.requires_grad:  # now: in a moment it may have been changed in place
            made.register_hook(self._tell)
        self.tensor = made.clone()

    def on_gradient(self, look: Callable[[Tensor], Tensor | None]) -> None:
        """Call ``look`` with the gradient, in the next backward pass; it may return another."""
        self._told.append(look)

    def _tell(self, gradient: Tensor) -> Tensor:
        for look in self._told:
            changed = look(gradient)
            gradient = gradient if changed is None else changed
        return gradient


class Joined:
    """Two features of a layer as one, the second's samples after the first's."""

    def __init__(self, first: Feature, second: Feature) -> None:
        self._parts = first, second
        self.tensor = torch.cat([first.tensor, second.tensor])

    def on_gradient(self, look: Callable[[Tensor], Tensor | None]) -> None:
        """Call ``look`` with both gradients, in the next backward pass; what it returns has no effect."""
        seen: dict[int, Tensor] = {}

        def told(place: int, gradient: Tensor) -> None:
            seen[place] = gradient
            if len(seen) == 2:
                look(torch.cat([seen.pop(0), seen.pop(1)]))

        for place, part in enumerate(self._parts):
            part.on_gradient(partial(told, place))


class LayerTap:
    """Keeps what an inner layer makes, in the calls for which ``counts()`` holds, until it is taken."""

    def __init__(self, layer: nn.Module, counts: Callable[[], bool]) -> None:
        self._counts, self._feature = counts, None
        self._handle = layer.register_forward_hook(for_this(layer, self._after))

    def _after(self, module: nn.Module, args: tuple, output: Any) -> None:
        if not self._counts():
            return
        if not isinstance(output, Tensor):
            raise ConfigError(
                f'a layer of default_hooks.distill.objectives, a {type(module).__name__}, makes a '
                f'{type(output).__name__}, not a tensor; name a layer within it'
            )
        self._feature = Feature(output)

    def take(self) -> Feature | None:
        feature, self._feature = self._feature, None
        return feature

    def remove(self) -> None:
        self._feature = None
        self._handle.remove()


class UpdateTap:
    """Replaces the loss on its way into one optimiser wrapper by ``transform(loss)``.

    The way in is ``update_params``, which sees the loss before it is scaled: precision, gradient
    accumulation, clipping and the model's own DDP treat whatever is added exactly like the rest. It is
    ``backward`` in models that call ``backward`` and ``step`` of the wrapper themselves, as MMagic's
    inpainters do.
    """

    def __init__(self, optim_wrapper: OptimWrapper, transform: Callable[[Tensor], Tensor]) -> None:
        self._optim_wrapper, self._transform = optim_wrapper, transform
        self._replaced = self._in_update = False
        self._originals = {name: getattr(optim_wrapper, name) for name in ('update_params', 'backward')}
        vars(optim_wrapper).update(update_params=self._update_params, backward=self._backward)
        self._handle = optim_wrapper.optimizer.register_step_pre_hook(self._before_step)

    def _update_params(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        loss = self._replace(loss)
        self._in_update = True
        try:
            self._originals['update_params'](loss, *args, **kwargs)
        finally:
            self._in_update = False

    def _backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        self._originals['backward'](loss if self._in_update else self._replace(loss), *args, **kwargs)

    def _before_step(self, *args: Any) -> None:
        if not self._replaced:
            raise ConfigError(
                'the generator is about to be updated by a loss that its optimiser wrapper has not seen; let '
                "the model's train_step call optim_wrapper.update_params(loss) in place of loss.backward()"
            )
        self._replaced = False

    def _replace(self, loss: Tensor) -> Tensor:
        self._replaced = True
        return self._transform(loss)

    def remove(self) -> None:
        self._handle.remove()
        for name in self._originals:
            vars(self._optim_wrapper).pop(name, None)


class StepTap:
    """Asks ``goes_on()`` before each step of an optimiser wrapper, and so before it clips; False: no step."""

    def __init__(self, optim_wrapper: OptimWrapper, goes_on: Callable[[], bool]) -> None:
        self._optim_wrapper, self._before = optim_wrapper, vars(optim_wrapper).get('step')
        step = optim_wrapper.step
        vars(optim_wrapper)['step'] = lambda **kwargs: step(**kwargs) if goes_on() else None

    def remove(self) -> None:
        vars(self._optim_wrapper).pop('step', None)
        if self._before:
            vars(self._optim_wrapper)['step'] = self._before
