"""Tensors in a folder, by key: bounded, shared by processes, whole or absent whatever ends a writer."""

import contextlib
import fcntl
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from ..utils.errors import ConfigError


def bytes_of(tensor: Tensor) -> bytes:
    return tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()


class TensorStore:
    """Tensors in a folder, by key, of at most so many bytes together.

    Whoever writes holds the folder's lock: the kernel's, which ends with its process however that ends.

    Args:
        folder: made where it is missing.
        most: bytes.
        key: where the folder stands in the config.
    """

    def __init__(self, folder: Path, most: int, key: str) -> None:
        self.folder, self.most = folder, most
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with self._locked():
                for left in folder.glob('*/*.part'):  # of a process that was killed while it wrote
                    left.unlink()
                self._total = sum(path.stat().st_size for path in folder.glob('*/*.image'))
                self._write_total()
        except OSError as error:
            raise ConfigError(
                f'{key}: {folder} cannot be used ({error.strerror or error}): name a folder that can be written'
            ) from error

    def get(self, key: str) -> Tensor | None:
        """The tensor; None where there is none, or one that is not what was written."""
        try:
            content = self._path(key).read_bytes()
        except OSError:
            return None
        head, _, body = content.partition(b'\n')
        try:
            told = json.loads(head)
            if hashlib.sha256(body).hexdigest() != told['sha256']:
                return None
            values = torch.frombuffer(bytearray(body), dtype=torch.uint8)
            return values.view(getattr(torch, told['dtype'])).reshape(told['shape'])
        except (ValueError, KeyError, TypeError, AttributeError, RuntimeError):
            return None

    def put(self, key: str, tensor: Tensor) -> bool:
        """Keep it; False where there is no room, or the disk takes no more."""
        body = bytes_of(tensor)
        told = dict(
            dtype=str(tensor.dtype).removeprefix('torch.'),
            shape=list(tensor.shape),
            sha256=hashlib.sha256(body).hexdigest(),
        )
        content, path = json.dumps(told).encode() + b'\n' + body, self._path(key)
        try:
            with self._locked():
                replaced = path.stat().st_size if path.exists() else 0
                total = self._read_total() + len(content) - replaced
                if total > self.most:
                    return False
                path.parent.mkdir(exist_ok=True)
                part = path.with_suffix('.part')
                part.write_bytes(content)
                part.replace(path)
                self._total = total
                self._write_total()
        except OSError:  # a full disk is a full cache
            return False
        return True

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f'{key}.image'

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder / 'lock').open('w') as handle:
            with contextlib.suppress(OSError):  # some file systems of the network have none
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _read_total(self) -> int:
        """What all processes have written; of a file that was cut short, what this one knows."""
        try:
            return int((self.folder / 'bytes').read_text())
        except (OSError, ValueError):
            return self._total

    def _write_total(self) -> None:
        part = self.folder / 'bytes.part'
        part.write_text(str(self._total))
        part.replace(self.folder / 'bytes')
