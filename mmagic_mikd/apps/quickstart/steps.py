"""Steps that are kept once they are finished, tell how far they are, and can be interrupted."""

import hashlib
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from ...utils.errors import ConfigError

MARKERS = '.quickstart'
ITERATION = re.compile(r'Iter\(train\) *\[ *(\d+)/(\d+)\]')


class StepFailed(ConfigError):
    """A command ended with an error; the message is what the user needs to read."""


class Step(NamedTuple):
    """One step: its name, what is printed, what its result depends on, what it does, how long it may take.

    A finished step has all its ``outputs``. They and ``scratch`` are removed before the step begins
    with other settings than last time; with the same settings ``run`` finds what it left behind.
    """

    name: str
    title: str
    settings: object
    run: Callable[['Progress'], object]
    seconds: float
    outputs: tuple[Path, ...] = ()
    scratch: tuple[Path, ...] = ()


class Progress:
    """Prints how far the current step is and, from the speed so far, how much time is left in all."""

    def __init__(self, seconds: list[float]) -> None:
        self._left, self._done, self._current = sum(seconds), 0.0, 0.0
        self._start = self._printed = time.monotonic()
        self._in_place = sys.stdout.isatty()

    def begin(self, seconds: float) -> None:
        self._current = seconds

    def update(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._printed < (0.5 if self._in_place else 15):
            return
        self._printed = now
        text = f'      iteration {done} of {total}, {self._time_left(done / total)} left in all'
        print(f'\r{text:<78}' if self._in_place else text, end='' if self._in_place else '\n')
        sys.stdout.flush()

    def end(self, kept: bool = False) -> None:
        self._left -= self._current
        self._done += 0 if kept else self._current
        if self._in_place:
            print(f'\r{"":<78}\r', end='')

    def _time_left(self, share: float) -> str:
        done = self._done + share * self._current
        # the first seconds say little, so the estimate counts like half a minute of measurement
        speed = (time.monotonic() - self._start + 30) / (done + 30)
        return duration(speed * (self._left - share * self._current))


def run_steps(steps: list[Step], folder: Path) -> None:
    """Run the steps in order, those that are finished with the same settings excepted.

    A step depends on all before it: where one runs, the later ones run from nothing.
    """
    progress = Progress([step.seconds for step in steps])
    key, all_kept = '', True
    for number, step in enumerate(steps, 1):
        key = fingerprint([key, step.name, step.settings])
        marker = folder / MARKERS / f'{step.name}.json'
        state = read_json(marker)
        known = all_kept and state.get('key') == key
        print(f'[{number}/{len(steps)}] {step.title}', end='', flush=True)
        progress.begin(step.seconds)
        if known and state['finished'] and all(path.exists() for path in step.outputs):
            print(': kept')
            progress.end(kept=True)
            continue
        print(': again, something before it or its settings changed' if state and not known else '')
        all_kept = False
        if not known:
            remove(step.outputs + step.scratch)
        write_json(marker, dict(key=key, finished=False))
        step.run(progress)
        write_json(marker, dict(key=key, finished=True))
        progress.end()


def run_command(command: list[str], env: dict, log: Path, progress: Progress) -> None:
    """Run a command of the toolbox; its output goes to ``log``, its iterations to ``progress``."""
    log.parent.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
    )
    try:
        with log.open('w') as file:
            for line in process.stdout:
                file.write(line)
                if found := ITERATION.search(line):
                    progress.update(int(found[1]), int(found[2]))
        code = process.wait()
    finally:  # also on Ctrl-C: never leave a training behind
        process.terminate()
        process.wait()
    if code:
        raise StepFailed(f'{reason(code, log)} (the whole output is in {log})')


def reason(code: int, log: Path) -> str:
    """Why a command ended: the tools' own sentence, the signal that killed it, or its last line."""
    if code < 0:
        return f'the command was ended by signal {-code}, perhaps for want of memory'
    lines = log.read_text().splitlines() or [f'exit code {code}']
    return next((line.removeprefix('Error: ') for line in lines if line.startswith('Error: ')), lines[-1])


def fingerprint(settings: object) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()


def read_json(path: Path) -> dict:
    return json.loads(path.read_text()) if path.is_file() else {}


def write_json(path: Path, content: object) -> None:
    """Write so that an interruption leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix('.part')
    part.write_text(json.dumps(content, indent=2, default=str))
    part.replace(path)


def remove(paths: tuple[Path, ...]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def duration(seconds: float) -> str:
    if seconds < 90:
        return f'about {max(5, 5 * round(seconds / 5))} s'
    return f'about {round(seconds / 60)} min'


class Plan(Protocol):
    """Steps in a folder; building it checks the options and writes nothing."""

    out: Path

    def write_configs(self) -> None: ...

    def steps(self) -> list[Step]: ...


def carry_out(plan: Callable[[], Plan], end: Callable[[str], str]) -> int:
    """Take all steps of the plan and print what ``end`` makes of the time that it took; an exit code."""
    start = time.monotonic()
    # A closed terminal or a stopped job ends like Ctrl-C: no training is left behind.
    for name in ('SIGTERM', 'SIGHUP'):
        signal.signal(getattr(signal, name), signal.default_int_handler)
    try:
        made = plan()
        made.write_configs()
        run_steps(made.steps(), made.out)
    except KeyboardInterrupt:
        print('\nStopped. Finished steps are kept; the same command goes on from here.')
        return 130
    except Exception:
        print()  # below the progress
        raise
    print(end(duration(time.monotonic() - start)))
    return 0


def require_own_folder(out: Path) -> None:
    """Refuse to write into a folder that these steps did not begin.

    Raises:
        ConfigError: it is a file, or holds other files.
    """
    if out.exists() and not out.is_dir():
        raise ConfigError(f'--out {out} is a file: name a folder')
    if out.is_dir() and any(out.iterdir()) and not (out / MARKERS).is_dir():
        raise ConfigError(f'--out {out} holds other files: name a new or an empty folder')
