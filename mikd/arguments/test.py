"""Evaluate a checkpoint."""

import argparse

from .toolbox import argument_parser


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argument_parser('Evaluate a checkpoint')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out', help='file for the metrics (.json, .yaml or .pkl)')
    return parser.parse_args(argv)
