"""A student config from a teacher config and a size.

    python tools/build_student.py TEACHER_CONFIG --width 0.25 --out student.py
    python tools/build_student.py TEACHER_CONFIG --params 3.4M --out student.py
    python tools/build_student.py TEACHER_CONFIG --macs 1.2G --convention paper --out student.py
    python tools/build_student.py TEACHER_CONFIG --latency 20ms --out student.py

TEACHER_CONFIG is a file or one of the toolbox, such as mmagic::edsr/edsr_x4c64b16_1xb16-300k_div2k.py.
The student inherits it; nothing is trained. docs/students.md lists the generators that are known.
"""

import argparse
import shlex
import sys
from pathlib import Path

import torch
from mmengine.config import Config

from ...cost.of_config import build_generator, input_shape
from ...utils import escape
from ..launch.launch import read_config, user_errors
from .budget import Budget, parse_amount, parse_milliseconds
from .widths import Narrowing
from .write import choose, last_checkpoint, write


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument('teacher', metavar='TEACHER_CONFIG')
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument('--width', type=float, help='share of the channels that stays, such as 0.25')
    size.add_argument('--params', type=budget_amount, help='most parameters, such as 3.4M')
    size.add_argument('--macs', type=budget_amount, help='most multiply-accumulates per image, such as 1.2G')
    size.add_argument(
        '--latency',
        type=time_budget,
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
    return parser.parse_args()


def budget_amount(text: str) -> float:
    try:
        return parse_amount(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f'{text!r} is no amount such as 3.4M or 1.2G') from error


def time_budget(text: str) -> float:
    try:
        return parse_milliseconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f'{text!r} is no time such as 20ms or 1.5s') from error


def budget_of(args: argparse.Namespace) -> Budget | None:
    if args.params:
        return Budget('params', args.params)
    if args.latency:
        return Budget('ms', args.latency)
    if args.macs:
        return Budget('macs_paper' if args.convention == 'paper' else 'macs', args.macs)
    return None


def shape_of(cfg: Config, args: argparse.Namespace) -> tuple[int, ...]:
    """One input of the teacher, as tools/analysis/complexity.py measures it."""
    with torch.device('meta'):
        network = build_generator(cfg.model, args.teacher)
    return tuple(args.input_shape or input_shape(cfg, network, cfg.model.generator, args.teacher))


@user_errors()
def main() -> None:
    args = parse_args()
    from mmagic.utils import register_all_modules

    register_all_modules()
    cfg = read_config(args.teacher)
    model = cfg.get('model') or {}
    narrowing = Narrowing(model.get('generator') or {})
    budget = budget_of(args)
    torch.set_num_threads(1 if args.latency else torch.get_num_threads())
    student = choose(model, narrowing, shape_of(cfg, args), args.width, budget)
    command = shlex.join(['tools/build_student.py', *sys.argv[1:]])
    checkpoint = args.teacher_checkpoint or last_checkpoint(cfg, args.teacher)
    write(student, cfg, args.teacher, args.out, checkpoint, command)
    print('\n'.join(student.table))
    if budget:
        print(f'\n{student.within(budget)}')
    out = escape.line(args.out)
    absent = '' if '://' in checkpoint or Path(checkpoint).is_file() else ', where no file is yet'
    expects = f'It expects its teacher at {escape.line(checkpoint)}{absent}'
    print(f'\nWrote {out}. {expects}; then: mikd train {out}')


if __name__ == '__main__':
    main()
