"""Smaller files: half precision, and whole numbers by static quantisation with real images."""

import contextlib
import io
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor


def to_half(source: Path, target: Path) -> None:
    """Weights and arithmetic in float16, input and output in float32."""
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    onnx.save(convert_float_to_float16(onnx.load(source), keep_io_types=True), target)


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
    with contextlib.redirect_stdout(io.StringIO()):
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
