"""The formats of a deployed generator: ONNX and torch.export; and its file as a function."""

import contextlib
import io
import json
import warnings
from pathlib import Path

import torch
from torch import Tensor

from ..utils.checks import quoted
from ..utils.errors import ConfigError
from .form import Deployed
from .spec import Spec

OPSET = 20
KEY = 'mmagic_mikd'


def write(network: Deployed, example: Tensor, spec: Spec, form: str, path: Path, dynamic: bool) -> bool:
    """Write ``network`` to ``path``.

    Args:
        example: an input, (1, C, H, W) or (1, D).
        dynamic: wish for a file that takes other sizes, too.

    Returns:
        Whether it takes other sizes.

    Raises:
        ConfigError: the network cannot be written in this format.
    """
    shapes = [dict(x={2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO})] if dynamic else []
    reason: Exception | None = None
    for sizes in (*shapes, None):
        try:
            with quiet():
                program = torch.export.export(network, (example,), dynamic_shapes=sizes)
                _save(program, form, path)
            if sizes is None or _takes_other_sizes(form, path, example, spec):
                return sizes is not None
        except Exception as error:  # of exporters, whose errors are of every class
            reason = error
    raise ConfigError(
        f'{type(network.network).__name__} cannot be written as {form} '
        f'({type(reason).__name__}: {quoted(reason, 160)}); --format torch writes its weights'
    ) from reason


def _save(program: torch.export.ExportedProgram, form: str, path: Path) -> None:
    if form == 'pt2':
        torch.export.save(program, path)
        return
    onnx_of(program, path)


def onnx_of(program: torch.export.ExportedProgram, path: Path) -> None:
    """One file, weights included."""
    names = dict(input_names=['x'], output_names=['image'])
    torch.onnx.export(program, (), path, dynamo=True, external_data=False, opset_version=OPSET, **names)


def _takes_other_sizes(form: str, path: Path, example: Tensor, spec: Spec) -> bool:
    """Tried, because an exporter may have fixed a size without a word."""
    other = torch.nn.functional.pad(example, (0, spec.multiple, 0, 2 * spec.multiple), mode='replicate')
    made = Written(path, form)(other)
    return all(
        side == round(spec.scale * given) for side, given in zip(made.shape[2:], other.shape[2:], strict=True)
    )


class Written:
    """A file, as a function of tensors.

    Args:
        threads: of the runtime; 0 for its own choice.
    """

    def __init__(self, path: Path, form: str, threads: int = 0) -> None:
        if form == 'onnx':
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            options.log_severity_level = 3
            session = onnxruntime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])
            self._call = lambda x: torch.from_numpy(session.run(None, dict(x=x.numpy()))[0])
        else:
            self._call = torch.export.load(path).module()

    @torch.no_grad()
    def __call__(self, x: Tensor) -> Tensor:
        return self._call(x.contiguous())


def describe(path: Path, told: dict) -> None:
    """Put what a program has to know into the metadata of an ONNX file."""
    import onnx

    model = onnx.load(path)
    onnx.helper.set_model_props(model, {KEY: json.dumps(told, sort_keys=True)})
    onnx.save(model, path)


@contextlib.contextmanager
def quiet():
    """Exporters talk to whoever debugs them."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter('ignore')
        yield
