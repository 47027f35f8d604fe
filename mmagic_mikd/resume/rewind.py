"""The data of a resumed run: in the order of the interrupted one, and on from where that stopped.

The toolbox first draws, and throws away, the batches that the interrupted run had used.
"""

from collections.abc import Callable, Iterator
from typing import Any

from mmengine.runner import Runner
from mmengine.runner.loops import BaseLoop


class OldBatches:
    """Calls ``then`` once, right after the toolbox has drawn the last batch that the interrupted run had used.

    Args:
        loop: the training loop; it is touched until then, or until ``remove``.
    """

    def __init__(self, loop: BaseLoop, then: Callable[[], Any]) -> None:
        self._loop, self._then = loop, then
        self._undo: Callable[[], Any] = lambda: None
        if hasattr(loop, 'dataloader_iterator') and loop.iter > 0:
            iterator = loop.dataloader_iterator
            loop.dataloader_iterator = Countdown(iterator, loop.iter, self.end)
            self._undo = lambda: setattr(loop, 'dataloader_iterator', iterator)
        elif hasattr(loop, 'run_epoch'):
            loop.run_epoch = self._first_epoch
            self._undo = lambda: vars(loop).pop('run_epoch', None)

    def _first_epoch(self) -> None:
        self.end()
        self._loop.run_epoch()

    def end(self) -> None:
        """They are through, or there will be no new one."""
        then, self._then = self._then, lambda: None
        self.remove()
        then()

    def remove(self) -> None:
        """Take everything off the loop."""
        self._undo()


class Countdown:
    """An iterator that calls back after it has given ``count`` items."""

    def __init__(self, iterator: Iterator, count: int, callback: Callable[[], Any]) -> None:
        self._iterator, self._count, self._callback = iterator, count, callback

    def __iter__(self) -> 'Countdown':
        return self

    def __next__(self) -> Any:
        item = next(self._iterator)
        self._count -= 1
        if self._count == 0:
            self._callback()
        return item


def same_order(runner: Runner, seed: int | None) -> bool:
    """Let the sampler start as in the interrupted run, from ``seed``; False where it cannot.

    Where the config fixes no seed, the toolbox has already built the loader with a new one.
    """
    loop = runner.train_loop
    if seed is None or getattr(sampler_of(runner), 'seed', seed) == seed:
        return True
    if not isinstance(runner._train_dataloader, dict):
        return False
    each = runner._randomness_cfg.get('diff_rank_seed', False)
    loop.dataloader = runner.build_dataloader(runner._train_dataloader, runner.seed, each)
    sampler_of(runner).seed = seed
    if hasattr(loop, 'dataloader_iterator'):
        loop.dataloader_iterator = type(loop.dataloader_iterator)(loop.dataloader)
    return True


def sampler_of(runner: Runner) -> Any:
    """What decides over the order of the training data."""
    loader = runner.train_dataloader
    return getattr(loader.batch_sampler, 'sampler', None) or loader.sampler
