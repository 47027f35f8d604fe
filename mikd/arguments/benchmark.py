"""How fast student and teacher of a config are, in turn, as they ship: time beside multiply-accumulates."""

import argparse
from pathlib import Path

from ..refusal import refuse
from . import Parser

RUNTIMES = ('torch', 'ort')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument('config', help='config of a distillation, or of any generator')
    parser.add_argument('checkpoint', nargs='?', help="the student's; its weights do not change the times")
    parser.add_argument('--runtime', nargs='+', choices=RUNTIMES, default=['torch'])
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--rounds', type=int, default=20, help='of calls that are timed')
    parser.add_argument('--input-shape', type=int, nargs='+', help='of one input, such as 3 256 256')
    parser.add_argument('--peak', help=argparse.SUPPRESS)  # print the bytes of one call of this network
    parser.add_argument('--out', type=Path, help='file for the numbers (.json)')
    args = parser.parse_args(argv)
    for name in ('threads', 'rounds'):
        if getattr(args, name) < 1:
            refuse(f'--{name} {getattr(args, name)} must be at least 1')
    return args
