"""What the quickstart shows at the end: one picture and one table."""

import functools
import json
from pathlib import Path
from typing import NamedTuple

import torch
from mmagic.utils import register_all_modules
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from mmengine.runner import Runner, load_checkpoint
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor, nn

from ...cost.complexity import complexity, latency
from .steps import write_json

ROWS = 6
CELL = 160  # pixels of one image in the picture
GAP, HEADER = 6, 52

# Columns of the table: key of the scores, heading, digits.
SCORES = [
    ('target/psnr', 'PSNR ↑', 2),
    ('target/ssim', 'SSIM ↑', 3),
    ('target/l1', 'L1 ↓', 4),
    ('teacher/psnr', 'PSNR to teacher ↑', 2),
    ('teacher/ssim', 'SSIM to teacher ↑', 3),
    ('teacher/l1', 'L1 to teacher ↓', 4),
    ('frechet_resnet56-cifar10', 'Fréchet, ResNet-56 CIFAR-10 ↓', 2),
]


class Trained(NamedTuple):
    """One trained model: how it is called in picture and table, its files."""

    title: str
    config: Path
    checkpoint: Path
    scores: Path


def write_report(
    models: dict[str, Trained], shipped: dict[str, Trained], out: Path, device: str, settings: dict
) -> None:
    """Write comparison.png, results.json and results.md; the last two also of the students as they ship."""
    register_all_modules()
    init_default_scope('mmagic')
    rows = {name: measure(model, device) for name, model in (models | shipped).items()}
    write_json(out / 'results.json', dict(settings=settings, device=device, models=rows))
    remark = behind(rows['student_plain'], rows['student_distilled'])
    text = '\n\n'.join(filter(None, [remark, notes(device, settings)]))
    (out / 'results.md').write_text(table(list(rows.values()), text))
    if remark:
        print(f'\n{remark}')
    titles = {name: f'{model.title}\n{size(rows[name])}' for name, model in models.items()}
    comparison({titles[name]: model for name, model in models.items()}, device).save(out / 'comparison.png')


def measure(model: Trained, device: str) -> dict:
    """Size, cost for one image, scores."""
    generator = Config.fromfile(model.config).model.generator
    scores = json.loads(model.scores.read_text())
    return dict(title=model.title, **cost(json.dumps(generator), device), scores=scores)


@functools.cache  # both students are the same network: one measurement, one number
def cost(generator: str, device: str) -> dict:
    cfg = json.loads(generator)
    network = MODELS.build(cfg).to(device)
    side = 2 ** cfg['num_down']
    image = torch.zeros(1, 3, side, side, device=device)
    # the least of three, because whatever else runs here only adds
    milliseconds = min(latency(network, image, repeats=30) for _ in range(3))
    return dict(**complexity(network, image)._asdict(), milliseconds=milliseconds)


def behind(plain: dict, distilled: dict) -> str:
    """In which scores the distilled student is behind the one trained alone, in one line; '' for none."""
    worse = []
    for key, title, digits in SCORES:
        one, other = (row['scores'].get(key) for row in (plain, distilled))
        if one is None or other is None:
            continue
        name, better = title.rsplit(' ', 1)
        if other < one if better == '↑' else other > one:
            worse.append(f'{name} {other:.{digits}f} against {one:.{digits}f}')
    return f'The distilled student is behind the one trained alone in {", ".join(worse)}.' if worse else ''


def size(row: dict) -> str:
    return f'{row["params"] / 1e6:.2f} M parameters'


def notes(device: str, settings: dict) -> str:
    threads = f', {torch.get_num_threads()} threads' if device == 'cpu' else ''
    return (
        f'One run of {settings["iters"]} iterations with seed {settings["seed"]}; images of '
        f'{settings["size"]} px; time on {device}{threads}, batch 1. MACs count a transposed '
        "convolution at its input resolution; results.json has the papers' count too. PSNR in dB, "
        'L1 of images in [0, 1]. The distilled student learns from the target as the other one does '
        "and, by a bound on mutual information, from the teacher's images (configs/student_distilled.py). "
        'The toolbox normalises an image by the batch that it is in; a student as it ships normalises it by '
        'the statistics that its training has gathered.'
    )


def table(rows: list[dict], notes: str) -> str:
    """The measurements as Markdown."""
    scores = [score for score in SCORES if any(score[0] in row['scores'] for row in rows)]
    heading = ['', 'parameters', 'MACs', 'ms per image', *(title for _, title, _ in scores)]
    lines = [heading, ['---', *['---:'] * (len(heading) - 1)]]
    for row in rows:
        values = [
            f'{row["scores"][key]:.{digits}f}' if key in row['scores'] else '-' for key, _, digits in scores
        ]
        cost = [f'{row["params"] / 1e6:.2f} M', f'{row["macs"] / 1e6:.1f} M', f'{row["milliseconds"]:.1f}']
        lines.append([row['title'], *cost, *values])
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines) + f'\n\n{notes}\n'


def comparison(models: dict[str, Trained], device: str) -> Image.Image:
    """Input, what each model makes of it, target: one column each, rows spread over the test pictures."""
    samples = {title: translations(model, device) for title, model in models.items()}
    any_samples = next(iter(samples.values()))
    fakes = {title: [picture(s.fake_target) for s in found] for title, found in samples.items()}
    inputs = [picture(sample.img_source) for sample in any_samples]
    targets = [picture(sample.img_target) for sample in any_samples]
    return grid({'input': inputs, **fakes, 'target': targets})


@torch.no_grad()
def translations(model: Trained, device: str) -> list:
    """A few test samples with the model's image, made exactly as in its evaluation."""
    cfg = Config.fromfile(model.config)
    network: nn.Module = MODELS.build(cfg.model).to(device)
    load_checkpoint(network, str(model.checkpoint), 'cpu', logger='silent')
    loader = Runner.build_dataloader(cfg.test_dataloader)
    rows = min(ROWS, len(loader.dataset))
    stride = len(loader.dataset) // rows
    # one further in each row, because our own pictures repeat the photographs in turn
    wanted = {row * stride + row % stride for row in range(rows)}
    samples = (sample for batch in loader for sample in network.test_step(batch))
    return [sample for position, sample in enumerate(samples) if position in wanted]


def picture(image: Tensor) -> Image.Image:
    """An image of MMagic's, BGR in [0, 255], at the size of a cell."""
    pixels = image.flip(0).round().clamp(0, 255).byte().permute(1, 2, 0).cpu().numpy()
    return Image.fromarray(pixels).resize((CELL, CELL), Image.Resampling.LANCZOS)


def grid(columns: dict[str, list[Image.Image]]) -> Image.Image:
    rows = len(next(iter(columns.values())))
    width, height = len(columns) * (CELL + GAP) + GAP, HEADER + rows * (CELL + GAP)
    sheet = Image.new('RGB', (width, height), 'white')
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(16)
    for column, (title, images) in enumerate(columns.items()):
        left = GAP + column * (CELL + GAP)
        middle = (left + CELL / 2, HEADER / 2)
        draw.multiline_text(middle, title, 'black', font, anchor='mm', align='center')
        for row, image in enumerate(images):
            sheet.paste(image, (left, HEADER + row * (CELL + GAP)))
    return sheet
