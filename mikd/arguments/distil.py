"""Train a config that distils: the arguments of `train`."""

import argparse

from . import train


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return train.parse_args(argv, 'Train a student by the distillation that its config sets')
