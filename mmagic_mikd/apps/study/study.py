"""A grid of trainings, its table and its plots."""

import argparse
import signal
import sys
from typing import TYPE_CHECKING

from mikd.arguments.study import parse_args

from ...utils import escape
from ..launch.launch import user_errors
from .arguments import assignments

if TYPE_CHECKING:
    from .cells import Cell, Study


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
    from .table import study_rows, table

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
        jobs = ', and its jobs are cancelled' if args.executor else ''
        sys.exit(f'Stopped{jobs}. Finished cells are kept; the same command goes on from here.')
    except CellFailed as error:
        if not args.executor:
            raise
        sys.exit(f'Error: {escape.line(str(error))}')
    left = sum(key_of(identity(cell)) not in finished(study) for cell in cells)
    if left:
        print(f'{left} cells are left to other processes')
        return
    print(f'All done: {study.csv}\n\n{table(study, study_rows(study))}')


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
