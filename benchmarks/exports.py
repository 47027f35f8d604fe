"""Which families of the toolbox `tools/export.py` can write: each from its own config, made tiny.

    PYTHONPATH=tests/support python benchmarks/exports.py > benchmarks/exports.md
    PYTHONPATH=tests/support python benchmarks/exports.py SwinIR GCA      rows of these families alone

A generator is called as its model's training calls it, in the form that ships, with nothing at zero that would
hide a wrong file; the ONNX file is compared with PyTorch on the same input.
"""

import contextlib
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import mmengine.config.config
from matrix import CASES
from matrix.run import build_config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from torch import Tensor, nn

from mmagic_mikd.deploy.calls import ONE_INPUT, one_input
from mmagic_mikd.deploy.form import Deployed, takes_latents
from mmagic_mikd.deploy.spec import Spec, multiple_of
from mmagic_mikd.deploy.write import Written, write
from mmagic_mikd.host.locate import find_generators
from mmagic_mikd.host.taps import resolve, unwrap
from mmagic_mikd.utils.checks import quoted
from mmagic_mikd.utils.escape import cell

HEAD = """# What can be written as ONNX

`PYTHONPATH=tests/support python benchmarks/exports.py`: each family from its own config, made tiny.
The error is the largest difference between file and PyTorch, over the standard deviation of the
image. A file has one input, an image or a latent, so who takes more cannot be one.

| family | generator | ONNX | sizes | error | why not |
| --- | --- | --- | --- | ---: | --- |
"""


# Families whose generator a training does not reach with one call, in the words of a user.
BESIDE = {
    'EG3D': 'the toolbox cannot train it; a picture takes a camera beside the latent',
    'Instance colourisation': 'three networks make a picture together, and none of them is the generator',
    'Guided diffusion': 'a picture takes many calls, each with the number of its step beside the picture',
}


WRITTEN = 'cannot be written as onnx: '


class Row(NamedTuple):
    generator: str
    sizes: str = ''
    error: float | None = None
    reason: str = ''


class Captured(Exception):
    """Ends a training at the first call of its generator."""


def captured(runner: Runner, generator: nn.Module) -> tuple[tuple, dict]:
    """Arguments of the first call."""
    calls: list[tuple[tuple, dict]] = []

    def keep(module: nn.Module, args: tuple, kwargs: dict) -> None:
        calls.append((args, kwargs))
        raise Captured

    handle = generator.register_forward_pre_hook(keep, with_kwargs=True)
    with contextlib.suppress(Captured):
        runner.train()
    handle.remove()
    return calls[0]


def fill(network: nn.Module) -> None:
    """Nothing at zero, such as scales of residuals, behind which a wrong network looks right."""
    for parameter in network.parameters():
        if parameter.numel() and parameter.abs().max() == 0:
            parameter.data.normal_(std=0.1)


def tried(case: Any, folder: Path) -> Row:
    cfg = build_config(case, folder / case.family.replace(' ', '_'))  # MMEngine keeps runs by this name
    cfg.default_hooks.pop('distill')
    runner = Runner.from_cfg(cfg)
    model = unwrap(runner.model)
    generator = resolve(model, find_generators(model)[0])
    name = type(generator).__name__
    try:
        x = one_input(generator, *captured(runner, generator)).detach().float()[:1]
        fill(generator)
        network, image = deployed(generator, x)
        scale = 1.0 if x.ndim == 2 else image.shape[-1] / x.shape[-1]
        kind = 'latent' if takes_latents(generator) else 'image'
        spec = Spec(kind, 'RGB', 0, 1, multiple_of(generator), scale, 'image', tuple(x.shape[1:]))
        path = folder / 'file.onnx'
        takes = write(network, x, spec, 'onnx', path, dynamic=True)
        error = (Written(path, 'onnx')(x) - image).abs().max() / image.std().clamp(min=1e-12)
        sizes = 'any' if takes.sizes else 'x'.join(map(str, x.shape[1:]))
        return Row(name, sizes, error.item())
    except Exception as error:
        return Row(name, reason=plain(case, error))


def deployed(generator: nn.Module, x: Tensor) -> tuple[Deployed, Tensor]:
    """As `tools/export.py` would have it, and its image; frozen where an image has no statistics of its own."""
    if not takes_latents(generator):
        with contextlib.suppress(ValueError):  # maps of one pixel
            network = Deployed(generator, 'image')
            return network, network(x)
    network = Deployed(generator, 'frozen')
    return network, network(x)


def plain(case: Any, error: Exception) -> str:
    """The reason, without names of classes."""
    if case.family in BESIDE:
        return BESIDE[case.family]
    said = str(error)
    if ONE_INPUT in said:
        return said.partition(f'{ONE_INPUT}: ')[2]
    if WRITTEN in said:
        return said.partition(WRITTEN)[2].rpartition('; --format')[0].partition(' (')[0]
    return quoted(error, 160)


def wanted() -> list:
    """The families that were named, or all.

    Raises:
        SystemExit: one of them is unknown.
    """
    names = sys.argv[1:] or [case.family for case in CASES]
    if unknown := set(names) - {case.family for case in CASES}:
        sys.exit(f'there is no family {", ".join(sorted(unknown))}: exports.md lists them')
    return [case for case in CASES if case.family in names]


def main() -> None:
    mmengine.config.config.FormatCode = lambda text, **_: (text, True)
    from mmagic.utils import register_all_modules

    register_all_modules()
    print('' if sys.argv[1:] else HEAD, end='')
    for case in wanted():
        with (
            tempfile.TemporaryDirectory() as folder,
            contextlib.redirect_stdout(sys.stderr),
            DefaultScope.overwrite_default_scope('mmagic'),
        ):
            try:
                row = tried(case, Path(folder))
            except Exception as error:
                row = Row('', reason=plain(case, error))
        written = '' if row.error is None else f'{row.error:.1g}'
        values = (
            case.family,
            row.generator,
            'yes' if written else 'no',
            row.sizes,
            written,
            cell(row.reason),
        )
        print(f'| {" | ".join(values)} |', flush=True)


if __name__ == '__main__':
    main()
