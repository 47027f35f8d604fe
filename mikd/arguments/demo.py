"""Put an exported student into one HTML file, which runs it in a browser without a network."""

import argparse
from pathlib import Path

from . import Parser


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument('folder', metavar='DIR', type=Path, help='what mikd export wrote')
    parser.add_argument(
        '--picture',
        type=Path,
        nargs='+',
        default=[],
        help='to start from; by default test images, DIR/inputs',
    )
    parser.add_argument(
        '--teacher',
        type=Path,
        metavar='DIR',
        help='what mikd export wrote of the teacher, to stand beside',
    )
    parser.add_argument(
        '--draw',
        action=argparse.BooleanOptionalAction,
        help='whether one draws on the start picture; by default where it has few colours',
    )
    parser.add_argument(
        '--runtime', type=Path, metavar='DIR', help='dist/ of an onnxruntime-web; by default npm fetches one'
    )
    parser.add_argument(
        '--webgpu',
        action='store_true',
        help='the GPU where the browser has one and it makes the same picture: a larger page',
    )
    return parser.parse_args(argv)
