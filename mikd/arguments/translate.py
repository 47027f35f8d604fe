"""Pictures through an exported student: one or a folder, of any size."""

import argparse
from pathlib import Path

from ..refusal import refuse
from . import Parser

# as mmagic_mikd.deploy.picture has it: tiles share twice as much, and a pixel of each is left
OVERLAP = 16
LEAST_TILE = 2 * OVERLAP + 1


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument('model', type=Path, help='student.onnx or student.pt2 of mikd export')
    parser.add_argument('source', metavar='IN', help='picture or folder; seeds, such as 0-7, for latents')
    parser.add_argument('target', metavar='OUT', type=Path, help='picture, or folder for several')
    parser.add_argument('--tile', type=int, default=0, help='side of tiles for large pictures; 0 for none')
    parser.add_argument('--threads', type=int, default=0)
    args = parser.parse_args(argv)
    if args.tile and args.tile < LEAST_TILE:
        refuse(
            f'--tile {args.tile} must be 0 for none, or at least {LEAST_TILE}: tiles share {2 * OVERLAP} pixels'
        )
    return args
