"""An exported student in a page, in a real browser: what it shows is what the file makes in Python."""

import json
import os
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import browser as browsers
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from exported_folders import DREAMER, Dreamer, far, folder_of, in_python, keep, labels, photograph
from torch import nn

from mmagic_mikd.apps.demo import demo, exported, npm, runtime, starts
from mmagic_mikd.apps.demo.starts import Start
from mmagic_mikd.apps.demo.tiling import tiling_of
from mmagic_mikd.deploy.picture import to_picture
from mmagic_mikd.deploy.spec import Spec

onnx = pytest.importorskip('onnx', reason='needs pip install onnx onnxruntime onnxscript')


class Enlarger(nn.Module):
    """Sees two pixels around each; four times larger."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 48, 3, padding=1)

    def forward(self, x):
        large = F.interpolate(x, scale_factor=4.0, mode='nearest')
        return large + F.pixel_shuffle(self.last(self.first(x).relu()), 4)


class Translator(nn.Module):
    """Halves and doubles the sides; each pixel depends on the whole picture, as with statistics of an image."""

    def __init__(self):
        super().__init__()
        self.down, self.norm = nn.Conv2d(3, 8, 4, 2, 1), nn.InstanceNorm2d(8)
        self.up = nn.ConvTranspose2d(8, 3, 4, 2, 1)

    def forward(self, x):
        return self.up(self.norm(self.down(x)).relu()).tanh()


def teacher_of(student, folder):
    """The same with other weights, which is quicker than another export."""
    shutil.copytree(student, folder, ignore=lambda *_: ['inputs'])
    model = onnx.load(folder / 'student.onnx')
    for weight in model.graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype == np.float32 and values.ndim > 1:  # not the sides of a resize
            weight.CopyFrom(onnx.numpy_helper.from_array(values * np.float32(-0.7), weight.name))
    onnx.save(model, folder / 'student.onnx')


ENLARGER = Spec('image', 'RGB', 0.0, 1.0, 1, 4.0, 'none', (3, 24, 32))
TRANSLATOR = Spec('image', 'BGR', -1.0, 1.0, 2, 1.0, 'none', (3, 64, 64))


@pytest.fixture(scope='module')
def folders(tmp_path_factory):
    """Export folders by the panel of their page, each with a teacher's beside it."""
    root = tmp_path_factory.mktemp('exported')
    given = dict(
        photograph=(Enlarger, ENLARGER, [photograph(24, 32), photograph(20, 20, seed=1)]),
        drawing=(Translator, TRANSLATOR, [labels()]),
        seeds=(Dreamer, DREAMER, []),
    )
    for name, (network, spec, pictures) in given.items():
        teacher_of(folder_of(network, spec, root / name, pictures), root / f'{name}_teacher')
    return root


@pytest.fixture(scope='module')
def pages(folders):
    """The page of each folder."""
    browsers.fetched(runtime.PACKAGE, runtime.FILES)
    names = ('photograph', 'drawing', 'seeds')
    for name in names:
        assert demo.main([str(folders / name), '--teacher', str(folders / f'{name}_teacher')]) == 0
    return {name: folders / name / 'demo.html' for name in names}


@pytest.fixture(scope='module')
def browser():
    yield from browsers.open_browser()


@pytest.fixture(scope='module')
def opened(browser, pages):
    """Pages that are at rest, each loaded once."""
    tabs = {}

    def opened(name):
        tabs[name] = tabs.get(name) or browsers.Tab(browser, pages[name])
        tabs[name].settle()
        return tabs[name]

    yield opened
    assert tabs and [tab.complaints for tab in tabs.values()] == [[]] * len(tabs)


def test_a_photograph_of_any_size_is_enlarged_in_tiles(opened, folders, tmp_path):
    page = opened('photograph')
    start = photograph(24, 32)
    page.page.click('#starts button >> nth=0')
    page.settle("document.querySelector('#output').width === 128")
    assert page.canvas('#output').shape == (96, 128, 3)
    assert far(page.canvas('#output'), in_python(folders / 'photograph', start)) <= 1
    own = photograph(200, 300, seed=2)
    page.page.set_input_files('#file', keep(tmp_path / 'own.png', own))
    page.settle("document.querySelector('#output').width === 1200")
    assert re.match(r'300 . 200 became 1200 . 800 in', page.page.inner_text('#status'))
    assert float(page.page.input_value('#position')) == 50 and page.page.evaluate('progress.value') == 1
    assert far(page.canvas('#output'), in_python(folders / 'photograph', own)) <= 1
    page.page.select_option('#most', '256')
    page.settle()
    assert page.canvas('#output').shape == (4 * 171, 4 * 256, 3)


