"""Runs the cells of a study, each in a process of its own; finished ones are kept."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from threading import Event
from typing import IO

from ...utils.errors import ConfigError
from ..clone import CLONE
from .cells import Cell, Study
from .rows import KEY, add_rows, key_of, locked, read_rows
from .study_file import TEACHER

RUNNER = 'mmagic_mikd.apps.study.cell'


class CellFailed(ConfigError):
    """A training ended with an error; the message is what the user needs to read."""


def run_cells(study: Study, cells: list[Cell], jobs: int, run: Callable[..., None] | None = None) -> None:
    """The teacher, then the cells that have no rows yet, ``jobs`` at a time.

    Args:
        run: what runs one, as `_run` does, which is the default.

    Raises:
        CellFailed: some of them failed; the others are done all the same.
    """
    stop, done, run = Event(), finished(study), run or _run
    cells = [cell for cell in cells if key_of(identity(cell)) not in done]
    known = key_of(identity(study.teacher)) in done
    ready = known and (study.work_dir / study.teacher.folder / 'result.json').is_file()
    if not ready and (cells or not known):  # a job that has nothing to do would wait in a queue all the same
        run(study, study.teacher, 'the teacher', stop)
    with ThreadPoolExecutor(jobs) as pool:
        titles = (f'{number} of {len(cells)}' for number in range(1, len(cells) + 1))
        tasks = [pool.submit(run, study, *task, stop) for task in zip(cells, titles, strict=True)]
        try:
            failures = [failure for task in tasks if (failure := _failure(task))]
        except BaseException:  # Ctrl-C: end the trainings too
            stop.set()
            raise
    if failures:
        raise CellFailed('; '.join(map(str, failures)))


def _failure(task: Future) -> CellFailed | None:
    try:
        task.result()
    except CellFailed as error:
        return error


def finished(study: Study) -> set[tuple[str, ...]]:
    """Keys of the trainings that have both rows."""
    rows = read_rows(study.csv)
    which = {(key_of(row), row['which']) for row in rows}
    return {key for key, kind in which if kind == 'last' and (key, 'best') in which}


def _run(study: Study, cell: Cell, number: str, stop: Event) -> None:
    if stop.is_set():
        return
    folder = study.work_dir / cell.folder
    with locked(folder.with_suffix('.lock'), wait=cell.student == TEACHER) as lock:
        if lock is None:
            print(f'[{number}] {cell.title}: another process runs it', flush=True)
            return
        result = folder / 'result.json'
        # another process may have done it meanwhile; a teacher with rows may still be wanted for its weights
        missing = key_of(identity(cell)) not in finished(study)
        trains = not result.is_file() and (missing or cell.student == TEACHER)
        if trains:
            print(f'[{number}] {cell.title}', flush=True)
            _train(cell, study.teacher_checkpoint, folder, result, stop, lock)
        if (missing or trains) and result.is_file():  # a teacher that is trained again has rows again
            add_rows(study.csv, rows_of(study, cell, json.loads(result.read_text())))


def _train(cell: Cell, teacher: Path, folder: Path, result: Path, stop: Event, lock: IO) -> None:
    """In a fresh folder: a resumed run would draw other crops, and no longer be one of a pair."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    config, log = folder / 'config.py', folder / 'log.txt'
    cell.config.dump(config)
    env = {**os.environ, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': '', 'OMP_WAIT_POLICY': 'PASSIVE'}
    with log.open('w') as file:
        command = [sys.executable, '-m', RUNNER, config, result, teacher]
        # with the lock: if this process is killed the training goes on, and nobody starts it a second time
        fds = (lock.fileno(),)
        process = subprocess.Popen(command, env=env, stdout=file, stderr=subprocess.STDOUT, pass_fds=fds)
        try:
            while process.poll() is None and not stop.wait(0.2):
                pass
        finally:  # never leave a training behind
            process.terminate()
            code = process.wait()
    if code and not stop.is_set():
        raise CellFailed(f'{cell.title}: {_reason(code, log)} (the whole output is in {log})')


def _reason(code: int, log: Path) -> str:
    if code < 0:
        return f'ended by signal {-code}'
    lines = [line for line in log.read_text().splitlines() if line.strip()] or [f'exit code {code}']
    return next((line.removeprefix('Error: ') for line in lines if line.startswith('Error: ')), lines[-1])


def identity(cell: Cell) -> dict[str, str]:
    return dict(zip(KEY, (cell.student, cell.objective, str(cell.seed), cell.hash), strict=True))


def rows_of(study: Study, cell: Cell, result: dict) -> list[dict]:
    """The row of the last and that of the best checkpoint.

    Raises:
        CellFailed: a score of the study was not measured.
    """
    common = dict(date=_now(), git=_commit(), **result['columns'])
    rows = []
    for which, scores in result['scores'].items():
        missing = [name for name in study.scores if name not in scores]
        if cell.student == TEACHER:
            missing = [name for name in missing if not name.rpartition('teacher/')[1]]
        if missing:
            raise CellFailed(
                f'{study.path}: scores.{missing[0]} is not measured by test_evaluator, which gives '
                f'{", ".join(sorted(scores))}'
            )
        at = result['best_iteration'] if which == 'best' else common['iterations']
        values = {name: scores.get(name, '') for name in study.scores}
        own = dict(which=which, at=at, validation=result['validation'][which])
        rows.append(dict(study=study.name, **identity(cell), **own, **values, **common))
    return rows


def _now() -> str:
    return datetime.fromtimestamp(time.time(), timezone.utc).isoformat(timespec='seconds')


def _commit() -> str:
    """Of this repository; with a plus where its code was edited since, empty where it is no clone."""
    if CLONE is None:
        return ''
    try:
        commit = _git('rev-parse', '--short', 'HEAD')
        return commit + ('+' if _git('status', '--porcelain', '-uno', '--', ':/mmagic_mikd') else '')
    except (OSError, subprocess.CalledProcessError):
        return ''


def _git(*arguments: str) -> str:
    command = ['git', '-C', str(CLONE), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
