"""Smaller files: half precision, and whole numbers by static quantisation with real images."""

import contextlib
import io
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ..utils.errors import ConfigError


class Calibration(NamedTuple):
    """Inputs (1, C, H, W) that show a network's ranges, and where they come from."""

    inputs: Sequence[Tensor]
    source: str


NO_CALIBRATION = Calibration((), '')


def apart(found: Calibration, judges: Sequence[Tensor]) -> tuple[Calibration, Sequence[Tensor]]:
    """Inputs to calibrate with, and none of them among those that the file is judged by.

    Where ``found`` has no others, every second of the judges calibrates, and the rest judges.

    Raises:
        ConfigError: there is one input, which cannot do both.
    """
    others = [x for x in found.inputs if not any(torch.equal(x, y) for y in judges)]
    if others:
        return found._replace(inputs=others), judges
    if len(judges) < 2:
        raise ConfigError(
            '--precision int8 is calibrated with some inputs and judged by others, and there is one: '
            'give --images 2 or more'
        )
    return Calibration(judges[::2], 'the test set'), judges[1::2]


def to_half(source: Path, target: Path) -> None:
    """Weights and arithmetic in float16, input and output in float32."""
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    onnx.save(convert_float_to_float16(onnx.load(source), keep_io_types=True), target)


@contextlib.contextmanager
def only_errors() -> Iterator[None]:
    """Without onnxruntime's advice on how to prepare a file, which nobody at a command line can follow."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)


def to_int8(source: Path, target: Path, inputs: Sequence[Tensor]) -> None:
    """Whole numbers for all layers but the first and the last, whose errors would be seen.

    Static quantisation with the ranges that ``inputs``, (1, C, H, W) each, show; weights by channel.
    """
    import onnx
    from onnxruntime import quantization

    class Images(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self._rest = iter(inputs)

        def get_next(self) -> dict | None:
            x = next(self._rest, None)
            return None if x is None else dict(x=x.numpy())

    convolutions = [node.name for node in onnx.load(source).graph.node if 'Conv' in node.op_type]
    with contextlib.redirect_stdout(io.StringIO()), only_errors():
        quantization.quantize_static(
            source,
            target,
            Images(),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            op_types_to_quantize=['Conv'],
            nodes_to_exclude=[convolutions[0], convolutions[-1]],
        )