def test_the_teachers_picture_stands_beside_that_of_a_start_only(opened, folders, tmp_path):
    page = opened('photograph')
    page.page.click('#starts button >> nth=0')
    page.settle("document.querySelector('#output').width === 128")
    page.page.check('[name=side][value=teacher]')
    made = in_python(folders / 'photograph_teacher', photograph(24, 32))
    assert page.page.inner_text('#left-tag') == 'Teacher' and far(page.canvas('#before'), made) <= 1
    page.page.set_input_files('#file', keep(tmp_path / 'own.png', photograph(30, 30, seed=3)))
    page.settle("document.querySelector('#output').width === 120")
    assert page.page.is_hidden('#sides') and page.page.inner_text('#left-tag') == 'Input'


def test_a_stroke_changes_the_picture_and_can_be_taken_back(opened, folders):
    page = opened('drawing')
    page.page.click('#reset')
    page.settle()
    before = page.canvas('#output')
    assert far(page.canvas('#sheet'), labels().numpy().astype(int)) == 0
    assert far(before, in_python(folders / 'drawing', labels())) <= 1
    page.page.check('[name=colour] >> nth=1', force=True)
    box = page.page.locator('#sheet').bounding_box()
    page.page.mouse.move(box['x'] + box['width'] * 0.2, box['y'] + box['height'] * 0.8)
    page.page.mouse.down()
    page.page.mouse.move(box['x'] + box['width'] * 0.7, box['y'] + box['height'] * 0.75, steps=5)
    page.page.mouse.up()
    page.settle()
    sheet, after = page.canvas('#sheet'), page.canvas('#output')
    assert far(sheet, labels().numpy().astype(int)) > 100 and far(after, before) > 10
    assert far(after, in_python(folders / 'drawing', sheet)) <= 1
    page.page.click('#undo')
    page.settle()
    assert far(page.canvas('#output'), before) == 0


def test_one_draws_by_keyboard_and_by_touch(opened):
    page = opened('drawing')
    page.page.click('#reset')
    page.settle()
    before = page.canvas('#output')
    page.page.focus('#sheet')
    for key in ('2', 'r', 'Space', 'Shift+ArrowRight', 'ArrowDown', 'Space'):
        page.page.keyboard.press(key)
    page.settle()
    assert page.canvas('#sheet')[33, 40].tolist() == [0, 255, 255]  # the second colour
    drawn = page.canvas('#output')
    assert far(drawn, before) > 10
    page.page.keyboard.press('b')
    box = page.page.locator('#sheet').bounding_box()
    page.page.locator('#sheet').tap(position=dict(x=box['width'] * 0.1, y=box['height'] * 0.9))
    page.settle("document.querySelector('#sheet').getContext('2d').getImageData(6, 57, 1, 1).data[1] === 255")
    assert far(page.canvas('#output'), drawn) > 10


def test_a_seed_is_the_picture_that_python_makes_of_it(opened, folders):
    page = opened('seeds')
    for seed in (0, 3, 2**32 - 1):
        page.page.fill('#seed', str(seed))
        page.page.press('#seed', 'Enter')
        page.settle(f"shown.textContent === '{seed}'")
        latent = torch.randn(1, 20, generator=torch.Generator().manual_seed(seed))
        network = exported.read(folders / 'seeds')
        made = to_picture(network.generate(latent), network.spec).numpy().astype(int)
        assert far(page.canvas('#output'), made) <= 1
        assert page.page.is_visible('#teacher-figure') == (seed < 4)
    page.page.click('#roll')
    page.settle()
    assert page.page.locator('#recent button').count() >= 4


