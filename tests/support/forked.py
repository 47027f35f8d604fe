"""Commands in copies of one process that has imported the package: those seconds are spent once, not each time.

A copy has a folder, environment, arguments, output, exit code and signals of its own, as any process. It has
not what Python and PyTorch read when they start: the path of imports, which is that of the tests, options, and
the variables in `OF_A_START`. Where it starts such a command in turn, as torchrun and a study do, that is a
copy of itself.
"""

import gc
import multiprocessing
import os
import random
import runpy
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from multiprocessing.forkserver import ensure_running
from multiprocessing.process import BaseProcess
from pathlib import Path

from places import ROOT, TOOLS

IMPORTED = ['imported_once']  # by the process that is copied
OURS = (str(ROOT), str(Path(__file__).parent))
# read when Python or PyTorch is started; a copy has those of the process that is copied
OF_A_START = dict(OMP_NUM_THREADS='1', PYTHONHASHSEED=None)
OF_A_SERVER = dict(OF_A_START, OMP_WAIT_POLICY=None)  # with one thread there is nothing to wait for
CONTEXT = multiprocessing.get_context('forkserver')
LAUNCHERS = [f'{TOOLS}/dist_{name}.sh' for name in ('train', 'test')]
PACKAGES = ('mikd', 'mmagic_mikd', 'torch.distributed.run')
UNBUFFERED = {'-u': [], '-um': ['-m']}


def can_run(command: list[str], env: dict[str, str]) -> bool:
    """Whether a copy does as this command: Python with a script or a package of the repository."""
    python, *rest = command
    rest = [*UNBUFFERED.get(rest[0], rest[:1]), *rest[1:]] if rest else []
    if python != sys.executable or not rest:
        return False
    package = rest[1] if rest[0] == '-m' else ''
    known = package.startswith(PACKAGES) if package else rest[0].startswith(f'{ROOT}/')
    same = path_of_imports(env) == path_of_imports(os.environ)
    return known and same and all(env.get(name) == value for name, value in OF_A_START.items())


def path_of_imports(env: Mapping[str, str]) -> list[str]:
    """Without the folders that every copy has there."""
    parts = env.get('PYTHONPATH', '').split(os.pathsep)
    return [part for part in parts if part not in ('', *OURS)]


def copied(
    command: list[str], cwd: Path | None, env: dict[str, str]
) -> tuple[list[str], Path | None, dict[str, str]] | None:
    """The command with which a copy does as this one, which may be that of a launcher; None if none does."""
    if command[0] in LAUNCHERS and env.get('MIKD_VENV') == sys.prefix:
        command, env = launched(command, cwd, env)
    return (command, cwd, env) if can_run(command, env) else None


def run(
    command: list[str],
    cwd: Path | None,
    env: dict[str, str],
    timeout: float,
    before: Callable[[], None] = bool,
) -> subprocess.CompletedProcess:
    """As `subprocess.run` with its output captured.

    Args:
        before: called in the new process first.
    """
    with tempfile.TemporaryDirectory() as folder:
        out, err = (Path(folder) / name for name in ('out', 'err'))
        process = start(command, cwd or Path.cwd(), env, out, err, before)
        try:
            process.join(timeout)
        finally:
            late = process.is_alive()
            process.kill()  # also where the test is interrupted
            process.join()
        said = [path.read_text() if path.exists() else '' for path in (out, err)]
    if late:
        raise subprocess.TimeoutExpired(command, timeout, *said)
    return subprocess.CompletedProcess(command, process.exitcode, *said)


def start(
    command: list[str],
    cwd: Path,
    env: dict[str, str],
    out: Path,
    err: Path,
    before: Callable[[], None] = bool,
) -> BaseProcess:
    """The process of a command, which leaves its output in two files."""
    start_server()
    process = CONTEXT.Process(target=become, args=(command, cwd, env, out, err, before))
    process.start()
    return process


def start_server() -> None:
    """The process that is copied, as a start would make it; nothing where it runs."""
    before = dict(os.environ)
    os.environ['PYTHONPATH'] = os.pathsep.join(OURS)
    for name, value in OF_A_SERVER.items():
        os.environ.pop(name, None)
        os.environ.update({name: value} if value else {})
    try:
        CONTEXT.set_forkserver_preload(IMPORTED)
        ensure_running()
    finally:
        os.environ.clear()
        os.environ.update(before)


def launched(script: list[str], cwd: Path | None, env: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """What one of the launchers `tools/dist_*.sh` becomes: its command of Python, and the environment."""
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder) / 'bin' / 'python'
        python.parent.mkdir()
        python.write_text(f'#!/bin/sh\nenv -0 > {folder}/env\nprintf "%s\\0" "$@" > {folder}/arguments\n')
        python.chmod(0o755)
        subprocess.run(script, cwd=cwd, env={**env, 'MIKD_VENV': folder}, check=True)
        arguments, variables = (
            (Path(folder) / name).read_text().split('\0')[:-1] for name in ('arguments', 'env')
        )
    found = dict(variable.split('=', 1) for variable in variables)
    return [sys.executable, *arguments], {**found, 'MIKD_VENV': env['MIKD_VENV']}


def become(
    command: list[str],
    cwd: Path,
    env: dict[str, str],
    out: Path,
    err: Path,
    before: Callable[[], None] = bool,
) -> None:
    """Be the process of a command; its exit code becomes that of this one."""
    for path, descriptor in ((out, 1), (err, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    os.chdir(cwd)
    before()
    execute(command, env)


def execute(command: list[str], env: dict[str, str]) -> None:
    """What Python does with a command."""
    os.environ.clear()
    os.environ.update(env)
    random.seed()  # else every copy would draw the same
    sys.modules['numpy'].random.seed()
    _, first, *arguments = command
    if first in UNBUFFERED:
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(write_through=True)
        first, *arguments = [*UNBUFFERED[first], *arguments]
    if first == '-m':
        package, *arguments = arguments
        sys.argv = [package, *arguments]
        runpy.run_module(package, run_name='__main__', alter_sys=True)
    else:
        sys.argv = [first, *arguments]
        runpy.run_path(first, run_name='__main__')


class Popen(subprocess.Popen):
    """Where a copy can do it, that of this process."""

    def __init__(self, args, *rest, env=None, pass_fds=(), **options) -> None:
        command, variables = args, dict(os.environ if env is None else env)
        if isinstance(args, list | tuple) and not rest and can_run([*map(str, args)], variables):
            command = [*map(str, args)]
            options['preexec_fn'] = partial(be, command, variables, pass_fds)
        super().__init__(command, *rest, env=env, pass_fds=pass_fds, **options)


def be(command: list[str], env: dict[str, str], kept: Iterable[int]) -> None:
    """The command, in the new process, which has its folder and its standard streams already."""
    code = 1
    try:
        gc.enable()  # which is off around a start
        last = 3
        for descriptor in (*sorted(map(int, kept)), os.sysconf('SC_OPEN_MAX')):
            os.closerange(last, descriptor)
            last = descriptor + 1
        for number in signal.valid_signals():
            if callable(signal.getsignal(number)):
                signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        execute(command, env)
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        if stop.code is not None and not isinstance(stop.code, int):
            print(stop.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)
