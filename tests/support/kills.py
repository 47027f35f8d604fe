"""Kill trainings by SIGKILL at random moments, resume each, and compare its end with that of a run left alone.

python tests/support/kills.py [--seed 0] [--kills 4] [--families pix2pix cyclegan stylegan2 edsr srgan]
    [--folder DIR]

Prints a Markdown table with one row for each kill. Of four kills, two come from outside at a random moment of
the training, one hits a checkpoint at a random byte of its writing, and one comes right before or after a file
takes its place, or before the old one is removed.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from interruption import difference, end, finish, kill, newest, output, resume, start
from mmengine.config import Config
from mmengine.runner import IterBasedTrainLoop
from resumable import FAMILIES, every

from mmagic_mikd.compat import atomic_save, keep_until_saved

ITERATIONS, INTERVAL = 6, 2
MOMENTS = ('at a byte', 'before the renaming', 'after the renaming', 'before the removal')


class Kill(NamedTuple):
    family: str
    moment: str
    left: str
    resumed_from: str
    gap: str | None


def injure(moment: str, files: int, share: float) -> None:
    """Let this process kill itself while it writes file number ``files``, after ``share`` of its bytes.

    Checkpoints and `last_checkpoint` are files alike.
    """
    left = [files]

    def its_turn() -> bool:
        left[0] -= 1
        return left[0] == 0

    def write(file, content) -> None:
        if its_turn():
            file.write(content[: int(share * len(content))])
            file.flush()
            kill()
        file.write(content)

    def replace(old, new, stock=os.replace) -> None:
        last = its_turn()
        if last and moment == 'before the renaming':
            kill()
        stock(old, new)
        if last:
            kill()

    if moment == 'at a byte':
        atomic_save.write = write
    elif moment == 'before the removal':
        keep_until_saved.Postponed.carry_out = lambda *args, **kwargs: its_turn() and kill()
    else:
        os.replace = replace


def announce(path: Path) -> None:
    """Let this process leave a file when its training loop starts."""
    stock = IterBasedTrainLoop.run

    def run(self):
        path.touch()
        return stock(self)

    IterBasedTrainLoop.run = run


def started(path: Path, pid: int) -> float:
    """Wait for that file, or for the end of the process; the time at which it was seen."""
    while not path.exists() and os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        time.sleep(0.01)
    return time.monotonic()


def kill_once(cfg: Config, moment: str, length: float, draw: random.Random) -> str:
    """Start a run and end it by SIGKILL; what kind of moment that was.

    Args:
        length: seconds that the training loop takes.
    """
    if moment == 'from outside':
        share, path = draw.random(), Path(cfg.work_dir) / 'started'
        pid = start(cfg, partial(announce, path))
        started(path, pid)
        time.sleep(share * length)
        os.kill(pid, signal.SIGKILL)
        code = end(pid)
        moment = f'after {share:.0%} of the time'
    else:
        checkpoints = draw.randint(1, ITERATIONS // INTERVAL)
        renaming = 'renaming' in moment  # of last_checkpoint too
        files = draw.randint(1, 2 * checkpoints) if renaming else checkpoints
        share = draw.random()
        code = end(start(cfg, partial(injure, moment, files, share)))
        what = 'file' if renaming else 'checkpoint'
        moment = f'{moment}{f" ({share:.0%})" if moment == "at a byte" else ""} of {what} {files}'
    if code == 0:  # it was faster than the run that was measured
        for path in Path(cfg.work_dir).glob('*iter_*'):
            path.unlink()
        (Path(cfg.work_dir) / 'last_checkpoint').unlink()
        return kill_once(cfg, 'from outside', length / 2, draw)
    assert code == -signal.SIGKILL, output(cfg)[-3000:]
    return moment


def kills(make: type, folder: Path, number: int, draw: random.Random, name: str) -> Iterator[Kill]:
    """Kill ``number`` runs of one family, resume each, and yield what happened."""

    def config(part: str) -> Config:
        return every(make(folder / part, ITERATIONS), INTERVAL, max_keep_ckpts=1)

    cfg = config('whole')
    path = folder / 'started'
    pid = start(cfg, partial(announce, path))
    began = started(path, pid)
    assert end(pid) == 0, output(cfg)[-3000:]
    whole, length = newest(cfg), time.monotonic() - began
    for index in range(number):
        cfg = config(f'kill_{index}')
        moment = ('from outside', 'at a byte', 'from outside', draw.choice(MOMENTS[1:]))[index % 4]
        described = kill_once(cfg, moment, length, draw)
        left = sorted(path.name for path in Path(cfg.work_dir).iterdir() if 'iter_' in path.name)
        finish(resume(cfg))
        loads = [line.split('/')[-1] for line in output(cfg).splitlines() if line.startswith('Loads')]
        origin = next((name for name in loads if name.startswith('iter_')), 'the beginning')
        gap = difference(whole, newest(cfg))
        yield Kill(name, described, ', '.join(left) or 'nothing', origin, gap)


def table(rows: list[Kill]) -> str:
    lines = ['| family | killed | left in the folder | resumed from | end |', '|' + ' --- |' * 5]
    for row in rows:
        result = 'equal' if row.gap is None else f'differs at {row.gap}'
        lines.append(f'| {row.family} | {row.moment} | {row.left} | {row.resumed_from} | {result} |')
    same = sum(row.gap is None for row in rows)
    return '\n'.join(
        [*lines, '', f'{same}/{len(rows)} resumed runs end bit for bit as the uninterrupted one.']
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--kills', type=int, default=4, help='for each family')
    parser.add_argument('--families', nargs='+', choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument('--folder', type=Path, help='where the runs go; by default a temporary folder')
    args = parser.parse_args()
    import mmengine.config.config

    mmengine.config.config.FormatCode = lambda text, **_: (text, True)  # as in conftest.py: it takes long
    rows, draw = [], random.Random(args.seed)
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary)
        for name in args.families:
            rows += kills(FAMILIES[name], folder / name, args.kills, draw, name)
    print(table(rows))
    sys.exit(any(row.gap is not None for row in rows))


if __name__ == '__main__':
    main()
