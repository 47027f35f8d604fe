"""The folder of an export: new, empty, or of the same student; and what lies in it beside the student."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
from mmengine.config import Config
from torch import Tensor, nn

from ...deploy import produce
from ...deploy.picture import input_picture, stored
from ...deploy.spec import Spec
from ...utils.errors import ConfigError
from .card import sha256

SAME = (('checkpoint_sha256',), ('config', 'config_sha256'))  # either
FILES = ('student.json', 'student.md', 'student.onnx', 'student.pt2', 'student.pth', 'student_uint8.onnx')
REMEDY = 'name a new or an empty folder'


def origin_of(name: str, cfg: Config, checkpoint: str) -> dict[str, str]:
    """What student.json says of where a student comes from."""
    return dict(
        config=Path(name).name,
        config_sha256=hashlib.sha256(cfg.pretty_text.encode()).hexdigest(),
        checkpoint_sha256=sha256(Path(checkpoint)),
    )


def require_own(out: Path, origin: Mapping[str, str]) -> bool:
    """Whether the folder holds an export of this student, which may be renewed; else it has to be empty.

    It is the same student where the config or the checkpoint is as it was: trained longer, or with another
    setting of the test, it still is.

    Raises:
        ConfigError: the folder holds anything else.
    """
    if out.exists() and not out.is_dir():
        raise ConfigError(f'--out {out} is a file: name a folder')
    held = sorted(path.name for path in out.iterdir() if path.name[0] != '.') if out.is_dir() else []
    if not held:
        return False
    told = _told(out / 'student.json')
    if not told:
        raise ConfigError(f'--out {out} holds {held[0]} and no export: {REMEDY}')
    if not any(all(told.get(key) == origin[key] for key in keys) for keys in SAME):
        raise ConfigError(f'--out {out} holds the export of another student, of {told["config"]}: {REMEDY}')
    path = told.get('generator', origin.get('generator'))
    if 'generator' in origin and path != origin['generator']:
        raise ConfigError(f'--out {out} holds the export of another generator, {path}: {REMEDY}')
    return True


def outdated(out: Path, origin: Mapping[str, str], new: Sequence[Path]) -> list[Path]:
    """What new files make untrue: files of earlier weights, and pixels in and out of an earlier ONNX file."""
    told, held = _told(out / 'student.json'), {out / name for name in FILES if (out / name).exists()}
    if told.get('checkpoint_sha256', origin['checkpoint_sha256']) == origin['checkpoint_sha256']:
        held &= {out / 'student_uint8.onnx'} if out / 'student.onnx' in new else set()
    return sorted(held - set(new))


def keep_inputs(inputs: list[Tensor], spec: Spec, folder: Path) -> None:
    """Pictures of the test set, to try the file on: what the network gets, such as a label map."""
    folder.mkdir(exist_ok=True)
    for number, x in enumerate(inputs):
        cv2.imwrite(str(folder / f'{number}.png'), stored(input_picture(x, spec), spec.order))


def keep_weights(generator: nn.Module, origin: Mapping[str, str], out: Path) -> Path:
    """Write the weights alone, and whose they are where that is not told yet."""
    target, beside = out / 'student.pth', out / 'student.json'
    old = outdated(out, origin, [target])
    produce.weights(generator, target)
    for path in old:
        path.unlink()
    if not beside.exists():
        beside.write_text(json.dumps(origin, indent=2) + '\n')
    return target


def _told(path: Path) -> Mapping[str, str]:
    """What is in a file that an export has written; empty where it is another's."""
    try:
        told = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) and isinstance(told.get('config'), str) else {}
