"""A file of a deployed generator, compared with it."""

import dataclasses
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from . import precision as precisions
from .compare import Difference, compare
from .form import Deployed
from .precision import NO_CALIBRATION, Calibration
from .spec import Spec
from .write import Written, describe, write

TOGETHER = 3  # latents in one batch; two are those that the network is traced with


class Made(NamedTuple):
    """A file that nobody has seen yet, its interface, and how far it is from PyTorch.

    Attributes:
        calibrated: of int8, with what and judged by what; else empty.
    """

    path: Path
    spec: Spec
    difference: Difference
    calibrated: str = ''


def file(
    network: Deployed,
    spec: Spec,
    inputs: Sequence[Tensor],
    form: str,
    precision: str,
    any_size: bool,
    folder: Path,
    calibration: Calibration = NO_CALIBRATION,
) -> Made:
    """Write the network under a name that no program looks for, and run it on the inputs.

    A file that takes one size only is that of the first input, and is run on inputs of that size.

    Args:
        form: 'onnx' or 'pt2'.
        precision: 'fp32'; of ONNX also 'fp16' and 'int8'.
        any_size: whether it is to take images of any size, and several inputs at once, if that can be had.
        calibration: of int8, other inputs than those that it is compared on; where there are none, half of
            ``inputs``.
    """
    part = folder / f'.student.part.{form}'
    lower = folder / f'.student.{precision}.part.{form}'
    with removed_unless_done(part, lower):
        takes = write(network, inputs[0], spec, form, part, dynamic=any_size)
        shape, calibrated = inputs[0].shape, ''
        inputs = [x for x in inputs if takes.sizes or x.shape == shape]
        if precision == 'int8':
            fitting = [x for x in calibration.inputs if takes.sizes or x.shape == shape]
            calibration, inputs = precisions.apart(calibration._replace(inputs=fitting), inputs)
            precisions.to_int8(part, lower, calibration.inputs)
            calibrated = f'{len(calibration.inputs)} of {calibration.source}, judged by {len(inputs)} others'
        elif precision == 'fp16':
            precisions.to_half(part, lower)
        if precision != 'fp32':
            os.replace(lower, part)
        spec = dataclasses.replace(spec, dynamic=takes.sizes, batch=takes.batch, shape=tuple(shape[1:]))
        return Made(part, spec, _difference(Written(part, form), network, inputs, spec), calibrated)


@torch.no_grad()
def _difference(call: Written, network: Deployed, inputs: Sequence[Tensor], spec: Spec) -> Difference:
    """Of the images one by one; and of latents, of which a batch is the use, of some together as well."""
    made = map(call, inputs)
    if not (spec.batch and spec.kind == 'latent'):
        return compare(made, map(network, inputs), spec)
    several = inputs[:TOGETHER]
    together = call(torch.cat(list(several))).split(1)
    return compare([*made, *together], map(network, [*inputs, *several]), spec)


@contextmanager
def removed_unless_done(*paths: Path) -> Iterator[None]:
    """Leave no half of a file behind an error."""
    try:
        yield
    except BaseException:
        for path in paths:
            path.unlink(missing_ok=True)
        raise


def publish(part: Path, target: Path, told: dict) -> None:
    """Give a file its name, and put beside it and into it what a program has to know."""
    if target.suffix == '.onnx':
        describe(part, told)
    target.with_suffix('.json').write_text(json.dumps(told, indent=2) + '\n')
    os.replace(part, target)


def weights(generator: nn.Module, target: Path) -> None:
    """The generator's weights alone, a file that `torch.load` reads as it is called by everybody."""
    part = target.with_suffix('.part')
    torch.save({name: tensor.detach().cpu().clone() for name, tensor in generator.state_dict().items()}, part)
    os.replace(part, target)
