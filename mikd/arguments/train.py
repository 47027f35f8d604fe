"""Train a model, with or without distillation."""

import argparse

from .toolbox import argument_parser


def parse_args(argv: list[str] | None = None, description: str = 'Train a model') -> argparse.Namespace:
    parser = argument_parser(description)
    parser.add_argument('--resume', action='store_true', help='go on from the newest checkpoint')
    parser.add_argument('--amp', action='store_true', help='automatic mixed precision, float16')
    parser.add_argument(
        '--amp-dtype', choices=['float16', 'bfloat16'], help='--amp in this precision, as dtype= in a wrapper'
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale learning rates from auto_scale_lr.base_batch_size of the config to the real batch',
    )
    return parser.parse_args(argv)
