"""The cells of a study as jobs, through submitit: of Slurm, or processes of this machine.

A job runs one cell as `grid.py` does here: with the same folders, locks and rows, so the work dir and the study
have to be on a file system that all machines share.
"""

from collections.abc import Callable
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
POLL = 0.5  # seconds; submitit asks Slurm itself once a minute at most
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

    def run(study: Study, cell: Cell, number: str, stop: Event) -> None:
        if stop.is_set():
            return
        try:
            with one:
                job = executor.submit(run_cell, place, cell.student, cell.objective, cell.seed)
        except (OSError, submitit.core.utils.FailedJobError) as error:
            raise CellFailed(f'{cell.title}: the job cannot be submitted ({quoted(error)})') from error
        print(f'[{number}] {cell.title}: job {job.job_id}', flush=True)
        _wait(cell, job, stop)

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


def _wait(cell: Cell, job: object, stop: Event) -> None:
    try:
        while not job.done() and not stop.wait(POLL):
            pass
    finally:  # as without a cluster: never leave a training behind
        if not job.done():
            job.cancel(check=False)
    reason = '' if stop.is_set() else _reason(job)
    if reason.startswith(cell.title):  # the cell itself has said it, with a log of its own
        raise CellFailed(reason)
    if reason:
        raise CellFailed(f'{cell.title}: {reason} (the whole output is in {job.paths.stdout})')


def _reason(job: object) -> str:
    """Why a job that has ended did not do its cell; empty if it did."""
    error = job.exception()
    if error is None:
        return job.result()
    if job.paths.result_pickle.exists():  # it ended by an exception, of which submitit tells the trace
        trace = [line for line in str(error).splitlines() if line and not line.startswith((' ', '-', 'You'))]
        return trace[-1]
    state = '' if job.state == 'FINISHED' else f' ({job.state})'
    return f'job {job.job_id} was ended before it had a result{state}'


def _submitit() -> ModuleType:
    try:
        import submitit
    except ImportError as error:
        raise ConfigError(MISSING) from error
    return submitit
