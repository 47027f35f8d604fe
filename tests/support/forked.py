"""Commands in copies of one process that has imported the package: those seconds are spent once, not each time.

A copy has a folder, environment, arguments, output, exit code and signals of its own, as any process. It has
not what Python and PyTorch read when they start: the path of imports, which is that of the tests, options, and
the variables in `OF_A_START`.
"""

import multiprocessing
import os
import random
import runpy
import subprocess
import sys
import tempfile
from multiprocessing.forkserver import ensure_running
from pathlib import Path

from places import ROOT

IMPORTED = ['imported_once']  # by the process that is copied
# read when Python or PyTorch is started; a copy has those of the process that is copied
OF_A_START = dict(OMP_NUM_THREADS='1', OMP_WAIT_POLICY=None, PYTHONHASHSEED=None)
CONTEXT = multiprocessing.get_context('forkserver')


def can_run(command: list[str], env: dict[str, str]) -> bool:
    """Whether a copy does as this command: Python with a script or a package of the repository."""
    python, *rest = command
    if python != sys.executable or not rest:
        return False
    known = rest[0].startswith(f'{ROOT}/') if rest[0] != '-m' else rest[1] in ('mikd', 'mmagic_mikd')
    same = env.get('PYTHONPATH') == os.environ.get('PYTHONPATH')
    return known and same and all(env.get(name) == value for name, value in OF_A_START.items())


def run(
    command: list[str], cwd: Path | None, env: dict[str, str], timeout: float
) -> subprocess.CompletedProcess:
    """As `subprocess.run` with its output captured."""
    start_server()
    with tempfile.TemporaryDirectory() as folder:
        out, err = (Path(folder) / name for name in ('out', 'err'))
        process = CONTEXT.Process(target=become, args=(command, cwd or Path.cwd(), env, out, err))
        process.start()
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


def start_server() -> None:
    """The process that is copied, as a start would make it; nothing where it runs."""
    before = dict(os.environ)
    os.environ['PYTHONPATH'] = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    for name, value in OF_A_START.items():
        os.environ.pop(name, None)
        os.environ.update({name: value} if value else {})
    try:
        CONTEXT.set_forkserver_preload(IMPORTED)
        ensure_running()
    finally:
        os.environ.clear()
        os.environ.update(before)


def become(command: list[str], cwd: Path, env: dict[str, str], out: Path, err: Path) -> None:
    """Be the process of a command; its exit code becomes that of this one."""
    for path, descriptor in ((out, 1), (err, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    random.seed()  # else every copy would draw the same
    sys.modules['numpy'].random.seed()
    _, first, *arguments = command
    if first == '-m':
        package, *arguments = arguments
        sys.argv = [package, *arguments]
        runpy.run_module(package, run_name='__main__', alter_sys=True)
    else:
        sys.argv = [first, *arguments]
        runpy.run_path(first, run_name='__main__')
