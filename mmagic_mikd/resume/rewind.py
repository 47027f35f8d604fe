"""The data of a resumed run: in the order of the interrupted one, and on from where that stopped.

The toolbox first draws, and throws away, the batches that the interrupted run had used. In a loop over epochs
it does not, so that is done here for a checkpoint from within an epoch.
"""

from collections.abc import Callable, Iterator
from typing import Any

from mmengine.runner import Runner
from mmengine.runner.loops import BaseLoop


class OldBatches:
    """Calls ``then`` once, right after the toolbox has drawn the last batch that the interrupted run had used.

    Args:
        loop: the training loop; it is touched until then, or until ``remove``.
        batches: how many of its first epoch a loop over epochs has behind it.
    """

    def __init__(self, loop: BaseLoop, then: Callable[[], Any], batches: int = 0) -> None:
        self._loop, self._then, self._batches = loop, then, batches
        self._undo: Callable[[], Any] = lambda: None
        if hasattr(loop, 'dataloader_iterator') and loop.iter > 0:
            iterator = loop.dataloader_iterator
            loop.dataloader_iterator = Countdown(iterator, loop.iter, self.end)
            self._undo = lambda: setattr(loop, 'dataloader_iterator', iterator)
        elif hasattr(loop, 'run_epoch'):
            loop.run_epoch = self._first_epoch
            self._undo = lambda: vars(loop).pop('run_epoch', None)

    def _first_epoch(self) -> None:
        if self._batches == 0:
            self.end()
            self._loop.run_epoch()
            return
        loop = self._loop  # as the toolbox's own epoch, but for the old batches
        loop.runner.call_hook('before_train_epoch')
        loop.runner.model.train()
        loader = Countdown(iter(loop.dataloader), self._batches, self.end)
        for index, batch in enumerate(loader):
            if index >= self._batches:
                loop.run_iter(index, batch)
        self.end()  # the data has become less
        loop.runner.call_hook('after_train_epoch')
        loop._epoch += 1

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


def batches_of_epoch(runner: Runner, iteration: int, epoch: int) -> int:
    """How many batches of its epoch are used after so many iterations and whole epochs; 0 without epochs."""
    by_epoch = hasattr(runner.train_loop, 'run_epoch')
    return max(0, iteration - epoch * len(runner.train_dataloader)) if by_epoch else 0


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
