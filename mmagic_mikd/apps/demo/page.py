"""The page: one HTML file with the runtime, the network, the pictures, and the programs in `web/`."""

import base64
import gzip
import html
import json
import re
from importlib.resources import files
from pathlib import Path

import cv2
import torch
from torch import Tensor

from ...deploy.picture import OVERLAP, to_picture, translated
from .exported import Exported
from .runtime import Runtime
from .starts import Start, palette
from .tiling import Tiling

WEB = files(__package__) / 'web'
SEEDS = 4  # of which the teacher's pictures are in the page
TITLES = dict(seeds='A picture for every seed', drawing='Draw, and the picture follows')


def write_page(
    target: Path,
    student: Exported,
    teacher: Exported | None,
    starts: list[Start],
    panel: str,
    tiling: Tiling | None,
    runtime: Runtime,
) -> None:
    """Write the page of a student.

    Args:
        teacher: whose pictures of the starts, or of the first seeds, stand beside.
        panel: 'photograph', 'drawing' or 'seeds', after which files in `web/` are called.
        tiling: of larger photographs.
    """
    told = _facts(student, teacher, runtime) | _pictures(starts, teacher, panel)
    told['spec'] |= (
        dict(tile=tiling.side, overlap=tiling.overlap) if tiling else dict(tile=0, overlap=OVERLAP)
    )
    parts = dict(
        title=title(student, panel),
        lead=html.escape(lead(student)),
        style=_web('page.css'),
        panel=_web(f'{panel}.html'),
        version=html.escape(runtime.version),
        licence=html.escape(_web('onnxruntime-LICENSE.txt')),
        told=json.dumps(told).replace('<', '\\u003c'),  # no element ends within it
        worker='\n'.join(map(_web, ('picture.js', 'latents.js', 'places.js', 'worker.js'))),
        runtime_script=packed(runtime.script),
        runtime_glue=packed(runtime.glue),
        runtime_wasm=packed(runtime.wasm),
        model=packed(student.path.read_bytes()),
        script='\n'.join(map(_web, ('page.js', f'{panel}.js'))),
    )
    target.write_text(re.sub(r'\{\{(\w+)\}\}', lambda found: parts[found[1]], _web('page.html')), 'utf-8')


def title(student: Exported, panel: str) -> str:
    scale = student.spec.scale
    photograph = 'Translate a photograph' if scale == 1 else f'Enlarge a photograph {scale:g} times'
    return TITLES.get(panel, photograph)


def lead(student: Exported) -> str:
    megabytes = student.size / 1e6
    return (
        f'A small network ({student.about["config"]}, {megabytes:.1f} MB) works in this page, on your device. '
        'Your pictures stay here: the page needs no connection, and is not allowed any.'
    )


def packed(content: bytes) -> str:
    """Compressed, as text; the same content is the same text."""
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def png(picture: Tensor) -> str:
    """A file of an RGB picture (H, W, 3), as text."""
    return base64.b64encode(cv2.imencode('.png', picture.numpy()[..., ::-1])[1]).decode()


def _facts(student: Exported, teacher: Exported | None, runtime: Runtime) -> dict:
    sizes = dict(model=student.size, runtime=runtime.size, teacher=teacher.size if teacher else 0)
    return dict(spec=student.spec.as_dict(), bytes=sizes, about=student.about, webgpu=runtime.webgpu)


def _pictures(starts: list[Start], teacher: Exported | None, panel: str) -> dict:
    seeds = range(SEEDS) if teacher and panel == 'seeds' else ()
    colours = palette(starts) if panel == 'drawing' else ()
    return dict(
        starts=[_start(start, teacher) for start in starts],
        seeds=[_seed(number, teacher) for number in seeds],
        palette=['#{:02x}{:02x}{:02x}'.format(*colour) for colour in colours],
    )


def _start(start: Start, teacher: Exported | None) -> dict:
    made = teacher and png(translated(start.picture, teacher.generate, teacher.spec))
    return dict(name=start.name, picture=png(start.picture), teacher=made)


def _seed(number: int, teacher: Exported) -> dict:
    latent = torch.randn(1, *teacher.spec.shape, generator=torch.Generator().manual_seed(number))
    return dict(seed=number, teacher=png(to_picture(teacher.generate(latent), teacher.spec)))


def _web(name: str) -> str:
    return (WEB / name).read_text('utf-8')
