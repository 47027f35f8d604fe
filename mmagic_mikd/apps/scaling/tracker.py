"""Counts what tensors do while it is active: bytes sent to other processes, bytes held in memory."""

import weakref
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Tracker(TorchDispatchMode):
    """Counts messages by part, and the bytes of all tensors made while it is active."""

    def __init__(self) -> None:
        super().__init__()
        self.part, self.sent = 'buffers', {}
        self._live: dict[int, int] = {}
        self.bytes = self.peak = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        given = [t for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
        if func.namespace == 'c10d':
            self.sent.setdefault(self.part, []).append(sum(t.nbytes for t in tensors_in(args[0])))
        out = func(*args, **(kwargs or {}))
        known = set(map(_key, given))
        for tensor in tensors_in(out):
            if _key(tensor) not in known:  # no view, nothing changed in place
                self._follow(tensor.untyped_storage())
        return out

    def _follow(self, storage: torch.UntypedStorage) -> None:
        if storage._cdata not in self._live:
            self._live[storage._cdata] = storage.nbytes()
            self.bytes += storage.nbytes()
            self.peak = max(self.peak, self.bytes)
            weakref.finalize(storage, self._drop, storage._cdata)

    def _drop(self, key: int) -> None:
        self.bytes -= self._live.pop(key, 0)

    def forget(self, tensor: Tensor) -> None:
        """It is counted elsewhere."""
        self._drop(_key(tensor))


def _key(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


def tensors_in(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]
