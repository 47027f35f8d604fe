"""One self-contained page about finished runs or studies: sizes, scores, pictures, curves, settings.

    python tools/report.py work_dirs/my_student
    python tools/report.py RUN_DIR RUN_DIR              beside each other: student alone, student distilled
    python tools/report.py benchmarks/studies/pix2pix_facades.yaml --against l1

The page is opened as a file, also without a network.
"""

import argparse
from pathlib import Path

from ...utils import escape
from ...utils.checks import require_writable
from ...utils.errors import ConfigError
from ..launch.launch import Parser, user_errors

STUDIES = ('.yaml', '.yml')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        'sources', nargs='+', type=Path, metavar='RUN_DIR|STUDY.yaml', help='work_dir of a run, or a study'
    )
    parser.add_argument('--out', type=Path, help='the page; by default report.html in RUN_DIR, or STUDY.html')
    parser.add_argument(
        '--against',
        metavar='NAME',
        help='the run, or the objective of a study, that others are compared with',
    )
    parser.add_argument(
        '--images', type=int, default=16, help='of the test set; 0 for the pictures that the run has drawn'
    )
    args = parser.parse_args(argv)
    if args.images < 0:
        raise ConfigError(f'--images {args.images} must be at least 0')
    return args


@user_errors()
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    folders = [path for path in args.sources if path.suffix not in STUDIES]
    files = [path for path in args.sources if path.suffix in STUDIES]
    out = args.out or (folders[0] / 'report.html' if folders else files[0].with_suffix('.html'))
    if args.out:
        require_writable('--out', args.out)
    from mmagic.utils import register_all_modules  # takes seconds

    from . import page, run_view, study_view
    from .runs import named

    register_all_modules()
    runs = named(folders)
    studies = [study_view.opened(path) for path in files]
    require_known(args.against, [run.name for run in runs], [s.spec['objectives'] for s in studies])
    against = next((run for run in runs if run.name == args.against), None)
    page.write(
        out,
        title=' · '.join([*(run.folder.name for run in runs), *(study.name for study in studies)]),
        runs=run_view.view(runs, against, args.images) if runs else None,
        studies=[study_view.view(study, args.against) for study in studies],
    )
    print(escape.line(f'{out}: {out.stat().st_size / 1e6:.2f} MB, opens in a browser'))


def require_known(against: str | None, runs: list[str], objectives: list) -> None:
    """Refuse a name that nothing here has."""
    names = [*runs, *dict.fromkeys(name for each in objectives for name in each)]
    if against is not None and against not in names:
        known = ', '.join(names)
        raise ConfigError(f'--against {against} is neither a run nor an objective here: there are {known}')


if __name__ == '__main__':
    main()
