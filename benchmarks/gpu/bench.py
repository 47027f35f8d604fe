"""What every phase has: a device, a clock, a place for its files, and rows that are on the disk at once."""

import copy
import itertools
import json
import statistics
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mmengine.config.config
import torch
from families import base
from mmagic.utils import register_all_modules
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

ROWS = 'rows.jsonl'


class Bench:
    """One phase of the run.

    Args:
        phase: its name.
        out: where the rows go.
        scratch: where everything else goes; ``data`` in it has the pictures.
        seconds: after which the phase should have ended by itself.
        dry: on the CPU, with tiny sizes.
    """

    def __init__(self, phase: str, out: Path, scratch: Path, seconds: float, dry: bool) -> None:
        self.phase, self.out, self.dry = phase, out, dry
        self.scratch, self.data = scratch / phase, scratch / 'data'
        self.device = torch.device('cpu' if dry else 'cuda')
        self._end = time.monotonic() + seconds
        self._numbers = itertools.count()

    @property
    def left(self) -> float:
        """Seconds."""
        return self._end - time.monotonic()

    @contextmanager
    def row(self, **names: Any) -> Iterator[dict[str, Any]]:
        """A row that is filled within; an error is a row as well, and the phase goes on. Without time: none."""
        row, begin = names, time.monotonic()
        if self.left <= 0:
            raise OutOfTime
        try:
            yield row
        except Exception as error:
            traceback.print_exc()
            row |= dict(
                ok=False, error=f'{type(error).__name__}: {str(error).strip() or "?"}'.splitlines()[0]
            )
        row['seconds'] = round(time.monotonic() - begin, 2)
        write_row(self.out, dict(phase=self.phase, **row))

    def folder(self, name: str) -> Path:
        """A new folder for a run, whose name it takes."""
        return self.scratch / f'{name}_{next(self._numbers)}'

    def milliseconds(self, run: Callable[[], Any], repeats: int = 20, budget: float = 0.5) -> float:
        """The median of several calls, each waited for, after three that are not timed."""
        taken: list[float] = []
        warm_up, repeats = (0, 2) if self.dry else (3, repeats)
        for _ in range(warm_up):
            run()
        while len(taken) < repeats and sum(taken) < budget:
            begin = self.now()
            run()
            taken.append(self.now() - begin)
        return 1000 * statistics.median(taken)

    def now(self) -> float:
        """The time at which the device is through with what it was given."""
        if self.device.type == 'cuda':
            torch.cuda.synchronize()
        return time.perf_counter()


class OutOfTime(BaseException):
    """The phase has used its seconds up."""


def write_row(out: Path, row: dict[str, Any]) -> None:
    with (out / ROWS).open('a') as file:
        file.write(json.dumps(row) + '\n')
    print(' '.join(f'{key}={value}' for key, value in row.items()), flush=True)


def read_rows(out: Path) -> list[dict[str, Any]]:
    """All that are whole: a phase may be ended while it writes."""
    rows, file = [], out / ROWS
    for line in file.read_text().splitlines() if file.is_file() else ():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return rows


def prepare(data: Path) -> None:
    """What every process that trains needs: the tests' families on this data, and configs left unformatted."""
    base.DATA = data
    mmengine.config.config.FormatCode = lambda text, **_: (text, True)  # a good part of a tiny run's time
    register_all_modules()


def train(cfg: Config, *hooks: tuple[Hook, str]) -> Runner:
    """A training under a name of its own: two of one name would share a log."""
    cfg = copy.deepcopy(cfg)
    cfg.experiment_name = f'{Path(cfg.work_dir).name}_{time.time_ns()}'
    runner = Runner.from_cfg(cfg)
    for hook, priority in hooks:
        runner.register_hook(hook, priority)
    runner.train()
    return runner


def exact(wanted: bool = True) -> None:
    """Float32 as it is written, not as a matrix unit may round it."""
    torch.set_float32_matmul_precision('highest' if wanted else 'high')
    torch.backends.cudnn.allow_tf32 = not wanted


def deviation(found: torch.Tensor, expected: torch.Tensor) -> float:
    """The largest difference, as a share of the largest value."""
    found, expected = found.detach().double().cpu(), expected.detach().double().cpu()
    return ((found - expected).abs().max() / expected.abs().max().clamp(min=1e-12)).item()
