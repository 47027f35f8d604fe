"""Commands in processes of their own, and what several of them need to meet."""

import functools
import os
import socket
import subprocess
import traceback
from collections.abc import Callable
from pathlib import Path

from mmengine.config import Config


def write(cfg: Config) -> Path:
    """The config as a file in its work dir."""
    path = Path(cfg.work_dir) / 'config.py'
    path.write_text('\n'.join(f'{key} = {value!r}' for key, value in cfg.to_dict().items()))
    return path


def start(command: list, **variables) -> subprocess.Popen:
    env = {**os.environ, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': '', **variables}
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return subprocess.Popen([str(part) for part in command], env=env, **pipes)


def finish(process: subprocess.Popen) -> None:
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output[-8000:]  # torchrun's own report comes last


def in_a_copy(test: Callable) -> Callable:
    """A test of what a process cannot go on from, run in a copy of this one.

    A recording (`make_fx`) starts threads of autograd, after which PyTorch refuses to train in any fork.
    """

    @functools.wraps(test)
    def run(*args, **kwargs):
        pid = os.fork()
        if not pid:
            code = 1
            try:
                test(*args, **kwargs)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

    return run


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return listener.getsockname()[1]
