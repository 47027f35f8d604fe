"""A start that is refused leaves nothing in work_dir: what it made goes, what was there is as it was."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from mmengine import dist
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from .explain import frames_of
from .launch import user_errors


class Start(Hook):
    """Knows what was in work_dir before the toolbox came, and whether an iteration has been finished since.

    Args:
        cfg: the config; the toolbox writes it to work_dir under its own name, and which checkpoint is resumed.
    """

    def __init__(self, cfg: Config) -> None:
        work_dir = Path(cfg.work_dir).resolve()
        self.begun = False
        self._absent = [folder for folder in (work_dir, *work_dir.parents) if not folder.exists()]
        self._entries = set(os.listdir(work_dir)) if work_dir.is_dir() else set()
        self._record = work_dir / Path(cfg.filename).name
        written = [self._record, work_dir / 'last_checkpoint']
        self._files = {path: path.read_bytes() if path.is_file() else None for path in written}

    def after_train_iter(self, *args: object, **kwargs: object) -> None:
        self.begun = True

    after_test_iter = after_train_iter

    def keep_record(self) -> None:
        """The config beside the checkpoints stays that of their training; a test logs its own."""
        if self._files[self._record] is not None:
            put_back(self._record, self._files[self._record])

    def take_back(self, runner: Runner) -> None:
        """Remove what the toolbox has made; a folder in which anybody has written more stays."""
        logs = Path(getattr(runner, '_log_dir', os.devnull))
        if logs.is_dir() and logs.name not in self._entries and all(map(is_of_a_start, logs.rglob('*'))):
            shutil.rmtree(logs)
        for path, content in self._files.items():
            put_back(path, content)
        for folder in self._absent:  # from the inside out, up to one that holds something
            folder.rmdir()


def put_back(path: Path, content: bytes | None) -> None:
    """A file as it was, or not there; in one piece even on a full disk."""
    if content is None:
        path.unlink(missing_ok=True)
    elif path.read_bytes() != content:
        part = path.with_suffix('.part')
        part.write_bytes(content)
        part.replace(path)


def is_of_a_start(path: Path) -> bool:
    """A folder, the log of a start, or the config that the toolbox puts beside its scalars."""
    return path.is_dir() or path.suffix in ('.log', '.py') or path.stat().st_size == 0


@contextlib.contextmanager
def starting(cfg: Config) -> Iterator[Start]:
    """As `user_errors`; a start that they end before its first iteration is taken back, by the first process.

    The start is a hook, to be registered in the runner.
    """
    with user_errors():
        start = Start(cfg)
    try:
        with user_errors():
            yield start
    except SystemExit as stop:
        runner = stop.code == 2 and stop.__context__ and runner_in(stop.__context__)
        if runner and not start.begun and is_first():
            with contextlib.suppress(OSError):  # the sentence has been said
                start.take_back(runner)
        raise


def runner_in(error: BaseException) -> Runner | None:
    """The runner that an error has come out of; there may be no other way to it while it is being built."""
    selves = (frame.f_locals.get('self') for frame in frames_of(error))
    return next((each for each in selves if isinstance(each, Runner)), None)


def is_first() -> bool:
    return dist.get_rank() == 0 and os.environ.get('RANK', os.environ.get('LOCAL_RANK', '0')) == '0'
