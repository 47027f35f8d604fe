"""Where we touch the toolbox: forward hooks on networks and the interception of ``update_params``.

Nothing here knows about distillation. Every tap is undone by its ``remove``.
"""

from collections.abc import Callable
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
