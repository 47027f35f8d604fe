"""Which families of the toolbox `tools/export.py` can write: each from its own config, made tiny.

    PYTHONPATH=tests/support python benchmarks/exports.py > benchmarks/exports.md

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
from torch.utils._pytree import tree_leaves

from mmagic_mikd.deploy.form import Deployed, takes_latents
from mmagic_mikd.deploy.spec import Spec, multiple_of
from mmagic_mikd.deploy.write import Written, write
from mmagic_mikd.host.locate import find_generators
from mmagic_mikd.host.taps import resolve, unwrap
from mmagic_mikd.utils.checks import quoted
from mmagic_mikd.utils.escape import cell

HEAD = """# What can be written as ONNX

`PYTHONPATH=tests/support python benchmarks/exports.py`: each family from its own config, made tiny. The error
is the largest difference between file and PyTorch, over the standard deviation of the image.

| family | generator | ONNX | sizes | error | why not |
| --- | --- | --- | --- | ---: | --- |
"""


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
        args, kwargs = captured(runner, generator)
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        if len(tensors) != 1:
            return Row(name, reason=f'it takes {len(tensors)} tensors, and a file here has one input')
        x = tensors[0].detach().float()[:1]
        if x.ndim not in (2, 4):
            return Row(name, reason=f'it takes inputs of {x.ndim} dimensions, not images or latents')
        fill(generator)
        network = Deployed(generator, 'frozen' if takes_latents(generator) else 'image')
        image = network(x)
        scale = 1.0 if x.ndim == 2 else image.shape[-1] / x.shape[-1]
        kind = 'latent' if takes_latents(generator) else 'image'
        spec = Spec(kind, 'RGB', 0, 1, multiple_of(generator), scale, 'image', tuple(x.shape[1:]))
        path = folder / 'file.onnx'
        dynamic = write(network, x, spec, 'onnx', path, dynamic=kind == 'image')
        error = (Written(path, 'onnx')(x) - image).abs().max() / image.std().clamp(min=1e-12)
        sizes = 'any' if dynamic else 'x'.join(map(str, x.shape[1:]))
        return Row(name, sizes, error.item())
    except Exception as error:
        return Row(name, reason=f'{type(error).__name__}: {quoted(error, 160)}')


def main() -> None:
    mmengine.config.config.FormatCode = lambda text, **_: (text, True)
    from mmagic.utils import register_all_modules

    register_all_modules()
    print(HEAD, end='')
    for case in CASES:
        with (
            tempfile.TemporaryDirectory() as folder,
            contextlib.redirect_stdout(sys.stderr),
            DefaultScope.overwrite_default_scope('mmagic'),
        ):
            try:
                row = tried(case, Path(folder))
            except Exception as error:
                row = Row('', reason=f'{type(error).__name__}: {quoted(error, 160)}')
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
