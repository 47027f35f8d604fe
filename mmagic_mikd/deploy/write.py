"""The formats of a deployed generator: ONNX and torch.export; and its file as a function."""

import contextlib
import io
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ..utils.checks import quoted
from ..utils.errors import ConfigError
from .form import Deployed
from .spec import Spec

OPSET = 20
KEY = 'mmagic_mikd'
MIXED = 0.01  # of the largest value; images that are mixed in a batch differ by far more
STEPS = {  # of the ONNX exporter, as its messages count them
    'step 1/3': "PyTorch's exporter cannot follow its forward",
    'step 2/3': 'one of its operations cannot be taken apart for ONNX',
    'step 3/3': 'one of its operations has no counterpart in ONNX that the exporter knows',
}


class Takes(NamedTuple):
    """What a file takes beside the input that it was written with."""

    sizes: bool  # others than its own
    batch: bool  # several inputs at once, each of whose images is made as if it were alone


WISHES = dict(image=[Takes(sizes=True, batch=True), Takes(True, False)], latent=[Takes(False, batch=True)])


def write(network: Deployed, example: Tensor, spec: Spec, form: str, path: Path, dynamic: bool) -> Takes:
    """Write ``network`` to ``path``.

    Args:
        example: an input, (1, C, H, W) or (1, D).
        dynamic: wish for a file that takes several inputs at once, and images of other sizes, too.

    Returns:
        What of the wish is fulfilled.

    Raises:
        ConfigError: the network cannot be written in this format.
    """
    # an attempt takes long, a call of PyTorch does not: what that cannot do, no file will
    wishes = [takes for takes in WISHES[spec.kind] if dynamic and _can(takes, network, example, spec)]
    reason: Exception | None = None
    for takes in (*wishes, Takes(sizes=False, batch=False)):
        try:
            with quiet():
                _save(_program(network, example, takes), form, path)
            if not any(takes) or _does(takes, Written(path, form), network, example, spec):
                return takes
        except Exception as error:  # of exporters, whose errors are of every class
            reason = error
    raise ConfigError(
        f'{type(network.network).__name__} cannot be written as {form}: {why(reason)}; --format torch writes '
        'its weights'
    ) from reason


def _program(network: Deployed, example: Tensor, takes: Takes) -> torch.export.ExportedProgram:
    """Traced with two images where it is to take several: one would be fixed as the only number."""
    free = [0] * takes.batch + [2, 3] * takes.sizes
    given = torch.cat([example, example]) if takes.batch else example
    shapes = dict(x=dict.fromkeys(free, torch.export.Dim.AUTO)) if free else None
    return torch.export.export(network, (given,), dynamic_shapes=shapes)


def why(error: BaseException) -> str:
    """What an exporter's error means, and its first cause, without advice to whoever debugs exporters."""
    chain = [error]
    while chain[-1].__cause__ is not None:
        chain.append(chain[-1].__cause__)
    cause = quoted(chain[-1], 120)
    meanings = (meaning for step, meaning in STEPS.items() if any(step in str(each) for each in chain))
    meaning = next(meanings, None)
    return f'{meaning} ({cause})' if meaning else cause


def _save(program: torch.export.ExportedProgram, form: str, path: Path) -> None:
    if form == 'pt2':
        torch.export.save(program, path)
        return
    onnx_of(program, path)


def onnx_of(program: torch.export.ExportedProgram, path: Path) -> None:
    """One file, weights included."""
    names = dict(input_names=['x'], output_names=['image'])
    torch.onnx.export(program, (), path, dynamo=True, external_data=False, opset_version=OPSET, **names)


def _can(takes: Takes, network: Deployed, example: Tensor, spec: Spec) -> bool:
    """Whether PyTorch itself takes what a file is to take."""
    try:
        return _does(takes, network, network, example, spec)
    except Exception:  # of networks of others, whose errors are of every class
        return False


@torch.no_grad()
def _does(takes: Takes, call: Callable, network: Deployed, example: Tensor, spec: Spec) -> bool:
    """Tried, because an exporter may have fixed a size, or mixed the images of a batch, without a word."""
    other = _larger(example, spec) if takes.sizes else example
    one = call(other)
    if takes.sizes and list(one.shape[2:]) != [round(spec.scale * side) for side in other.shape[2:]]:
        return False
    if not takes.batch:
        return True
    pair = torch.cat([other, other.flip(-1) / 2])  # of different statistics
    alone = torch.cat([network(x) for x in pair.split(1)])
    off = torch.cat([call(pair), one]) - torch.cat([alone, alone[:1]])
    return bool(off.abs().max() <= MIXED * alone.abs().max())


def _larger(image: Tensor, spec: Spec) -> Tensor:
    return torch.nn.functional.pad(image, (0, spec.multiple, 0, 2 * spec.multiple), mode='replicate')


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
            options.log_severity_level = 4  # its errors come as exceptions, too
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
