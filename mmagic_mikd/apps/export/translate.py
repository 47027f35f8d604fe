"""Pictures through an exported student: one or a folder, of any size.

python tools/translate.py export/student.onnx PICTURE OUT.png
python tools/translate.py export/student.onnx FOLDER OUT_FOLDER --tile 256
python tools/translate.py export/student.onnx 0-7 OUT_FOLDER        # of a generator from noise: its seeds
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import torch

from mikd.arguments.translate import parse_args

from ...deploy.picture import stored, to_picture, translated
from ...deploy.spec import Spec
from ...deploy.write import Written
from ...utils import escape
from ...utils.checks import quoted
from ...utils.errors import ConfigError
from ..launch.launch import user_errors

T = TypeVar('T')
PICTURES = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.webp')


@user_errors()
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    spec, generate = open_model(args.model, args.threads)
    if spec.kind == 'latent':
        for seed in new(seeds(args.source), lambda seed: args.target / f'{seed}.png'):
            latent = torch.randn(1, *spec.shape, generator=torch.Generator().manual_seed(seed))
            save(args.target / f'{seed}.png', to_picture(generate(latent), spec), spec)
        print(following(args.model))
        return 0
    for source, target in new(jobs(Path(args.source), args.target), lambda job: job[1]):
        picture = load(source)
        made = translated(picture, generate, spec, args.tile, told=progress(source))
        save(target, made, spec)
    print(following(args.model))
    return 0


def following(model: Path) -> str:
    """The command that comes next."""
    if model.suffix == '.onnx':
        return escape.line(f'Next: mikd demo {model.parent}, the same in a browser')
    return 'Next: mikd export CONFIG CHECKPOINT, for a file of ONNX, which mikd demo shows in a browser'


def open_model(path: Path, threads: int) -> tuple[Spec, Written]:
    """The file as a function, and its interface from the file beside it."""
    beside = path.with_suffix('.json')
    for needed in (path, beside):
        if not needed.is_file():
            raise ConfigError(f'there is no file {needed}: write it with mikd export')
    try:
        told = json.loads(beside.read_text())
        names = Spec.__dataclass_fields__
        spec = Spec(**{k: tuple(v) if k == 'shape' else v for k, v in told.items() if k in names})
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigError(f'{beside} is not what mikd export writes ({quoted(error)})') from error
    try:
        return spec, Written(path, path.suffix.removeprefix('.'), threads)
    except Exception as error:  # of runtimes, whose errors are of every class
        raise ConfigError(f'{path} cannot be read as a network ({quoted(error)}): export it anew') from error


def new(each: Iterable[T], target: Callable[[T], Path]) -> list[T]:
    """All of them, where none would write over a picture that is there, such as one to be read.

    Raises:
        ConfigError: one would.
    """
    each = list(each)
    for path in map(target, each):
        if path.exists():
            raise ConfigError(f'OUT={path} exists: remove it or choose another name')
    return each


def jobs(source: Path, target: Path) -> Iterator[tuple[Path, Path]]:
    """Which picture goes where; of a folder those of one stem keep their whole name.

    Raises:
        ConfigError: there is none.
    """
    if source.is_file():
        folder = target.is_dir() or not target.suffix
        yield source, target / f'{source.stem}.png' if folder else target
        return
    if not source.is_dir():
        raise ConfigError(f'IN={source} does not exist: give a picture or a folder')
    found = sorted(path for path in source.iterdir() if path.suffix.lower() in PICTURES)
    if not found:
        raise ConfigError(f'IN={source} holds no picture ({", ".join(PICTURES)})')
    stems, names = Counter(path.stem for path in found), {path.name for path in found}
    for path in found:
        alone = stems[path.stem] == 1 and path.stem not in names
        yield path, target / f'{path.stem if alone else path.name}.png'


def seeds(text: str) -> range:
    match = re.fullmatch(r'(\d+)(?:-(\d+))?', text)
    if not match:
        raise ConfigError(f'IN={text}: this generator makes pictures of seeds; give one, or two such as 0-7')
    first = int(match[1])
    return range(first, int(match[2] or first) + 1)


def load(path: Path) -> torch.Tensor:
    """An RGB picture (H, W, 3) of 8 bits, which of 16 are the upper ones, as in run.py."""
    pixels = decoded(path.read_bytes())
    if pixels is None:
        raise ConfigError(f'IN={path} cannot be read as a picture')
    if pixels.dtype == np.uint16:
        pixels = (pixels // 256).astype(np.uint8)
    if pixels.dtype != np.uint8:
        raise ConfigError(f'IN={path} has numbers of neither 8 nor 16 bits: save it as a PNG file')
    return torch.from_numpy(pixels[..., ::-1].copy())


def decoded(content: bytes) -> np.ndarray | None:
    """BGR (H, W, 3) of the depth of the file; None where OpenCV, which would talk, fails."""
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    except cv2.error:
        return None
    finally:
        cv2.utils.logging.setLogLevel(level)


def save(path: Path, picture: torch.Tensor, spec: Spec) -> None:
    """Grey where the network makes one channel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), stored(picture, spec.output_order)):
        raise ConfigError(f'OUT={path} cannot be written: give it an ending such as .png')
    print(escape.line(str(path)))


def progress(source: Path):
    """One line that counts on a terminal; elsewhere, such as in a file, the last count alone."""

    def told(done: int, of: int) -> None:
        if of > 1 and (done == of or sys.stderr.isatty()):
            end = '\n' if done == of else '\r'
            print(f'{escape.line(source.name)}: tile {done} of {of}', end=end, file=sys.stderr)

    return told
