"""A checkpoint whose writing is interrupted is a broken file under the name of a whole one.

MMEngine writes checkpoints, and the file `last_checkpoint`, in place: a process that is killed or a disk
that is full leaves the first part, and where a file of that name was, it is gone. Symptom:
mmagic#876. Now they are written under a temporary name in the same folder, flushed to the disk and
then renamed, which the file system does as a whole or not at all. A killed process leaves its
temporary file, `iter_300.pth.tmp`; nothing ever reads it, and the next writing of that checkpoint
replaces it. Delete this file when MMEngine writes this way.
"""

import builtins
import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from ..utils.errors import ConfigError
from . import on_import


def apply(report) -> None:
    on_import.after('mmengine.fileio.backends.local_backend', lambda module: report(repair_backend(module)))
    on_import.after('mmengine.hooks.checkpoint_hook', lambda module: report(repair_hook(module)))


def repair_backend(local_backend) -> bool:
    """Whatever the toolbox puts on a local disk is there as a whole, or not at all."""
    backend = local_backend.LocalBackend
    stock = backend.put

    @functools.wraps(stock)
    def put(self, obj, filepath):
        path = os.path.realpath(filepath)  # a link stays a link
        if os.path.exists(path) and not os.path.isfile(path):  # such as a pipe
            return stock(self, obj, filepath)
        with replacing(path, 'wb') as file:
            write(file, obj)

    backend.put = put
    return True


def repair_hook(checkpoint_hook) -> bool:
    """`last_checkpoint` is the one file that the hook opens itself."""
    checkpoint_hook.open = open_whole
    return True


def open_whole(path, mode: str = 'r', *args, **kwargs):
    """`open`, but a file to be written appears when it is closed."""
    return replacing(path, mode) if mode == 'w' else builtins.open(path, mode, *args, **kwargs)


@contextmanager
def replacing(path: str, mode: str) -> Iterator[IO]:
    """A file that takes the place of `path` once everything is written and on the disk.

    Raises:
        ConfigError: it cannot be written; what was at `path` is still there.
    """
    folder, temporary = os.path.dirname(path), f'{path}.tmp'
    try:
        os.makedirs(folder or '.', exist_ok=True)
        with builtins.open(temporary, mode) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _flush_names(folder)
    except BaseException as error:
        with suppress(OSError):
            os.remove(temporary)
        if isinstance(error, OSError):
            raise ConfigError(
                f'{path} cannot be written ({error.strerror or error}): free space or correct work_dir, then '
                'go on with --resume; the checkpoints written before are untouched'
            ) from error
        raise


def write(file: IO, content) -> None:
    file.write(content)


def _flush_names(folder: str) -> None:
    """Renaming is safe only once the folder is on the disk; not every file system can be asked."""
    with suppress(OSError):
        handle = os.open(folder or '.', os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
