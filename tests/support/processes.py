"""Commands in processes of their own, and what several of them need to meet."""

import functools
import os
import socket
import traceback
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import forked
from mmengine.config import Config


def write(cfg: Config) -> Path:
    """The config as a file in its work dir."""
    path = Path(cfg.work_dir) / 'config.py'
    path.write_text('\n'.join(f'{key} = {value!r}' for key, value in cfg.to_dict().items()))
    return path


def run(command: list, cwd: Path | None = None, **variables) -> CompletedProcess:
    """On the CPU, in a copy of the process of `forked.py`.

    Raises:
        AssertionError: it has ended otherwise than well.
    """
    env = {**os.environ, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': '', **variables}
    done = forked.run(*forked.copied([str(part) for part in command], cwd, env), timeout=600)
    assert done.returncode == 0, done.stderr[-8000:]  # torchrun's own report comes last
    return done


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
