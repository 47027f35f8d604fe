"""What the model gives its generators in training, without training them."""

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.hooks import RemovableHandle

from ..utils.errors import ConfigError
from ..utils.rng import RandomState, replayed, seeded
from .locate import wrappers_of
from .taps import for_this, unwrap

UPDATES = ('update_params', 'backward', 'step', 'zero_grad')


class Given(NamedTuple):
    """The arguments of a training call, and the random state it started from."""

    args: tuple
    kwargs: dict
    random_state: RandomState

    def to(self, network: nn.Module) -> Any:
        """What a network makes of a copy of them, with the same draws."""
        args, kwargs = tree_map_only(Tensor, Tensor.clone, (self.args, self.kwargs))
        with replayed(self.random_state):
            return network(*args, **kwargs)

    def few(self) -> 'Given':
        """With two of its samples, or one if there is no other: enough to follow channels."""
        leaves = tree_leaves((self.args, self.kwargs))
        if len({leaf.shape[0] for leaf in leaves if isinstance(leaf, Tensor) and leaf.dim()}) != 1:
            return self
        parts = tree_map_only(Tensor, lambda x: x[:2] if x.dim() else x, (self.args, self.kwargs))
        return Given(*parts, self.random_state)


def on_first_call(network: nn.Module, then: Callable[[Given], None]) -> RemovableHandle:
    """Let ``then`` see, once, what the network is first given to train on, before it computes with it."""

    def before(network: nn.Module, args: tuple, kwargs: dict) -> None:
        if _trains_on_data(args, kwargs):
            handle.remove()
            then(_given(network, args, kwargs))

    # before the hooks there are already: its own calls of the network are not those that they wait for
    hook = for_this(network, before)
    handle = network.register_forward_pre_hook(hook, prepend=True, with_kwargs=True)
    return handle


def _trains_on_data(args: tuple, kwargs: dict) -> bool:
    inputs = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    return torch.is_grad_enabled() and not any(tensor.requires_grad for tensor in inputs)


def _given(network: nn.Module, args: tuple, kwargs: dict) -> Given:
    args, kwargs = tree_map_only(Tensor, Tensor.clone, (args, kwargs))
    return Given(args, kwargs, RandomState.capture(next(network.parameters()).device))


class _Seen(Exception):
    """Every generator has been given something."""


def training_calls(
    runner: Runner, generators: Mapping[str, nn.Module], batches: int
) -> dict[str, list[Given]]:
    """The first call on real inputs of each generator, in as many batches.

    The batches are drawn from the training data with the run's seed, beside the sampler of the training. A step
    of the model runs until its generators have been called; nothing is updated, and no statistic moves.

    Raises:
        ConfigError: a step calls a generator never on real inputs.
    """
    model, device = unwrap(runner.model), next(runner.model.parameters()).device
    found: dict[str, list[Given]] = {path: [] for path in generators}
    with (
        seeded(runner.seed or 0, device),
        unchanged_buffers(model),
        _as_they_were(model),
        _no_updates(runner),
        _turn_of_generators(runner),
    ):
        model.train()
        for number in range(1, batches + 1):
            with _watched(generators, found, number):
                try:
                    model.train_step(_batch(runner), runner.optim_wrapper)
                except _Seen:
                    continue
            missing = next((path for path, calls in found.items() if len(calls) < number), None)
            if missing:
                raise ConfigError(
                    f'{missing!r} is called on no real inputs in a training step, and a pruned start asks for '
                    "them: start it as 'sliced', or leave `start` out"
                )
    return found


def _batch(runner: Runner) -> Any:
    loader = runner.train_dataloader
    dataset = loader.dataset
    places = torch.randint(len(dataset), (loader.batch_size or 1,)).tolist()
    return loader.collate_fn([dataset[place] for place in places])


@contextmanager
def _watched(
    generators: Mapping[str, nn.Module], found: dict[str, list[Given]], wanted: int
) -> Iterator[None]:
    def see(path: str, network: nn.Module, args: tuple, kwargs: dict) -> None:
        if len(found[path]) >= wanted or not _trains_on_data(args, kwargs):
            return
        found[path].append(_given(network, args, kwargs))
        if all(len(calls) >= wanted for calls in found.values()):
            raise _Seen

    with ExitStack() as undo:
        for path, network in generators.items():
            hook = for_this(network, partial(see, path))
            handle = network.register_forward_pre_hook(hook, prepend=True, with_kwargs=True)
            undo.callback(handle.remove)
        yield


@contextmanager
def _as_they_were(model: nn.Module) -> Iterator[None]:
    """Modes, frozen weights and counters: a step that is cut short does not thaw the discriminator again."""
    own = {name: value for name, value in vars(model).items() if name not in vars(nn.Module())}
    own = {name: copy.copy(v) if isinstance(v, list | dict) else v for name, v in own.items()}
    modes = [(module, module.training) for module in model.modules()]
    trained = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    try:
        yield
    finally:
        vars(model).update(own)
        for module, training in modes:
            module.training = training
        for parameter, requires in trained:
            parameter.requires_grad_(requires)


@contextmanager
def _no_updates(runner: Runner) -> Iterator[None]:
    """Optimisers that let everything pass."""
    with ExitStack() as undo:
        for wrapper in wrappers_of(runner.optim_wrapper).values():
            for name in UPDATES:
                before = vars(wrapper).get(name)
                vars(wrapper)[name] = lambda *args, **kwargs: None
                put_back = partial(vars(wrapper).__setitem__, name, before)
                undo.callback(put_back if before else partial(vars(wrapper).pop, name))
        yield


@contextmanager
def _turn_of_generators(runner: Runner) -> Iterator[None]:
    """As in the first iteration that trains them; GANs ask the message hub, and begin with discriminators."""
    model, hub, before = unwrap(runner.model), runner.message_hub, runner.iter
    counts = [wrapper._accumulative_counts for wrapper in wrappers_of(runner.optim_wrapper).values()]
    hub.update_info('iter', getattr(model, 'discriminator_steps', 1) * math.prod(counts) - 1)
    try:
        yield
    finally:
        hub.update_info('iter', before)


@contextmanager
def unchanged_buffers(network: nn.Module) -> Iterator[None]:
    """Running statistics as they were, whatever runs within."""
    before = {name: buffer.clone() for name, buffer in network.named_buffers()}
    try:
        yield
    finally:
        for name, buffer in network.named_buffers():
            buffer.copy_(before[name])
