"""A folder that tools/export.py wrote: the network as a function, its interface, and what is known of it."""

import json
from pathlib import Path
from typing import NamedTuple

from ...deploy.spec import Spec
from ...deploy.write import KEY, Written
from ...utils.errors import ConfigError
from ..export.translate import open_model


class Exported(NamedTuple):
    """An ONNX file, as it runs here."""

    path: Path
    spec: Spec
    generate: Written
    about: dict

    @property
    def size(self) -> int:
        return self.path.stat().st_size


def read(folder: Path) -> Exported:
    """The network of a folder.

    Raises:
        ConfigError: export.py did not write it, or it takes no pictures that a page could give it.
    """
    path = folder / 'student.onnx'
    for needed in (path, path.with_suffix('.json')):
        if not needed.is_file():
            raise ConfigError(f'{folder} has no {needed.name}: write it with mikd export ... --out {folder}')
    spec, generate = open_model(path, threads=0)
    about = json.loads(path.with_suffix('.json').read_text())
    if inside(path) != about:
        raise ConfigError(f'{folder}/student.json is not of the student.onnx beside it: export both anew')
    channels = 1 if spec.order == 'GREY' else 3
    if spec.kind == 'image' and spec.shape[0] != channels:
        raise ConfigError(f'{path} takes images of {spec.shape[0]} channels, a page has {channels}')
    return Exported(path, spec, generate, about)


def inside(path: Path) -> dict | None:
    """What export.py has put into the file itself."""
    import onnx

    props = {prop.key: prop.value for prop in onnx.load(path).metadata_props}
    return json.loads(props[KEY]) if KEY in props else None


def same_task(student: Exported, teacher: Exported) -> None:
    """Refuse a teacher that makes something else."""
    for name in ('kind', 'scale') + (('shape',) if student.spec.kind == 'latent' else ()):
        own, its = getattr(student.spec, name), getattr(teacher.spec, name)
        if own != its:
            raise ConfigError(
                f'--teacher {teacher.path.parent} has {name}={its}, the student {own}: it is of another task'
            )
