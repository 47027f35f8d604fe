"""A student as its training starts."""

import argparse
from pathlib import Path

from .toolbox import argument_parser


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argument_parser('Write a student as it is when its training starts')
    parser.add_argument('--out', type=Path, required=True, help='the checkpoint to write')
    return parser.parse_args(argv)
