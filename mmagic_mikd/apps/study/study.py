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
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ...utils import escape
from ..clone import data_folder
from ..launch.launch import user_errors
from .arguments import assignments

if TYPE_CHECKING:
    from .cells import Cell, Study


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
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
        '--data', type=Path, help=f"folder of data sets (default: the study's `data`, else {data_folder()})"
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


def wanted(only: list[str]) -> dict[str, set[str]]:
    """{'objective': {'l1', 'none'}} of ['objective=l1,none'].

    Raises:
        ConfigError: not of that form.
    """
    given = assignments('--only', only, 'student=x4,x16')
    return {key: set(names.split(',')) for key, names in given.items()}


def train(study: 'Study', cells: list['Cell'], args: argparse.Namespace) -> None:
    from .checks import check
    from .grid import CellFailed, finished, identity, run_cells
    from .rows import key_of

    check(study, cells)
    run, jobs = None, args.jobs or 1
    if args.executor:
        from .cluster import Place, submitter

        place = Place(study.path, args.work_dir, study.data, args.quick)
        run = submitter(study, place, args.executor, args.executor_set)
        jobs = args.jobs or (max(1, len(cells)) if args.executor == 'slurm' else 1)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run_cells(study, cells, jobs, run)
    except KeyboardInterrupt:
        sys.exit('Stopped. Finished cells are kept; the same command goes on from here.')
    except CellFailed as error:
        if not args.executor:
            raise
        sys.exit(f'Error: {escape.line(str(error))}')
    left = sum(key_of(identity(cell)) not in finished(study) for cell in cells)
    print(f'{left} cells are left to other processes' if left else f'All done: {study.csv}')


@user_errors()
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    from .cells import Study  # takes seconds: imports the toolbox

    only = wanted(args.only)
    study = Study(args.study, args.work_dir, args.data, args.quick, only)
    if args.command == 'run':
        train(study, study.cells(only), args)
    elif args.command == 'table':
        from .table import behind, comparison, write_table

        print(comparison(study, args.against) if args.against else write_table(study))
        print(*behind(study), sep='\n')
    else:
        from .drawing import write_plot

        print(write_plot(study))


if __name__ == '__main__':
    main()
