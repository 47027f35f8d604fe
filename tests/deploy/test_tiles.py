"""Pictures in tiles, however small: every pixel of the output is painted, in Python and in the page."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from places import ROOT

from mmagic_mikd.apps.export import translate
from mmagic_mikd.deploy.picture import translated
from mmagic_mikd.deploy.spec import Spec

PICTURE_JS = ROOT / 'mmagic_mikd' / 'apps' / 'demo' / 'web' / 'picture.js'
PAINT = """
const [height, width, spec] = JSON.parse(process.argv[1]);
const painted = Array.from({ length: height * spec.scale }, () => Array(width * spec.scale).fill(0));
for (const { part, kept, place } of tiles(height, width, spec)) {
  for (let y = 0; y < kept.height; y++) for (let x = 0; x < kept.width; x++) {
    const from = [spec.scale * part.top + kept.top + y, spec.scale * part.left + kept.left + x];
    const right = from[0] === place.y + y && from[1] === place.x + x;
    painted[place.y + y][place.x + x] = right ? 1 : -1;
  }
}
console.log(JSON.stringify(painted));
"""


def doubled(picture, side, tile=0):
    """Of a generator that doubles every pixel; ``side``: what it takes alone, or None where it takes any."""
    spec = Spec('image', 'RGB', 0.0, 1.0, 4, 2.0, 'none', (3, *(side or (8, 8))), dynamic=side is None)

    def generate(x):
        assert side is None or x.shape[2:] == side
        return x.repeat_interleave(2, 2).repeat_interleave(2, 3)

    return translated(picture, generate, spec, tile)


@pytest.fixture
def picture():
    picture = torch.randint(1, 256, (90, 100, 3), dtype=torch.uint8)
    return picture, picture.repeat_interleave(2, 0).repeat_interleave(2, 1)


@pytest.mark.parametrize('side', [(16, 16), (32, 32), (36, 20), (4, 128)])
def test_a_file_of_one_small_size_paints_all_of_a_picture(side, picture):
    given, expected = picture
    assert torch.equal(doubled(given, side), expected)


@pytest.mark.parametrize('tile', [1, 2, 16, 31, 32, 33])
def test_tiles_without_room_for_the_overlap_paint_all_of_a_picture(tile, picture):
    given, _ = picture
    given = given[:40, :50]
    assert torch.equal(doubled(given, None, tile), given.repeat_interleave(2, 0).repeat_interleave(2, 1))


@pytest.mark.skipif(shutil.which('node') is None, reason='needs node')
@pytest.mark.parametrize(
    'changes',
    [
        dict(dynamic=False, shape=[3, 16, 16]),
        dict(dynamic=False, shape=[3, 32, 32]),
        dict(dynamic=False, shape=[3, 36, 20]),
        dict(tile=16),
        dict(tile=32),
        dict(tile=64),
    ],
)
def test_the_page_paints_all_of_a_picture(changes):
    spec = dict(dynamic=True, scale=2, multiple=4, overlap=16, tile=0) | changes
    command = ['node', '-e', PICTURE_JS.read_text() + PAINT, json.dumps([90, 100, spec])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (np.array(json.loads(done.stdout)) == 1).all()


@pytest.mark.skipif(shutil.which('node') is None, reason='needs node')
@pytest.mark.parametrize(
    ('order', 'pixels'), [('BGR', [255, 51, 0]), ('RGB', [0, 51, 255]), ('GREY', [0, 0, 0])]
)
def test_the_page_has_an_order_for_what_comes_out(order, pixels):
    """Whatever that of the input is."""
    spec = dict(order='GREY', output_order=order, lowest=0, highest=1, dynamic=True, multiple=1)
    count = 1 if order == 'GREY' else 3
    script = """
    const [spec, count] = JSON.parse(process.argv[1]);
    const one = { top: 0, left: 0, height: 1, width: 1 };
    const image = { data: [0, 0.2, 1].slice(0, count), dims: [1, count, 1, 1] };
    const { dims } = toInput([255, 0, 0, 255], 1, one, spec);
    console.log(JSON.stringify([dims, [...toPixels(image, one, spec)]]));
    """
    command = ['node', '-e', PICTURE_JS.read_text() + script, json.dumps([spec, count])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [[1, 1, 1, 1], [*pixels, 255]]


@pytest.mark.parametrize('tile', ['-1', '1', '32'])
def test_a_tile_that_cannot_be_is_refused_before_any_work(tile, capsys):
    with pytest.raises(SystemExit) as ended:
        translate.main(['no_such_student.onnx', 'in.png', 'out.png', '--tile', tile])
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        f'Error: --tile {tile} must be 0 for none, or at least 33: tiles share 32 pixels\n'
    )


@pytest.mark.parametrize('tile', ['0', '33'])
def test_none_and_the_least_tile_are_taken(tile):
    assert translate.parse_args(['student.onnx', 'in.png', 'out.png', '--tile', tile]).tile == int(tile)


@pytest.mark.parametrize(
    ('terminal', 'said'),
    [(True, 'a.png: tile 1 of 3\ra.png: tile 2 of 3\ra.png: tile 3 of 3\n'), (False, 'a.png: tile 3 of 3\n')],
)
def test_progress_without_a_terminal_is_one_line(capsys, monkeypatch, terminal, said):
    monkeypatch.setattr(sys.stderr, 'isatty', lambda: terminal)
    told = translate.progress(Path('b/a.png'))
    for done in (1, 2, 3):
        told(done, 3)
    told(1, 1)  # a picture of one tile needs none
    assert capsys.readouterr().err == said
