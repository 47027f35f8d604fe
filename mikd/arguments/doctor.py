"""What is installed, what of the toolbox is repaired, what is absent and what that costs."""

import argparse

from . import Parser


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return Parser(description=__doc__).parse_args(argv)
