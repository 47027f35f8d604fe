"""Runs in processes of their own that can be killed, and what two runs must have in common at their end."""

import copy
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import imported_late  # noqa: F401  before this process is copied
import numpy as np
import torch
from families import load, train
from mmengine.config import Config
from mmengine.logging import HistoryBuffer

MEASURED = ('time', 'data_time', 'memory')  # differ from run to run
RUN_ITSELF = ('cfg', 'experiment_name', 'mmengine_version')


def start(cfg: Config, before: Callable[[], None] | None = None, **env: str) -> int:
    """Train in a copy of this process, so that nothing has to be imported again; its process id.

    Args:
        before: called in the new process first; the place to injure it.
        env: variables of its environment, as a launcher sets them.
    """
    cfg = copy.deepcopy(cfg)
    Path(cfg.work_dir).mkdir(parents=True, exist_ok=True)
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        sys.stdout = sys.stderr = (Path(cfg.work_dir) / 'output.txt').open('a', buffering=1)
        os.environ.update(env)
        torch.set_num_threads(1)
        if before is not None:
            before()
        train(cfg)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def end(pid: int) -> int:
    """Wait for a run: 0, 1 after an exception, or the negative number of the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def output(cfg: Config) -> str:
    return (Path(cfg.work_dir) / 'output.txt').read_text()


def finish(cfg: Config, before: Callable[[], None] | None = None) -> dict:
    """Train to the end and return the last checkpoint."""
    assert end(start(cfg, before)) == 0, output(cfg)[-3000:]
    return newest(cfg)


def resume(cfg: Config) -> Config:
    return Config({**copy.deepcopy(cfg).to_dict(), 'resume': True})


def newest(cfg: Config) -> dict:
    return load((Path(cfg.work_dir) / 'last_checkpoint').read_text())


def elsewhere(cfg: Config, checkpoint: str, folder: Path) -> Config:
    """The same run in another folder, where nothing but one of its checkpoints is left: resume it."""
    folder.mkdir(parents=True)
    shutil.copy(Path(cfg.work_dir) / checkpoint, folder)
    (folder / 'last_checkpoint').write_text(str(folder / checkpoint))
    cfg = resume(cfg)
    cfg.work_dir, cfg.load_from = str(folder), None  # what the run began with is in its checkpoint
    return cfg


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def difference(a: object, b: object, where: str = '') -> str | None:
    """Where two checkpoints first differ, bit for bit; None if nowhere that matters."""
    if isinstance(a, dict):
        keys = [key for key in {**a, **b} if not _of_no_account(where, key)]
        missing = [key for key in keys if key not in a or key not in b]
        found = (difference(a[key], b[key], f'{where}.{key}') for key in keys if not missing)
        return f'{where}: {missing}' if missing else next(filter(None, found), None)
    if isinstance(a, list | tuple):
        if len(a) != len(b):
            return f'{where}: {len(a)} and {len(b)} entries'
        pairs = enumerate(zip(a, b, strict=True))
        return next(filter(None, (difference(x, y, f'{where}.{i}') for i, (x, y) in pairs)), None)
    if isinstance(a, HistoryBuffer):
        return difference(a.data, b.data, where)
    if isinstance(a, torch.Tensor):
        return None if a.dtype == b.dtype and torch.equal(a, b) else where
    if isinstance(a, np.ndarray):
        return None if np.array_equal(a, b) else where
    if isinstance(a, str) and a.endswith('.pth'):
        a, b = Path(a).name, Path(b).name
    return None if a == b or (a != a and b != b) else f'{where}: {a} and {b}'


def _of_no_account(where: str, key: object) -> bool:
    name = str(key).rpartition('/')[2]
    in_hub = where.startswith('.message_hub')
    return (where, key) == ('', 'meta') or (in_hub and (name in MEASURED or name in RUN_ITSELF))
