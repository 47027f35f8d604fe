"""From image pairs to a distilled Pix2Pix, one picture and one table.

Trains a teacher, then the same small student without and with mutual-information distillation, and
evaluates all three. It can be stopped at any time; the same command goes on from there.

    bash tools/quickstart.sh                                    about 10 minutes on 2 CPU cores
    bash tools/quickstart.sh --data DIR --out work_dirs/mine    your own aligned pairs
"""

import argparse
from pathlib import Path

from . import Parser


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(
        prog='quickstart.sh',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        '--data', type=Path, help='folder with train and test (or val); a file holds a pair side by side'
    )
    parser.add_argument(
        '--direction',
        choices=['AtoB', 'BtoA'],
        default='BtoA',
        help='A is the left half of a file, B the right half (default: %(default)s)',
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('work_dirs/quickstart'),
        help='folder for all results (default: %(default)s)',
    )
    parser.add_argument('--device', help='cpu, cuda or cuda:N (default: cuda where there is one)')
    parser.add_argument(
        '--size', type=int, choices=[32, 64, 128, 256], default=64, help='side of the images in pixels'
    )
    parser.add_argument('--iters', type=int, help='iterations of each training (default: 1000)')
    parser.add_argument('--seed', type=int, default=0, help='of pairs, weights and order')
    parser.add_argument('--short', action='store_true', help='a minute or two, to see that it works')
    parser.add_argument(
        '--frechet-weights',
        type=Path,
        help='file resnet56-4bfd9763.th (a CIFAR-10 classifier): adds a Frechet distance on its features',
    )
    args = parser.parse_args(argv)
    if args.iters is None:
        args.iters = 40 if args.short else 1000
    if args.iters < 1:
        parser.error(f'--iters must be at least 1, not {args.iters}')
    return args
