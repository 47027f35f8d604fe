"""One self-contained page about finished runs or studies: sizes, scores, pictures, curves, settings.

    python tools/report.py work_dirs/my_student
    python tools/report.py RUN_DIR RUN_DIR              beside each other: student alone, student distilled
    python tools/report.py benchmarks/studies/pix2pix_facades.yaml --against l1

The page is opened as a file, also without a network.
"""

import argparse
from pathlib import Path

from ..refusal import refuse
from . import Parser


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
        refuse(f'--images {args.images} must be at least 0')
    return args
