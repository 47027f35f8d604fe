"""Runs student.onnx on a picture or a folder: python run.py IN OUT (numpy, Pillow, onnxruntime)."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

HERE = Path(__file__).parent
spec = json.loads((HERE / 'student.json').read_text())
session = onnxruntime.InferenceSession(str(HERE / 'student.onnx'), providers=['CPUExecutionProvider'])
low, span = spec['lowest'], spec['highest'] - spec['lowest']
taken, made = (-1 if spec[key] == 'BGR' else 1 for key in ('order', 'output_order'))  # of the channels


def translate(picture: np.ndarray, name: Path) -> np.ndarray:
    """An RGB or grey picture (H, W, C) of uint8, whose sides are padded to a multiple and cropped again."""
    height, width = picture.shape[:2]
    tall, wide = padded = [side + -side % spec['multiple'] for side in (height, width)]
    if not spec['dynamic'] and padded != spec['shape'][1:]:
        takes = ' x '.join(map(str, spec['shape'][1:]))
        sys.exit(
            f'Error: {name} has {height} x {width} pixels and student.onnx takes {takes} only: resize it'
        )
    x = (picture[..., ::taken].transpose(2, 0, 1)[None] / 255 * span + low).astype(np.float32)
    x = np.pad(x, ((0, 0), (0, 0), (0, tall - height), (0, wide - width)), mode='edge')
    image = session.run(None, {'x': x})[0][0]
    image = image[:, : round(height * spec['scale']), : round(width * spec['scale'])]
    image = (((image - low) / span).clip(0, 1) * 255).round().astype(np.uint8)
    return image.transpose(1, 2, 0)[..., ::made]


def opened(path: Path) -> Image.Image:
    try:
        given = Image.open(path)
        picture = ImageOps.exif_transpose(given)
        if given.mode.startswith('I;16') or (given.mode == 'I' and given.format in ('PNG', 'PPM')):
            # of 16 bits, of which Pillow would make white
            picture = Image.fromarray((np.asarray(picture) // 256).astype(np.uint8))
        elif given.mode[0] in 'IF':
            sys.exit(f'Error: {path} has numbers of neither 8 nor 16 bits: save it as a PNG file')
        return picture.convert('L' if spec['order'] == 'GREY' else 'RGB')
    except OSError as error:
        reason = error.strerror or 'it is of no format that Pillow knows, or damaged'
        sys.exit(f'Error: {path} cannot be read as a picture: {reason}')


if len(sys.argv) != 3:
    sys.exit(__doc__)
source, target = Path(sys.argv[1]), Path(sys.argv[2])
found = sorted(p for p in source.iterdir() if p.is_file()) if source.is_dir() else [source]
stems, names = [p.stem for p in found], {p.name for p in found}
for path in found:
    name = path.stem if stems.count(path.stem) == 1 and path.stem not in names else path.name
    out = target / f'{name}.png' if source.is_dir() else target
    if out.exists():
        sys.exit(f'Error: {out} exists: remove it or choose another name')
    picture = np.asarray(opened(path))
    image = translate(picture.reshape(*picture.shape[:2], -1), path)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(out)
    except (OSError, ValueError) as error:  # no right to it, or an ending such as .txt
        sys.exit(f'Error: {out} cannot be written as a picture: {error}')
    print(out)
