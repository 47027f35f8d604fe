"""One training at a time in a work_dir: two would replace each other's checkpoints, without a word."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from ...utils.errors import ConfigError
from .start import is_first


@contextlib.contextmanager
def locked(work_dir: str) -> Iterator[None]:
    """Hold the folder while this training runs; the first process does so for all.

    The lock is the kernel's, on the folder itself: it leaves no file, and ends with its process however that
    ends. Where a file system has none, such as some of the network, the training goes on without.

    Raises:
        ConfigError: another training has it.
    """
    if not is_first():
        yield
        return
    made = [folder for folder in (Path(work_dir), *Path(work_dir).parents) if not folder.exists()]
    handle = _take(work_dir)
    try:
        yield
    finally:
        if handle is not None:
            _held.discard(handle)
            os.close(handle)
        with contextlib.suppress(OSError):  # one that holds something stays
            for folder in made:
                folder.rmdir()


def _take(work_dir: str) -> int | None:
    try:
        os.makedirs(work_dir, exist_ok=True)
        handle = os.open(work_dir, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:  # the runner says what is wrong with it
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise ConfigError(
            f'work_dir={work_dir} is in use by another training: wait until that ends, or set another work_dir '
            '(--work-dir)'
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
