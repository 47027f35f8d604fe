"""What the showcase shows at the end: one picture and one table."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from mmagic.evaluation.metrics import psnr, ssim
from mmagic.utils import register_all_modules
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor, nn

from ...cost.complexity import complexity
from ...deploy.speed import in_turn
from ...students.compact_net import CompactNet
from ...teachers.build import build_teacher
from ...teachers.weights import load_network
from ..quickstart.steps import write_json
from .patches import SCALE

ROWS, CROP, GAP, HEADER = 4, 52, 6, 48  # a crop in pixels of the input
TIMED = 64  # side of the input that is timed
ROUNDS = 7
SHOWN = ('input', 'bicubic', 'teacher', 'student_alone', 'student_distilled')
TITLES = dict(
    input='input',
    bicubic='bicubic',
    teacher='teacher (x4plus)',
    peer='animevideov3',
    student_alone='student alone',
    student_distilled='student distilled',
)
Enlarge = Callable[[Tensor], Tensor]


class Row(NamedTuple):
    """One way to enlarge a photograph; sizes of what is a network."""

    psnr: float | None = None  # to the teacher's image
    ssim: float | None = None
    milliseconds: float | None = None
    spread: float | None = None
    macs: int | None = None
    params: int | None = None


def write_report(
    students: Mapping[str, tuple[Path, Path]], peer: Path, test: list[Path], out: Path, command: str
) -> None:
    """Write comparison.png, results.json and results.md.

    Args:
        students: config and checkpoint of each.
        peer: weights of the authors' own small network.
        test: the photographs.
        command: that repeats it.
    """
    register_all_modules()
    init_default_scope('mmagic')
    torch.set_num_threads(1)
    networks = networks_of(students, peer)
    enlarge: dict[str, Enlarge] = dict(bicubic=bicubic, **networks)
    with torch.no_grad():
        made = {name: [to_picture(way(to_input(path))) for path in test] for name, way in enlarge.items()}
        rows = measured(networks, made)
    inputs = [np.asarray(Image.open(path)) for path in test]
    comparison(inputs, made).save(out / 'comparison.png')
    told = {name: row._asdict() for name, row in rows.items()}
    write_json(out / 'results.json', dict(command=command, photographs=[p.stem for p in test], rows=told))
    (out / 'results.md').write_text(table(rows, len(test), command))


def networks_of(students: Mapping[str, tuple[Path, Path]], peer: Path) -> dict[str, nn.Module]:
    """Teacher, peer and students, with their weights."""
    compact = CompactNet()
    load_network(compact, str(peer), 'generator')
    teacher = Config.fromfile(students['student_distilled'][0]).default_hooks.distill.teacher
    networks = dict(teacher=build_teacher(teacher, 'generator'), peer=compact.eval())
    for name, (config, checkpoint) in students.items():
        network = MODELS.build(Config.fromfile(config).model.generator)
        load_network(network, str(checkpoint), 'generator')
        networks[name] = network.eval()
    return networks


def measured(networks: Mapping[str, nn.Module], made: Mapping[str, list[np.ndarray]]) -> dict[str, Row]:
    """Distance to the teacher's images, sizes, and milliseconds of one thread, all in turn."""
    x = torch.rand(1, 3, TIMED, TIMED)
    times = in_turn({name: lambda n=network: n(x) for name, network in networks.items()}, ROUNDS)
    rows = {}
    for name, pictures in made.items():
        pairs = list(zip(made['teacher'], pictures, strict=True))
        distance = (
            {}
            if name == 'teacher'
            else dict(
                psnr=float(np.mean([psnr(t, p) for t, p in pairs])),
                ssim=float(np.mean([ssim(t, p) for t, p in pairs])),
            )
        )
        size = {}
        if name in networks:
            cost = complexity(networks[name], x)
            size = dict(
                macs=cost.macs, params=cost.params, milliseconds=times[name].median, spread=times[name].spread
            )
        rows[name] = Row(**distance, **size)
    return rows


def bicubic(x: Tensor) -> Tensor:
    return torch.nn.functional.interpolate(x, scale_factor=SCALE, mode='bicubic')


def to_input(path: Path) -> Tensor:
    picture = np.asarray(Image.open(path).convert('RGB'))
    return torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255


def to_picture(image: Tensor) -> np.ndarray:
    return (255 * image[0].clamp(0, 1)).round().byte().permute(1, 2, 0).numpy()


def table(rows: Mapping[str, Row], photographs: int, command: str) -> str:
    """The measurements as Markdown."""
    heads = ['', 'PSNR to teacher ↑', 'SSIM to teacher ↑', f'ms, {TIMED} px', 'MACs', 'parameters', 'fp32 MB']
    lines = [heads, ['---', *['---:'] * (len(heads) - 1)]]
    for name in (name for name in TITLES if name in rows):
        row, teacher = rows[name], rows['teacher']
        distance = [
            '-' if value is None else f'{value:.{digits}f}'
            for value, digits in ((row.psnr, 2), (row.ssim, 3))
        ]
        cost = ['-'] * 4
        if row.macs is not None:
            less = '' if name == 'teacher' else f' ({teacher.macs / row.macs:.1f} times fewer)'
            cost = [
                f'{row.milliseconds:.0f} ± {row.spread:.0f}',
                f'{row.macs / 1e9:.2f} G{less}',
                f'{row.params / 1e6:.2f} M',
                f'{row.params * 4 / 1e6:.2f}',
            ]
        lines.append([TITLES[name], *distance, *cost])
    text = '\n'.join(f'| {" | ".join(line)} |' for line in lines)
    return (
        f'{text}\n\n`{command}`: one run. Distances are means over {photographs} held-out photographs, RGB; '
        f'time is that of one thread on the CPU, PyTorch, an input of {TIMED} x {TIMED}, all in turn.\n'
    )


def comparison(inputs: list[np.ndarray], made: Mapping[str, list[np.ndarray]]) -> Image.Image:
    """The middle of some photographs: one column for each way."""
    columns = dict(input=[np.kron(x, np.ones((SCALE, SCALE, 1), np.uint8)) for x in inputs], **made)
    side = min(CROP, sorted(min(x.shape[:2]) for x in inputs)[-ROWS:][0])  # that the largest have
    large = [index for index, x in enumerate(inputs) if min(x.shape[:2]) >= side][:ROWS]
    cell = side * SCALE
    sheet = Image.new('RGB', (len(SHOWN) * (cell + GAP) + GAP, HEADER + len(large) * (cell + GAP)), 'white')
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(16)
    for column, name in enumerate(SHOWN):
        left = GAP + column * (cell + GAP)
        draw.text((left + cell / 2, HEADER / 2), TITLES[name], 'black', font, anchor='mm')
        for row, index in enumerate(large):
            picture = columns[name][index]
            top, start = ((length - cell) // 2 for length in picture.shape[:2])
            part = Image.fromarray(picture[top : top + cell, start : start + cell])
            sheet.paste(part, (left, HEADER + row * (cell + GAP)))
    return sheet
