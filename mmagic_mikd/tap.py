"""Where we touch the toolbox: forward hooks on networks and the interception of ``update_params``.

Nothing here knows about distillation. Every tap is undone by its ``remove``.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from .rng import RandomState


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


class Call(NamedTuple):
    """One forward call: what went in, what came out, and the random state it started from."""

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
        self._random_state: RandomState | None = None
        self._armed = False
        self.seen: list[str] = []
        self._handles = [
            module.register_forward_pre_hook(self._before, with_kwargs=True),
            module.register_forward_hook(self._after, with_kwargs=True),
        ]

    def arm(self) -> None:
        self._armed = True
        self.seen.clear()

    def disarm(self) -> None:
        self._armed = False
        self._random_state = None

    def _before(self, module: nn.Module, args: tuple, kwargs: dict) -> None:
        if not self._armed:
            return
        inputs = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        generated = any(tensor.requires_grad for tensor in inputs)
        if torch.is_grad_enabled() and not generated:
            self._random_state = RandomState.capture(next(module.parameters()).device)
        else:
            self.seen.append('a call on generated inputs' if generated else 'a call without gradients')

    def _after(self, module: nn.Module, args: tuple, kwargs: dict, output: Any) -> None:
        if self._random_state is None:
            return
        call = Call(args, kwargs, output, self._random_state)
        self.disarm()
        self._on_call(call)

    def remove(self) -> None:
        self.disarm()
        for handle in self._handles:
            handle.remove()


class UpdateTap:
    """Replaces the loss on its way into one ``OptimWrapper.update_params`` by ``transform(loss)``.

    The loss is seen before it is scaled, so precision, gradient accumulation, clipping and the model's
    own DDP treat whatever is added exactly like the rest.
    """

    def __init__(self, optim_wrapper: OptimWrapper, transform: Callable[[Tensor], Tensor]) -> None:
        self._optim_wrapper = optim_wrapper
        original = optim_wrapper.update_params

        def update_params(loss: Tensor, *args: Any, **kwargs: Any) -> None:
            original(transform(loss), *args, **kwargs)

        optim_wrapper.update_params = update_params

    def remove(self) -> None:
        self._optim_wrapper.__dict__.pop('update_params', None)
