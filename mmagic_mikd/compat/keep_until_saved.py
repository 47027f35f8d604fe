"""With `max_keep_ckpts=1` there is a moment without any checkpoint.

MMEngine removes the oldest checkpoint, and the previous best one, before it writes the new one: killed
in between, a run of weeks is lost. Here both are removed after the new one, and `last_checkpoint`,
are written. A run that is killed just before that leaves one more than `max_keep_ckpts`. And a resumed run
whose folder was copied removes the best checkpoint of the original, whose path stands in its message hub; now
the best one is that of its own folder. No upstream thread. Delete this file when `CheckpointHook` removes after
it has saved, and only in its `out_dir`.
"""

import functools
import os
from collections.abc import Callable

from . import on_import


def apply(report) -> None:
    on_import.after('mmengine.hooks.checkpoint_hook', lambda module: report(repair(module)))


def repair(checkpoint_hook) -> bool:
    """Put off what the two saving methods remove; the one for the best checkpoint calls the other."""
    hook = checkpoint_hook.CheckpointHook
    hook._save_checkpoint_with_step = removing_last(hook._save_checkpoint_with_step)
    hook._save_best_checkpoint = removing_last(hook._save_best_checkpoint)
    hook.before_train = in_own_folder(hook.before_train)
    return True


def in_own_folder(stock: Callable) -> Callable:
    @functools.wraps(stock)
    def before_train(self, runner):
        stock(self, runner)
        best = getattr(self, 'best_ckpt_path_dict', {})
        best.update({name: _here(self, path) for name, path in best.items()})
        if getattr(self, 'best_ckpt_path', None):
            self.best_ckpt_path = _here(self, self.best_ckpt_path)

    return before_train


def _here(hook, path: str | None) -> str | None:
    return path and hook.file_backend.join_path(hook.out_dir, os.path.basename(path))


def removing_last(stock: Callable) -> Callable:
    @functools.wraps(stock)
    def save(self, *args, **kwargs):
        backend = getattr(self, 'file_backend', None)  # none in an evaluation without a training
        if backend is None or isinstance(backend, Postponed):
            return stock(self, *args, **kwargs)
        self.file_backend = postponed = Postponed(backend)
        try:
            stock(self, *args, **kwargs)
        finally:
            self.file_backend = backend
        postponed.carry_out(keep=_current(self))

    return save


class Postponed:
    """A file backend that only notes what it is to remove."""

    def __init__(self, stock) -> None:
        self.stock = stock
        self._noted: list[tuple[Callable, str]] = []

    def __getattr__(self, name: str):
        return getattr(self.stock, name)

    def remove(self, path: str) -> None:
        self._noted.append((self.stock.remove, path))

    def rmtree(self, path: str) -> None:
        self._noted.append((self.stock.rmtree, path))

    def carry_out(self, keep: set) -> None:
        for remove, path in self._noted:
            if path not in keep:  # an evaluation that is repeated writes the best one under the same name
                remove(path)


def _current(hook) -> set:
    best = getattr(hook, 'best_ckpt_path_dict', {})
    return {hook.last_ckpt, getattr(hook, 'best_ckpt_path', None), *best.values()}
