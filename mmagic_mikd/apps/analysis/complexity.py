"""Size and cost of the generators of MMagic configs, without their discriminators and losses.

    python tools/analysis/complexity.py configs/mikd_pix2pix.py
    python tools/analysis/complexity.py CONFIG [CONFIG ...] --input-shape 3 256 256

A distillation config gives rows of its teachers and of its student, and their ratios.
"""

import torch

from mikd.arguments.complexity import LEGEND, parse_args

from ...cost.of_config import Row, rows_of
from ...utils import escape
from ..launch.launch import read_config, user_errors


@user_errors()
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    from mmagic.utils import register_all_modules

    register_all_modules()
    device = args.device or ('cuda' if torch.cuda.is_available() else 'cpu')
    for config in args.configs:
        rows = rows_of(read_config(config), config, args.input_shape, device)
        print(f'\n{escape.line(config)}\n\n{table(rows)}')
    print(f'\n{LEGEND}')
    print('How fast they are: mikd benchmark')


def table(rows: list[Row]) -> str:
    """Markdown; a last line with the ratio for each teacher."""
    lines = [['network', 'input', 'params', 'MACs', 'MACs (paper)']]
    for row in rows:
        shape = 'x'.join(map(str, row.shape))
        numbers = [f'{row.cost.params / 1e6:.3f} M', *(f'{m / 1e9:.3f} G' for m in row.cost[1:])]
        lines.append([escape.cell(row.name), shape, *numbers])
    *teachers, student = rows
    for teacher in teachers:
        ratios = [f'{a / b:.1f}x' if b else '' for a, b in zip(teacher.cost, student.cost, strict=True)]
        lines.append([f'{teacher.name.partition(" (")[0]} / student', '', *ratios])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ['-' * width for width in widths])
    padded = ([f'{cell:<{w}}' for cell, w in zip(line, widths, strict=True)] for line in lines)
    return '\n'.join(f'| {" | ".join(cells)} |' for cells in padded)


if __name__ == '__main__':
    main()
