"""Size and cost of the generators of MMagic configs, without their discriminators and losses.

    python tools/analysis/complexity.py configs/mikd_pix2pix.py
    python tools/analysis/complexity.py CONFIG [CONFIG ...] --input-shape 3 256 256 --latency

A distillation config gives two rows, its teacher and its student, and their ratio.
"""

import argparse
import copy
from typing import NamedTuple

import torch
from mmengine.config import Config
from mmengine.registry import MODELS
from torch import nn

import mmagic_mikd  # noqa: F401  repairs the host toolbox

from ...cost.complexity import Complexity, complexity, latency
from ...utils import escape
from ...utils.errors import ConfigError

LEGEND = """\
params: of one generator. MACs: multiply-accumulates performed for one image of the given input shape, with
transposed convolutions at input resolution, as MMEngine counts. MACs (paper): with transposed convolutions
at output resolution, as the papers on compressing Pix2Pix and CycleGAN count; never compare the two."""


class Row(NamedTuple):
    name: str
    shape: tuple[int, ...]
    cost: Complexity
    milliseconds: float | None


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], epilog=LEGEND, allow_abbrev=False)
    parser.add_argument('configs', nargs='+', metavar='CONFIG', help='config files')
    parser.add_argument(
        '--input-shape', type=int, nargs='+', help='of one input without batch, such as 3 256 256'
    )
    parser.add_argument('--latency', action='store_true', help='also the median milliseconds of one image')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    from mmagic.utils import register_all_modules

    register_all_modules()
    try:
        for config in args.configs:
            print(f'\n{escape.line(config)}\n\n{table(rows_of(config, args))}')
    except ConfigError as error:
        raise SystemExit(f'Error: {escape.line(error)}') from error
    print(f'\n{LEGEND}')
    if args.latency:
        print(f'ms: median of 20 images, one at a time, on {device_name(args.device)}.')


def rows_of(config: str, args: argparse.Namespace) -> list[Row]:
    """The student's row or, of a distillation config, the teacher's and the student's.

    Raises:
        ConfigError: there is no such file or no generator in it, or its input cannot be told.
    """
    try:
        cfg = Config.fromfile(config)
    except FileNotFoundError:
        raise ConfigError(f'there is no config file {config}: correct the path') from None
    except Exception as error:  # a config is a program of the user's
        raise ConfigError(
            f'{config} cannot be read as a config ({type(error).__name__}: {" ".join(str(error).split())}): '
            'correct it there'
        ) from error
    models = {'generator': cfg.get('model') or {}}
    teacher = teacher_model(cfg)
    if teacher:
        models = {'teacher': teacher, 'student': cfg.model}
    return [measure(name, model, cfg, config, args) for name, model in models.items()]


def teacher_model(cfg: Config) -> dict | None:
    teacher = cfg.get('default_hooks', {}).get('distill', {}).get('teacher') or {}
    if teacher.get('config'):
        return Config.fromfile(teacher['config']).model
    return teacher.get('model')


def measure(name: str, model: dict, cfg: Config, config: str, args: argparse.Namespace) -> Row:
    network = build_generator(model, f'the {name} in {config}').to(args.device)
    shape = tuple(args.input_shape or input_shape(cfg, network, model['generator'], config))
    image = torch.rand(1, *shape, device=args.device)
    try:
        cost = complexity(network, image)
    except (RuntimeError, AssertionError, ValueError, TypeError) as error:
        raise ConfigError(
            f'the {name} in {config} does not run on an input of shape {shape} '
            f'({type(error).__name__}: {" ".join(str(error).split())}); set --input-shape'
        ) from error
    domains = len(model.get('reachable_domains', ()))
    label = f'{name} (one of {domains})' if domains > 1 else name
    return Row(label, shape, cost, latency(network, image) if args.latency else None)


def build_generator(model: dict, where: str) -> nn.Module:
    """The generator alone; a translation model has as many equal ones as reachable domains."""
    if not model.get('generator'):
        raise ConfigError(f'{where} has no `model.generator`, so there is nothing to count')
    # what BaseGAN passes on to its generator
    defaults = {key: model[key] for key in ('noise_size', 'num_classes') if model.get(key)}
    return MODELS.build(copy.deepcopy(model['generator']), default_args=defaults)


def input_shape(cfg: Config, network: nn.Module, generator: dict, config: str) -> tuple[int, ...]:
    """Noise of an unconditional model; else an image of the size that the model is trained on.

    Raises:
        ConfigError: neither tells.
    """
    if getattr(network, 'noise_size', None):
        return (network.noise_size,)
    size = cfg.get('input_shape') or trained_size(cfg)
    if not size:
        raise ConfigError(
            f'{config} does not tell the size of its input; give it with --input-shape, '
            'for instance --input-shape 3 256 256'
        )
    height, width = (size, size) if isinstance(size, int) else tuple(size)[-2:]
    upscale = generator.get('upscale_factor', generator.get('upscale', 1))
    # super-resolution configs give the size of the large image
    return (generator.get('in_channels', 3), height // upscale, width // upscale)


def trained_size(cfg: Config) -> int | tuple[int, int] | None:
    """What the last crop or resize of the training pipeline leaves, else that of the test pipeline."""
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        dataset = cfg.get(loader)
        dataset = dataset.get('dataset') if isinstance(dataset, dict) else None
        while dataset and 'pipeline' not in dataset:  # inside a repeating or concatenating one
            dataset = dataset.get('dataset')
        sizes = [size for step in (dataset or {}).get('pipeline', ()) for size in sizes_in(step)]
        if sizes:
            return sizes[-1]
    return None


def sizes_in(step: dict) -> list:
    """Sizes that a transform, or those inside a wrapping one, sets."""
    inner = step.get('transforms') or []
    if inner:
        inner = inner if isinstance(inner, list) else [inner]
        return [size for transform in inner for size in sizes_in(transform)]
    values = [step.get(key) for key in ('gt_patch_size', 'crop_size')]
    values.append(step.get('scale') if step['type'] == 'Resize' else None)
    # a resize by a factor, a float, does not tell the size
    return [value for value in values if isinstance(value, int | tuple | list)]


def table(rows: list[Row]) -> str:
    """Markdown; a last line with the ratio where there is a teacher."""
    lines = [['network', 'input', 'params', 'MACs', 'MACs (paper)', 'ms per image']]
    for row in rows:
        shape, time = 'x'.join(map(str, row.shape)), row.milliseconds
        numbers = [f'{row.cost.params / 1e6:.3f} M', *(f'{m / 1e9:.3f} G' for m in row.cost[1:])]
        lines.append([escape.cell(row.name), shape, *numbers, '' if time is None else f'{time:.1f}'])
    if len(rows) == 2:
        teacher, student = ([*row.cost, row.milliseconds] for row in rows)
        ratios = [f'{a / b:.1f}x' if b else '' for a, b in zip(teacher, student, strict=True)]
        lines.append(['teacher / student', '', *ratios])
    if rows[0].milliseconds is None:
        lines = [line[:-1] for line in lines]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ['-' * width for width in widths])
    padded = ([f'{cell:<{w}}' for cell, w in zip(line, widths, strict=True)] for line in lines)
    return '\n'.join(f'| {" | ".join(cells)} |' for cells in padded)


def device_name(device: str) -> str:
    if device.startswith('cuda'):
        return torch.cuda.get_device_name(device)
    return f'{torch.get_num_threads()} CPU threads'


if __name__ == '__main__':
    main()
