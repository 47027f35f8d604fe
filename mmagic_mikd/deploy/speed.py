"""How fast networks are beside each other: in turn, in one process, so that a busy machine hits all of them."""

import contextlib
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

WARM_UP = 3
Call = Callable[[], object]


class Timing(NamedTuple):
    """Milliseconds of one call: the median, and how far the middle half of all reaches from it."""

    median: float
    spread: float


def in_turn(calls: Mapping[str, Call], rounds: int) -> dict[str, Timing]:
    """Call each once in every round; a call's time is that of this thread on the wall clock."""
    for call in calls.values():
        for _ in range(WARM_UP):
            call()
    taken = defaultdict(list)
    for _ in range(rounds):
        for name, call in calls.items():
            begin = time.perf_counter()
            call()
            taken[name].append(1000 * (time.perf_counter() - begin))
    return {name: _timing(times) for name, times in taken.items()}


def _timing(times: list[float]) -> Timing:
    quarters = statistics.quantiles(times, n=4) if len(times) > 1 else times * 3
    return Timing(statistics.median(times), (quarters[2] - quarters[0]) / 2)


@torch.no_grad()
def peak_memory(call: Call) -> int | None:
    """Bytes that a call needs beyond what the process holds; None where the system does not tell.

    What the process has used and freed before is not counted, so it is to be a fresh one.
    """
    try:
        Path('/proc/self/clear_refs').write_text('5')  # Linux: forget the peak
        before = _status('VmRSS')
        call()
        return max(0, _status('VmHWM') - before)
    except OSError:
        return None


def _status(name: str) -> int:
    lines = Path('/proc/self/status').read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f'{name}:'))


@torch.no_grad()
def by_layer_type(network: nn.Module, x: Tensor, rounds: int) -> dict[str, float]:
    """Share of the time that modules without children take, by their class; the rest is 'other'."""
    spent: dict[str, float] = defaultdict(float)
    with _clocks(network, spent):
        for _ in range(WARM_UP):
            network(x)
        spent.clear()
        begin = time.perf_counter()
        for _ in range(rounds):
            network(x)
        whole = time.perf_counter() - begin
    shares = {name: seconds / whole for name, seconds in sorted(spent.items(), key=lambda item: -item[1])}
    return {**shares, 'other': max(0.0, 1 - sum(shares.values()))}


@contextlib.contextmanager
def _clocks(network: nn.Module, spent: dict[str, float]) -> Iterator[None]:
    begun: list[float] = []

    def enter(module: nn.Module, args: tuple) -> None:
        begun.append(time.perf_counter())

    def leave(module: nn.Module, args: tuple, made: object) -> None:
        spent[type(module).__name__] += time.perf_counter() - begun.pop()

    handles = []
    for module in network.modules():
        if next(module.children(), None) is None:
            handles += [module.register_forward_pre_hook(enter), module.register_forward_hook(leave)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
