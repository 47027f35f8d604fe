"""Runs the phases one after the other, each in a process of its own and no longer than its limit.

bash benchmarks/gpu.sh [--minutes 8] [--out DIR] [--dry-run] [--only PHASE ...]

Whatever ends it, the report has all rows that were written by then.
"""

import argparse
import contextlib
import importlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from mmagic_mikd.apps.launch.launch import user_errors
from mmagic_mikd.utils.errors import ConfigError

from . import report
from .bench import ROWS, Bench, OutOfTime, prepare
from .data import lay_out

# Seconds of eight minutes, the most telling first; what is left over belongs to the last.
LIMITS = dict(smoke=80, repeat=75, precision=55, replicas=45, operations=20, cost=95, loading=25, facades=90)
RESERVE = 5  # for the end of a process that is over its limit
FILES = (ROWS, 'report.json', 'report.md', 'log.txt', 'pictures.jpg')


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='benchmarks/gpu.sh', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--minutes', type=float, default=8.0)
    parser.add_argument('--out', type=Path, default=Path('work_dirs/gpu'), help='where the report goes')
    parser.add_argument('--dry-run', action='store_true', help='every phase with tiny sizes on the CPU')
    parser.add_argument('--only', nargs='+', choices=LIMITS, default=list(LIMITS), metavar='PHASE')
    parser.add_argument('--phase', choices=LIMITS, help=argparse.SUPPRESS)
    parser.add_argument('--scratch', type=Path, help=argparse.SUPPRESS)
    parser.add_argument('--seconds', type=float, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


@user_errors()
def main() -> None:
    args = parse()
    if args.phase:
        one(args)
        return
    if not args.dry_run and not torch.cuda.is_available():
        raise ConfigError('there is no GPU here: add --dry-run to try every phase on the CPU')
    args.out.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (args.out / name).unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix='mikd_gpu_') as scratch:
        everything(args, Path(scratch))
    print(f'{args.out}/report.md')


def everything(args: argparse.Namespace, scratch: Path) -> None:
    began = time.monotonic()
    about = report.machine() | dict(minutes=args.minutes, dry_run=args.dry_run)
    about |= {f'data, {name}': origin for name, origin in lay_out(scratch / 'data', args.dry_run).items()}
    ends = dict.fromkeys(args.only, 'not begun')
    report.write(args.out, about, ends)
    for number, phase in enumerate(args.only):
        left = 60 * args.minutes - (time.monotonic() - began) - RESERVE
        later = sum(LIMITS[name] for name in args.only[number + 1 :])
        # a dry run has to come through on a machine that does other things as well
        own = left if args.dry_run or not later else LIMITS[phase] * args.minutes / 8
        ends[phase] = process(args, phase, scratch, min(own, left)) if left > RESERVE else 'no time was left'
        report.write(args.out, about, ends)


def process(args: argparse.Namespace, phase: str, scratch: Path, seconds: float) -> str:
    """Run one phase; how it ended."""
    command = [
        sys.executable,
        '-m',
        'benchmarks.gpu',
        '--phase',
        phase,
        '--out',
        args.out,
        '--scratch',
        scratch,
    ]
    command += ['--seconds', seconds - RESERVE, *(['--dry-run'] if args.dry_run else [])]
    env = os.environ | (dict(CUDA_VISIBLE_DEVICES='') if args.dry_run else {})
    print(f'{phase}: at most {seconds:.0f} s', flush=True)
    begin = time.monotonic()
    with (args.out / 'log.txt').open('a') as log:
        started = subprocess.Popen(
            [str(part) for part in command], stdout=log, stderr=log, env=env, start_new_session=True
        )
        try:
            code = started.wait(timeout=seconds)
            how = 'Ended by itself' if code == 0 else f'Ended with {code}, see log.txt'
        except subprocess.TimeoutExpired:
            how = 'Ended at its limit'
        finally:  # what it has started, too; and on Ctrl-C
            kill_group(started)
    return f'{how}, after {time.monotonic() - begin:.0f} s'


def kill_group(started: subprocess.Popen) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)
    started.wait()


def one(args: argparse.Namespace) -> None:
    prepare(args.scratch / 'data')
    bench = Bench(args.phase, args.out, args.scratch, args.seconds, args.dry_run)
    try:
        importlib.import_module(f'{__package__}.{args.phase}').run(bench)
    except OutOfTime:
        print(f'{args.phase} has used its time up')


if __name__ == '__main__':
    main()
