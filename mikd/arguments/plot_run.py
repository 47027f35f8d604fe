"""Plots what a run has logged: losses, distance, energies, the chain, each objective's gradient.

    python tools/analysis/plot_run.py WORK_DIR [--out run.png]

WORK_DIR is that of the config; a resumed run is one line. How to read it: docs/seeing.md.
"""

import argparse
from pathlib import Path

from . import Parser


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument('work_dir', type=Path, help='of a run, or one of the dated folders in it')
    parser.add_argument('--out', type=Path, help='the picture; by default run.png in WORK_DIR')
    return parser.parse_args(argv)
