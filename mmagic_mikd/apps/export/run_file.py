"""Runs student.onnx on a picture or a folder: python run.py IN OUT (numpy, Pillow, onnxruntime)."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

HERE = Path(__file__).parent
spec = json.loads((HERE / 'student.json').read_text())
session = onnxruntime.InferenceSession(str(HERE / 'student.onnx'), providers=['CPUExecutionProvider'])
low, span, order = spec['lowest'], spec['highest'] - spec['lowest'], -1 if spec['order'] == 'BGR' else 1


def translate(picture: np.ndarray) -> np.ndarray:
    """An RGB picture (H, W, 3) of uint8, whose sides are padded to a multiple and cropped again."""
    x = (picture[..., ::order].transpose(2, 0, 1)[None] / 255 * span + low).astype(np.float32)
    height, width = x.shape[2:]
    more = [(-side) % spec['multiple'] for side in (height, width)]
    x = np.pad(x, ((0, 0), (0, 0), (0, more[0]), (0, more[1])), mode='edge')
    image = session.run(None, {'x': x})[0][0]
    image = image[:, : round(height * spec['scale']), : round(width * spec['scale'])]
    return (((image - low) / span).clip(0, 1) * 255).round().astype(np.uint8).transpose(1, 2, 0)[..., ::order]


source, target = Path(sys.argv[1]), Path(sys.argv[2])
for path in sorted(p for p in source.iterdir() if p.is_file()) if source.is_dir() else [source]:
    out = target / f'{path.stem}.png' if source.is_dir() else target
    out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(translate(np.asarray(Image.open(path).convert('RGB')))).save(out)
    print(out)
