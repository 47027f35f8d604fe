"""A grid of trainings, its table and its plots.

    python tools/study.py run STUDY.yaml [--only student=x16 objective=l1,none seed=0] [--jobs 2]
    python tools/study.py table STUDY.yaml     STUDY.md, from STUDY.csv alone
    python tools/study.py table STUDY.yaml --against l1    prints differences to another objective than none
    python tools/study.py plot STUDY.yaml      STUDY.png, likewise
    python tools/study.py run STUDY.yaml --executor slurm --executor-set slurm_partition=cpu timeout_min=240

`run` can be stopped at any time: finished cells are rows of STUDY.csv and are kept, the same command does
the rest, and several processes may share the work.
"""

import argparse
from pathlib import Path

from . import Parser


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument('command', choices=['run', 'table', 'plot'])
    parser.add_argument('study', type=Path, help='such as benchmarks/studies/pix2pix_facades.yaml')
    parser.add_argument(
        '--only',
        nargs='+',
        default=[],
        metavar='KEY=NAME,...',
        help='only these students, objectives, seeds',
    )
    parser.add_argument(
        '--against', metavar='OBJECTIVE', help='print differences of last checkpoints to it, write nothing'
    )
    parser.add_argument('--jobs', type=int, help='trainings at a time, one thread each (1; with Slurm all)')
    parser.add_argument('--executor', choices=['local', 'slurm'], help='each training is a job of submitit')
    parser.add_argument(
        '--executor-set',
        nargs='+',
        action='extend',
        default=[],
        metavar='KEY=VALUE',
        help='settings of its jobs, such as slurm_partition=NAME timeout_min=240 mem_gb=4',
    )
    parser.add_argument(
        '--data',
        type=Path,
        help="folder of data sets (default: the study's `data`, else shared/data beside the clone, else data)",
    )
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/studies'), help='for the trainings')
    parser.add_argument(
        '--quick', action='store_true', help='two iterations of three cells, in the work dir: does it work?'
    )
    args = parser.parse_args(argv)
    check_args(parser, args)
    return args


def check_args(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """What can be told before anything is trained."""
    if args.against and args.command != 'table':
        parser.error('--against belongs to `table`')
    if args.executor_set and not args.executor:
        parser.error('--executor-set belongs to --executor')
    if args.jobs is not None and args.jobs < 1:
        parser.error(f'--jobs must be at least 1, not {args.jobs}')
