"""One training at a time in a folder: two would replace each other's checkpoints, without a word."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from ...utils.errors import ConfigError
from .checkpoints import KEY
from .start import is_first

REMEDY = {'work_dir': 'work_dir (--work-dir)', KEY: f'work_dir (--work-dir), or {KEY}=None'}


@contextlib.contextmanager
def locked(key: str, folder: str | None) -> Iterator[None]:
    """Hold the folder of this setting while this training runs; the first process does so for all.

    The lock is the kernel's, on the folder itself: it leaves no file, and ends with its process however that
    ends. Where a file system has none, such as some of the network, the training goes on without; so it does
    with None, and with an address.

    Raises:
        ConfigError: another training has it.
    """
    if folder is None or '://' in folder or not is_first():
        yield
        return
    made = [each for each in (Path(folder), *Path(folder).parents) if not each.exists()]
    handle = _take(key, folder)
    try:
        yield
    finally:
        if handle is not None:
            _held.discard(handle)
            os.close(handle)
        with contextlib.suppress(OSError):  # one that holds something stays
            for each in made:
                each.rmdir()


def _take(key: str, folder: str) -> int | None:
    try:
        os.makedirs(folder, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:  # the runner says what is wrong with it
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise ConfigError(
            f'{key}={folder} is in use by another training: wait until that ends, or set another {REMEDY[key]}'
        ) from None
    except OSError:
        os.close(handle)
        return None
    _held.add(handle)
    return handle


_held: set[int] = set()  # a data loader's worker would hold the lock beyond the end of its training


def _let_go() -> None:
    while _held:
        with contextlib.suppress(OSError):
            os.close(_held.pop())


os.register_at_fork(after_in_child=_let_go)