def test_latents_are_those_of_torch(opened):
    page = opened('seeds').page
    page.add_script_tag(content=(Path(demo.__file__).parent / 'web' / 'latents.js').read_text())
    for count in (8, 15, 16, 20, 512):
        found = page.evaluate(f'Array.from(standardNormal(7, {count}))')
        expected = torch.randn(count, generator=torch.Generator().manual_seed(7))
        torch.testing.assert_close(torch.tensor(found), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('name', ['photograph', 'drawing', 'seeds'])
def test_nobody_is_kept_out(opened, name):
    page = opened(name)
    for size, scheme in (('phone', 'dark'), ('desktop', 'light')):
        page.page.set_viewport_size(browsers.SIZES[size])
        page.page.emulate_media(color_scheme=scheme)
        assert page.serious_findings() == [] and not page.wider_than_the_screen()
    assert page.page.inner_text('#milliseconds')[0].isdigit() and 'MB' in page.page.inner_text('#model-size')
    assert '</script>' in page.page.text_content('#about')  # a name, not a program


def test_a_picture_that_is_none_is_one_sentence(opened, tmp_path):
    (tmp_path / 'no.png').write_text('no picture')
    page = opened('photograph')
    page.page.set_input_files('#file', tmp_path / 'no.png')
    page.settle("document.querySelector('#status').textContent.includes('cannot be read')")


def test_tiles_where_a_network_looks_near_the_whole_where_it_looks_far(folders):
    near, far_away = (exported.read(folders / name) for name in ('photograph', 'drawing'))
    pictures = [Start('x', photograph(50, 90))]
    assert tiling_of(near, pictures)[:2] == (144, 8)
    assert tiling_of(far_away, pictures).side == 0


def test_a_palette_is_the_colours_of_a_label_map():
    assert starts.palette([Start('x', labels())]) == [[0, 0, 170], [0, 255, 255], [255, 85, 0]]
    assert starts.few_colours([Start('x', labels())])
    assert not starts.few_colours([Start('x', photograph(200, 200))]) and not starts.few_colours([])


def refused(argv, capsys):
    """The one sentence that a call ends in."""
    with pytest.raises(SystemExit) as ended:
        demo.main([str(each) for each in argv])
    said = capsys.readouterr().err
    assert ended.value.code == 2 and len(said.splitlines()) == 1
    return said


def test_a_folder_that_export_did_not_write_is_one_sentence(folders, tmp_path, capsys):
    assert 'has no student.onnx: write it with mikd export' in refused([tmp_path], capsys)
    (tmp_path / 'student.onnx').write_bytes((folders / 'seeds' / 'student.onnx').read_bytes())
    assert 'has no student.json' in refused([tmp_path], capsys)
    (tmp_path / 'student.json').write_text('[]')
    assert 'is not what mikd export writes' in refused([tmp_path], capsys)
    (tmp_path / 'student.json').write_text((folders / 'drawing' / 'student.json').read_text())
    assert 'is not of the student.onnx beside it' in refused([tmp_path], capsys)
    (tmp_path / 'student.onnx').write_bytes(b'no network')
    assert 'cannot be read as a network' in refused([tmp_path], capsys)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ['student.json', 'student.onnx']


def test_options_that_do_not_fit_are_one_sentence(folders, tmp_path, capsys):
    drawing, seeds, photo = (folders / name for name in ('drawing', 'seeds', 'photograph'))
    assert 'of another task' in refused([drawing, '--teacher', photo], capsys)
    assert 'leave --picture and --draw out' in refused([seeds, '--draw'], capsys)
    assert 'enlarges' in refused([photo, '--draw'], capsys)
    assert 'does not exist' in refused([photo, '--picture', tmp_path / 'no.png'], capsys)
    assert 'has no inputs/ to draw on' in refused([folders / 'drawing_teacher', '--draw'], capsys)
    assert f'--runtime {tmp_path} has no ort.wasm.min.js' in refused([seeds, '--runtime', tmp_path], capsys)


@pytest.mark.parametrize(
    ('program', 'sentence'),
    [
        (None, 'npm is needed once, to fetch onnxruntime-web@1.30.0: install Node.js'),
        (
            'echo "network request failed" >&2; exit 1',
            'could not fetch onnxruntime-web@1.30.0 (network request',
        ),
        ('cd "$4" && mkdir package && tar czf x.tgz package', 'is not the file that was published'),
    ],
)
def test_without_the_runtime_it_is_one_sentence(
    program, sentence, folders, stub, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    monkeypatch.setenv('PATH', f'{tmp_path / "stubs"}' + (f':{os.environ["PATH"]}' if program else ''))
    if program:
        stub('npm', program)
    said = refused([folders / 'drawing_teacher'], capsys)
    assert sentence in said and '--runtime DIR' in said
    assert not (folders / 'drawing_teacher' / 'demo.part').exists()


def test_what_is_in_the_cache_is_not_fetched_again(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    monkeypatch.setenv('PATH', '')
    (tmp_path / 'mmagic_mikd' / 'x-1.0').mkdir(parents=True)
    (tmp_path / 'mmagic_mikd' / 'x-1.0' / 'a.js').write_text('')
    assert npm.cached('x@1.0', {'dist/a.js': ''}, '') == tmp_path / 'mmagic_mikd' / 'x-1.0'


def test_the_page_says_what_export_said(pages, folders):
    text = pages['drawing'].read_text('utf-8')
    (said,) = (line for line in text.splitlines() if 'id="told"' in line)
    told = json.loads(said.partition('>')[2].removesuffix('</script>'))
    assert told['about'] == json.loads((folders / 'drawing' / 'student.json').read_text())
    assert told['palette'] == ['#0000aa', '#00ffff', '#ff5500'] and 'MIT License' in text


def test_both_sides_of_the_only_size_are_told(tmp_path, capsys):
    (tmp_path / 'demo.html').touch()
    student = SimpleNamespace(size=0, spec=Spec('image', 'GREY', 0.0, 1.0, 1, 1.0, 'none', (1, 144, 176)))
    demo.told(
        tmp_path / 'demo.html', student, tiling_of(SimpleNamespace(generate=None, spec=student.spec), [])
    )
    assert capsys.readouterr().out.splitlines()[1] == (
        'The model takes 144 x 176 pixels (height x width) and nothing else: larger photographs are cut into'
        ' tiles of that size, whose borders may be seen'
    )
