"""Put an exported student into one HTML file, which runs it in a browser without a network.

    python tools/demo.py DIR --teacher TEACHER_DIR

DIR is a folder that tools/export.py wrote; the page is DIR/demo.html. Photographs are enlarged or translated,
label maps are drawn on, of a generator from noise seeds are rolled.
"""

import argparse
import os
from pathlib import Path

from mikd.arguments.demo import parse_args

from ...utils import escape
from ...utils.errors import ConfigError
from ..launch.launch import user_errors
from . import runtime
from .exported import Exported, read, same_task
from .page import write_page
from .starts import few_colours, start_pictures
from .tiling import Tiling, tiling_of


@user_errors()
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    student = read(args.folder)
    teacher = args.teacher and read(args.teacher)
    if teacher:
        same_task(student, teacher)
    pictures = start_pictures(args.folder, args.picture) if student.spec.kind == 'image' else []
    panel = panel_of(student, pictures, args)
    tiling = tiling_of(student, pictures) if panel == 'photograph' else None
    target = args.folder / 'demo.html'
    part = target.with_suffix('.part')
    write_page(part, student, teacher, pictures, panel, tiling, runtime.load(args.runtime, args.webgpu))
    os.replace(part, target)
    told(target, student, tiling)
    return 0


def panel_of(student: Exported, pictures: list, args: argparse.Namespace) -> str:
    """Which page it is: 'seeds', 'drawing' or 'photograph'."""
    spec = student.spec
    if spec.kind == 'latent':
        if args.picture or args.draw:
            raise ConfigError(f'{args.folder} makes pictures of noise: leave --picture and --draw out')
        return 'seeds'
    if args.draw and spec.scale != 1:
        raise ConfigError(f'--draw is for networks that keep the size, {args.folder} enlarges: leave it out')
    if args.draw and not pictures:
        raise ConfigError(f'{args.folder} has no inputs/ to draw on: give a --picture')
    drawing = few_colours(pictures) if args.draw is None else args.draw
    return 'drawing' if drawing and spec.scale == 1 else 'photograph'


def told(target: Path, student: Exported, tiling: Tiling | None) -> None:
    """What was written, and how."""
    whole, model = target.stat().st_size / 1e6, student.size / 1e6
    lines = [f'{target}: {whole:.1f} MB, of which {model:.2f} are the model']
    if tiling and tiling.difference is None:
        size = ' x '.join(map(str, student.spec.shape[-2:]))
        lines.append(
            f'The model takes {size} pixels (height x width) and nothing else: larger photographs are cut'
            ' into tiles of that size, whose borders may be seen'
        )
    elif tiling and tiling.side:
        lines.append(f'Larger photographs in tiles of {tiling.side}; against the whole: {tiling.difference}')
    elif tiling:
        lines.append(f'Photographs as a whole, as tiles would show: {tiling.difference}')
    lines.append(f'Next: open {target} in a browser')
    print('\n'.join(map(escape.line, lines)), flush=True)
