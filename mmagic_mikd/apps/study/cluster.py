"""The cells of a study as jobs, through submitit: of Slurm, or processes of this machine.

A job runs one cell as `grid.py` does here: with the same folders, locks and rows, so the work dir and the study
have to be on a file system that all machines share.
"""

import os
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock
from types import ModuleType
from typing import NamedTuple

import yaml

from ...utils.checks import quoted
from ...utils.errors import ConfigError
from .arguments import assignments
from .cells import Cell, Study
from .grid import CellFailed, run_cells
from .study_file import TEACHER

DEFAULTS = dict(timeout_min=24 * 60, stderr_to_stdout=True)  # submitit's own end after 2 and 5 minutes
POLL = 0.5  # seconds
ASK = 15  # seconds between two questions to Slurm, whose controller serves a whole cluster
GONE = 'no longer known to Slurm'
ENDED = {
    *('BOOT_FAIL', 'CANCELLED', 'COMPLETED', 'DEADLINE', 'FAILED', 'NODE_FAIL', 'OUT_OF_MEMORY', 'PREEMPTED'),
    *('REVOKED', 'TIMEOUT', GONE),
}
MISSING = "--executor needs the package submitit: pip install 'submitit>=1.5,<2'"


class Place(NamedTuple):
    """What `Study` is made from, for a process in the same folder that has to make it again."""

    path: Path
    work_dir: Path
    data: Path
    quick: bool


def settings_of(given: list[str]) -> dict:
    """{'timeout_min': 60} of ['timeout_min=60'].

    Raises:
        ConfigError: not of that form.
    """
    pairs = assignments('--executor-set', given, 'slurm_partition=NAME')
    try:
        return {key: yaml.safe_load(value) for key, value in pairs.items()}
    except yaml.YAMLError as error:
        raise ConfigError(f'--executor-set: a value cannot be read ({quoted(error)}): correct it') from error


def submitter(study: Study, place: Place, name: str, given: list[str]) -> Callable[..., None]:
    """What `run_cells` runs a cell with: submit it, and wait for its end.

    Args:
        name: 'slurm' or 'local'.
        given: KEY=VALUE of submitit's `AutoExecutor.update_parameters`.

    Raises:
        ConfigError: submitit or Slurm is not there, or a setting is none.
    """
    submitit, folder, settings = _submitit(), study.work_dir / 'jobs', settings_of(given)
    try:
        executor = submitit.AutoExecutor(folder, cluster=name)
    except RuntimeError as error:
        raise ConfigError(f'--executor {name} cannot start jobs here ({quoted(error)})') from error
    try:
        executor.update_parameters(**{**DEFAULTS, 'name': f'mikd-{study.name}', **settings})
    except (AssertionError, NameError, TypeError, ValueError) as error:
        raise ConfigError(f'--executor-set {" ".join(given)}: {quoted(error)}') from error
    one = Lock()  # an executor is not made for threads
    queue = Queue() if name == 'slurm' else None

    def run(study: Study, cell: Cell, number: str, stop: Event) -> None:
        if stop.is_set():
            return
        try:
            with one:
                job = executor.submit(run_cell, place, cell.student, cell.objective, cell.seed)
        except (OSError, submitit.core.utils.FailedJobError) as error:
            raise CellFailed(f'{cell.title}: the job cannot be submitted ({quoted(error)})') from error
        print(f'[{number}] {cell.title}: job {job.job_id}', flush=True)
        _wait(cell, job, queue, stop)

    return run


def run_cell(place: Place, student: str, objective: str, seed: int) -> str:
    """What a job does; what a user has to know of its end, else nothing."""
    only = dict(student={student}, objective={objective}, seed={str(seed)}) if student != TEACHER else {}
    study = Study(*place, only)
    try:
        run_cells(study, study.cells(only) if only else [], jobs=1)
    except ConfigError as error:
        return str(error)
    return ''


class Queue:
    """The jobs of this user as `squeue` has them, asked seldom, for all threads.

    submitit asks `sacct`: a cluster without a data base of accounts never answers that, so that a killed job
    would be waited for for ever, and elsewhere submitit looks once in ten minutes.
    """

    def __init__(self) -> None:
        self._lock, self._views = Lock(), [(float('-inf'), {})] * 2  # when it was asked, and what it said

    def end(self, job_id: str, begun: float) -> str:
        """How a job submitted at ``begun`` has ended; empty while it has not, or Slurm does not answer.

        Said of it twice in a row: one that is put into the queue again is ended in between, and a result may
        take its time from one machine to another.
        """
        with self._lock:
            if time.monotonic() - self._views[-1][0] >= ASK:
                self._views = [self._views[-1], (time.monotonic(), self._ask())]
            views = [view for asked, view in self._views if view and asked > begun]
        states = [view.get(job_id, GONE) for view in views]
        return states[-1] if len(states) == 2 and ENDED.issuperset(states) else ''

    def _ask(self) -> dict[str, str]:
        """{'7': 'RUNNING'}; it has one entry more, since nothing but an answer may be empty."""
        command = ['squeue', '--noheader', '--states=all', '--format=%i %T', f'--user={os.getuid()}']
        try:
            answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
        except (OSError, subprocess.SubprocessError):
            return {}
        return {'': '', **dict(line.split() for line in answer.splitlines() if len(line.split()) == 2)}


def _wait(cell: Cell, job: object, queue: Queue | None, stop: Event) -> None:
    end, begun = '', time.monotonic()
    try:
        while not (end := _end(job, queue, begun)) and not stop.wait(POLL):
            pass
    finally:  # as without a cluster: never leave a training behind
        if not end:
            job.cancel(check=False)
    reason = _reason(job, end) if end else ''
    if reason.startswith(cell.title):  # the cell itself has said it, with a log of its own
        raise CellFailed(reason)
    if reason:
        raise CellFailed(f'{cell.title}: {reason} (the whole output is in {job.paths.stdout})')


def _end(job: object, queue: Queue | None, begun: float) -> str:
    """The state of a job that has ended, or empty."""
    if not queue:
        return job.state if job.done() else ''
    folder = job.paths.folder
    with suppress(OSError):  # as submitit does it: a network file system looks again for the result
        folder.chmod(folder.stat().st_mode)
    return 'COMPLETED' if job.paths.result_pickle.exists() else queue.end(job.job_id, begun)


def _reason(job: object, end: str) -> str:
    """Why a job that has ended did not do its cell; empty if it did."""
    if not job.paths.result_pickle.exists():
        state = '' if end == 'FINISHED' else f' ({end})'
        return f'job {job.job_id} was ended before it had a result{state}'
    error = job.exception()
    if error is None:
        return job.result()
    # it ended by an exception, of which submitit tells the trace
    trace = [line for line in str(error).splitlines() if line and not line.startswith((' ', '-', 'You'))]
    return trace[-1]


def _submitit() -> ModuleType:
    try:
        import submitit
    except ImportError as error:
        raise ConfigError(MISSING) from error
    return submitit
