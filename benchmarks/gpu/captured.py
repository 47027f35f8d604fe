"""A function of tensors recorded once and replayed: its kernels cost one launch together.

On a GPU as a CUDA graph. On the CPU as a graph of PyTorch's operations, which proves that there is nothing in
the function that a recording would freeze: a number read by the host, a branch on it, another random draw.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx
from torch.overrides import TorchFunctionMode

from mmagic_mikd import EnergyCritic, MIDistillLoss, langevin
from mmagic_mikd.objectives.objective import frozen

WARM_UP = 3  # calls before a recording, in which libraries choose their kernels


class Captured:
    """Calls replay the recording on new inputs, and return tensors that the next call writes over.

    Args:
        function: of the inputs, returns tensors.
        inputs: like those of every later call.
        changed: what the function changes in place, such as buffers; as before once it is recorded.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        inputs: Sequence[Tensor],
        changed: Iterable[Tensor] = (),
    ) -> None:
        self._inputs = [x.detach().clone() for x in inputs]
        before = [(x, x.clone()) for x in changed]
        record = graph_of_kernels if self._inputs[0].is_cuda else graph_of_operations
        self._replay = record(partial(function, *self._inputs))
        for tensor, old in before:
            tensor.copy_(old)

    def __call__(self, *inputs: Tensor) -> Any:
        for own, new in zip(self._inputs, inputs, strict=True):
            own.copy_(new)
        return self._replay()


def graph_of_kernels(function: Callable[[], Any]) -> Callable[[], Any]:
    graph, aside = torch.cuda.CUDAGraph(), torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(WARM_UP):
            function()
    torch.cuda.current_stream().wait_stream(aside)
    with torch.cuda.graph(graph):
        made = function()

    def replay() -> Any:
        graph.replay()
        return made

    return replay


def graph_of_operations(function: Callable[[], Any]) -> Callable[[], Any]:
    return torch.no_grad()(make_fx(function)())  # backward passes are operations like others by now


class GivenNoise(TorchFunctionMode):
    """Gives these tensors, one after the other, to whoever draws from a normal distribution."""

    def __init__(self, noise: Iterable[Tensor]) -> None:
        super().__init__()
        self._noise = iter(noise)

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        return next(self._noise) if func is torch.randn else func(*args, **(kwargs or {}))


def captured_chain(
    critic: EnergyCritic, s: Tensor, start: Tensor, generator: torch.Generator, steps: int, **chain: Any
) -> Callable[[Tensor, Tensor], Tensor]:
    """:func:`langevin` under this critic, a function of s and the start; draws as it does, but before it."""

    def run(s: Tensor, start: Tensor, *noise: Tensor) -> Tensor:
        with frozen(critic), GivenNoise(noise):
            return langevin(critic.given(s), start, steps=steps, **chain)

    noise = [torch.empty_like(start) for _ in range(steps)]
    captured = Captured(run, (s, start, *noise), critic.buffers())

    def sample(s: Tensor, start: Tensor) -> Tensor:
        return captured(s, start, *(each.normal_(generator=generator) for each in noise))

    return sample


def captured_step(critic: EnergyCritic, t: Tensor, s: Tensor, t_neg: Tensor) -> Captured:
    """The critic's loss and its gradients, as a function of t, s and t~."""
    return Captured(partial(critic_step, critic), (t, s, t_neg), critic.buffers())


def critic_step(critic: EnergyCritic, t: Tensor, s: Tensor, t_neg: Tensor) -> tuple[Tensor, ...]:
    loss, _ = MIDistillLoss().critic_loss(critic, t, s, t_neg)
    return (loss, *torch.autograd.grad(loss, list(critic.parameters())))
