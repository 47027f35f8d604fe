"""The arguments of each tool, in a module of its name; none of them imports PyTorch or the toolbox."""

import argparse
from typing import NoReturn

from ..refusal import line


class Parser(argparse.ArgumentParser):
    """Says nothing that would steer a terminal."""

    def error(self, message: str) -> NoReturn:
        super().error(line(message))
