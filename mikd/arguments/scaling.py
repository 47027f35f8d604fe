"""How a distillation scales: bytes between GPUs in an iteration, memory of one GPU, time on 8 and on 64."""

import argparse
import re

from . import Parser
from .toolbox import setting


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__, allow_abbrev=False)
    parser.add_argument('config', metavar='CONFIG', help='a distillation config')
    parser.add_argument(
        '--gpus', type=count, nargs='+', default=[8, 64], help='numbers of GPUs to estimate for'
    )
    parser.add_argument('--gpus-per-node', type=count, default=8)
    parser.add_argument('--bandwidth', type=bandwidth, default='100GB/s', help='of an all-reduce in a node')
    parser.add_argument('--bandwidth-between', type=bandwidth, default='10GB/s', help='... across nodes')
    parser.add_argument('--latency', type=float, default=20.0, help='microseconds of one hop in the ring')
    parser.add_argument(
        '--seconds', type=float, help='of an iteration on one GPU, in place of those measured'
    )
    parser.add_argument('--iters', type=count, default=3, help='iterations to time, after three others')
    parser.add_argument(
        '--cfg-options', nargs='+', action='extend', type=setting, help='as of tools/train.py'
    )
    return parser.parse_args(argv)


def count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'{text!r} is no whole number of at least 1')
    return int(text)


def bandwidth(text: str) -> float:
    """Bytes a second of '100GB/s', '400Gbit/s' and so on."""
    match = re.fullmatch(r'(\d+\.?\d*) ?([kMGT])(B|bit)/s', text)
    if not match or not float(match[1]):
        raise argparse.ArgumentTypeError(f'{text!r} is no bandwidth such as 100GB/s or 400Gbit/s')
    return float(match[1]) * 1000.0 ** ' kMGT'.index(match[2]) / (8 if match[3] == 'bit' else 1)
