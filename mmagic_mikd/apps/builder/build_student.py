"""A student config from a teacher config and a size."""

import argparse
import shlex
import sys
from pathlib import Path

import torch
from mmengine.config import Config

from mikd.arguments.build_student import parse_args

from ...cost.of_config import build_generator, input_shape
from ...utils import escape
from ..launch.launch import read_config, user_errors
from .budget import Budget
from .widths import Narrowing
from .write import choose, last_checkpoint, write


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
    command = shlex.join(['mikd', 'build-student', *sys.argv[1:]])
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
