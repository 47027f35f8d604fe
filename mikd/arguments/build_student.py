"""A student config from a teacher config and a size.

    python tools/build_student.py TEACHER_CONFIG --width 0.25 --out student.py
    python tools/build_student.py TEACHER_CONFIG --params 3.4M --out student.py
    python tools/build_student.py TEACHER_CONFIG --macs 1.2G --convention paper --out student.py
    python tools/build_student.py TEACHER_CONFIG --latency 20ms --out student.py

TEACHER_CONFIG is a file or one of the toolbox, such as mmagic::edsr/edsr_x4c64b16_1xb16-300k_div2k.py.
The student inherits it; nothing is trained. docs/students.md lists the generators that are known.
"""

import argparse
from math import inf, nan
from pathlib import Path

from . import Parser

UNITS = {'k': 1e3, 'M': 1e6, 'G': 1e9}


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument('teacher', metavar='TEACHER_CONFIG')
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument('--width', type=float, help='share of the channels that stays, such as 0.25')
    size.add_argument('--params', type=parse_amount, help='most parameters, such as 3.4M')
    size.add_argument('--macs', type=parse_amount, help='most multiply-accumulates per image, such as 1.2G')
    size.add_argument(
        '--latency',
        type=parse_milliseconds,
        help='most time of a call on one image, such as 20ms: PyTorch on the CPU of this machine, one thread',
    )
    parser.add_argument(
        '--convention',
        choices=['true', 'paper'],
        default='true',
        help='count transposed convolutions as they are performed, or at output resolution as the papers '
        'on Pix2Pix and CycleGAN do (default: true)',
    )
    parser.add_argument(
        '--input-shape',
        type=int,
        nargs='+',
        help='of one input, such as 3 256 256; by default from the config',
    )
    parser.add_argument(
        '--teacher-checkpoint', help='file or URL; by default where training the teacher leaves it'
    )
    parser.add_argument('--out', required=True, type=Path, help='the config file to write')
    return parser.parse_args(argv)


def parse_amount(text: str) -> float:
    """3.4e6 of '3.4M'; k, M and G are known, in either case.

    Raises:
        argparse.ArgumentTypeError: the text is no positive number with an optional unit.
    """
    units = {unit.lower(): factor for unit, factor in UNITS.items()} | {'': 1.0}
    digits = text.rstrip('kKmMgG')
    value = number(digits) * units.get(text[len(digits) :].lower(), nan)
    if not 0 < value < inf:
        raise argparse.ArgumentTypeError(f'{text!r} is no amount such as 3.4M or 1.2G')
    return value


def parse_milliseconds(text: str) -> float:
    """20.0 of '20ms', 1500.0 of '1.5s'.

    Raises:
        argparse.ArgumentTypeError: the text is no positive time with its unit.
    """
    digits, factor = (text[:-2], 1.0) if text.endswith('ms') else (text[:-1], 1e3)
    value = number(digits) * factor
    if not (text.endswith('s') and 0 < value < inf):
        raise argparse.ArgumentTypeError(f'{text!r} is no time such as 20ms or 1.5s')
    return value


def number(text: str) -> float:
    """nan where it is none."""
    try:
        return float(text)
    except ValueError:
        return nan
