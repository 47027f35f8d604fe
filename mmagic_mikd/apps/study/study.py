"""A grid of trainings, its table and its plots.

    python tools/study.py run STUDY.yaml [--only student=x16 objective=l1,none seed=0] [--jobs 2]
    python tools/study.py table STUDY.yaml     STUDY.md, from STUDY.csv alone
    python tools/study.py table STUDY.yaml --against l1    prints differences to another objective than none
    python tools/study.py plot STUDY.yaml      STUDY.png, likewise

`run` can be stopped at any time: finished cells are rows of STUDY.csv and are kept, the same command does
the rest, and several processes may share the work.
"""

import argparse
import signal
import sys
from pathlib import Path

from ...utils.errors import ConfigError
from ..clone import data_folder
from ..launch.launch import user_errors


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
    parser.add_argument('--jobs', type=int, default=1, help='trainings at a time, one thread each')
    parser.add_argument(
        '--data', type=Path, help=f"folder of data sets (default: the study's `data`, else {data_folder()})"
    )
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/studies'), help='for the trainings')
    parser.add_argument(
        '--quick', action='store_true', help='two iterations of three cells, in the work dir: does it work?'
    )
    args = parser.parse_args(argv)
    if args.against and args.command != 'table':
        parser.error('--against belongs to `table`')
    return args


def wanted(only: list[str]) -> dict[str, set[str]]:
    """{'objective': {'l1', 'none'}} of ['objective=l1,none'].

    Raises:
        ConfigError: not of that form.
    """
    pairs = [text.partition('=') for text in only]
    for key, equals, names in pairs:
        if not (key and equals and names):
            raise ConfigError(f'--only {key}{equals}{names}: write it as student=x4,x16')
    return {key: set(names.split(',')) for key, _, names in pairs}


@user_errors()
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    from .cells import Study  # takes seconds: imports the toolbox

    only = wanted(args.only)
    study = Study(args.study, args.work_dir, args.data, args.quick, only)
    if args.command == 'run':
        from .checks import check
        from .grid import finished, identity, run_cells
        from .rows import key_of

        cells = study.cells(only)
        check(study, cells)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            run_cells(study, cells, args.jobs)
        except KeyboardInterrupt:
            sys.exit('Stopped. Finished cells are kept; the same command goes on from here.')
        left = sum(key_of(identity(cell)) not in finished(study) for cell in cells)
        print(f'{left} cells are left to other processes' if left else f'All done: {study.csv}')
    elif args.command == 'table':
        from .table import behind, comparison, write_table

        print(comparison(study, args.against) if args.against else write_table(study))
        print(*behind(study), sep='\n')
    else:
        from .drawing import write_plot

        print(write_plot(study))


if __name__ == '__main__':
    main()
