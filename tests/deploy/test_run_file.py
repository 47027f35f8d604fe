"""The program beside an exported file, and `mikd translate`: which pictures they take, and where each goes."""

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from mmagic_mikd.apps.export import export, translate

ORIENTATION, TURNED = 0x0112, 6  # of EXIF: to be turned right by a quarter


def same(folder, channels=3, order='BGR', sides=None, made=None):
    """An export of a network that returns its input, of these sides alone, or what is in ``made``."""
    onnx = pytest.importorskip('onnx', reason='needs pip install onnx onnxruntime onnxscript')
    pytest.importorskip('onnxruntime', reason='needs pip install onnx onnxruntime onnxscript')
    output_order, node, outputs = made or (
        order,
        onnx.helper.make_node('Identity', ['x'], ['image']),
        channels,
    )
    x, image = (
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, count, *(sides or ['h', 'w'])])
        for name, count in (('x', channels), ('image', outputs))
    )
    graph = onnx.helper.make_graph([node], 'same', [x], [image])
    opset = [onnx.helper.make_opsetid('', 20)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=9), folder / 'student.onnx')
    told = dict(kind='image', order=order, lowest=-1.0, highest=1.0, multiple=4, scale=1.0)
    told |= dict(
        statistics='none', shape=[channels, 32, 24], dynamic=sides is None, output_order=output_order
    )
    (folder / 'student.json').write_text(json.dumps(told))
    (folder / 'run.py').write_text(export.TEMPLATE.read_text())
    return folder


@pytest.fixture(scope='module')
def folders(tmp_path_factory):
    """Exports by whether they take any size."""
    return {sides is None: same(tmp_path_factory.mktemp('export'), sides=sides) for sides in (None, [32, 24])}


def ran(folder, *arguments):
    command = [sys.executable, folder / 'run.py', *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def noise(path, height, width, **options):
    path.parent.mkdir(exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(pixels).save(path, **options)
    return path


def test_another_size_than_the_only_one_is_one_sentence(folders, tmp_path):
    picture, out = noise(tmp_path / 'large.png', 90, 100), tmp_path / 'out' / 'made.png'
    done = ran(folders[False], picture, out)
    assert done.returncode == 1 and not out.parent.exists()
    assert done.stderr == (
        f'Error: {picture} has 90 x 100 pixels and student.onnx takes 32 x 24 only: resize it\n'
    )


@pytest.mark.parametrize(('dynamic', 'sides'), [(False, (32, 24)), (False, (30, 22)), (True, (37, 50))])
def test_a_size_that_fits_is_taken(dynamic, sides, folders, tmp_path):
    picture, out = noise(tmp_path / 'in.png', *sides), tmp_path / 'out.png'
    done = ran(folders[dynamic], picture, out)
    assert done.returncode == 0, done.stderr
    assert np.array_equal(Image.open(out), Image.open(picture))


def test_both_programs_turn_a_picture_as_its_camera_says(folders, tmp_path):
    exif = Image.Exif()
    exif[ORIENTATION] = TURNED
    picture = noise(tmp_path / 'in.jpg', 20, 36, exif=exif)
    assert ran(folders[True], picture, tmp_path / 'ran.png').returncode == 0
    assert (
        translate.main([str(folders[True] / 'student.onnx'), str(picture), str(tmp_path / 'made.png')]) == 0
    )
    one, other = (np.asarray(Image.open(tmp_path / f'{name}.png')) for name in ('ran', 'made'))
    assert one.shape == other.shape == (36, 20, 3)
    assert abs(one.astype(int) - other).mean() < 2  # two decoders of JPEG


def test_pictures_of_one_stem_are_all_there(folders, tmp_path):
    """Each under a name of its own, even where one is called as the whole name of another."""
    source, names = tmp_path / 'in', ('a.png', 'a.bmp', 'a.png.png', 'b.png', 'b.bmp', 'alone.png')
    for side, name in enumerate(names, start=8):
        noise(source / name, side, 8)
    expected = {
        'a.png.png': 8,
        'a.bmp.png': 9,
        'a.png.png.png': 10,
        'b.png.png': 11,
        'b.bmp.png': 12,
        'alone.png': 13,
    }
    assert ran(folders[True], source, tmp_path / 'ran').returncode == 0
    assert translate.main([str(folders[True] / 'student.onnx'), str(source), str(tmp_path / 'made')]) == 0
    for folder in ('ran', 'made'):
        assert {p.name: Image.open(p).height for p in (tmp_path / folder).iterdir()} == expected


def test_no_picture_is_written_over(folders, tmp_path, capsys):
    """Such as one that is to be read, where a folder is given twice."""
    source, model = tmp_path / 'in', str(folders[True] / 'student.onnx')
    content = [noise(source / name, 20, 36).read_bytes() for name in ('a.png', 'b.png')]
    sentence = 'exists: remove it or choose another name\n'
    for read, written in ((source, source), (source / 'b.png', source / 'a.png')):
        done = ran(folders[True], read, written)
        assert done.returncode == 1 and done.stderr == f'Error: {source / "a.png"} {sentence}'
        with pytest.raises(SystemExit):
            translate.main([model, str(read), str(written)])
        assert capsys.readouterr().err == f'Error: OUT={source / "a.png"} {sentence}'
    assert [path.read_bytes() for path in sorted(source.iterdir())] == content


def test_one_channel_is_grey(tmp_path):
    (tmp_path / 'export').mkdir()
    folder, picture = same(tmp_path / 'export', channels=1, order='GREY'), noise(tmp_path / 'in.png', 30, 22)
    done = ran(folder, picture, tmp_path / 'out.png')
    assert done.returncode == 0, done.stderr
    assert np.array_equal(Image.open(tmp_path / 'out.png'), Image.open(picture).convert('L'))


def drawn(mode):
    """A ramp from black to white, as each kind of file has it."""
    grey = np.arange(0, 65536, 64, np.uint16).reshape(32, 32)
    eight = (grey // 256).astype(np.uint8)
    colour = np.dstack([eight, eight.T, eight[::-1]])
    if mode == 'I;16':
        return Image.fromarray(grey)
    if mode in ('L', '1'):
        return Image.fromarray(eight).convert(mode)
    return Image.fromarray(np.dstack([colour, eight.T])).convert(mode)


@pytest.mark.parametrize('order', ['BGR', 'GREY'])
def test_both_programs_read_a_picture_of_any_kind_alike(order, tmp_path):
    source, folder = tmp_path / 'in', tmp_path / 'export'
    source.mkdir(), folder.mkdir()
    same(folder, 1 if order == 'GREY' else 3, order)
    for mode in ('1', 'L', 'LA', 'I;16', 'RGB', 'RGBA', 'P'):
        drawn(mode).save(source / f'{mode[0]}{mode[-1]}.png')
    drawn('I;16').save(source / 'deep.tif')
    assert ran(folder, source, tmp_path / 'ran').returncode == 0
    assert translate.main([str(folder / 'student.onnx'), str(source), str(tmp_path / 'made')]) == 0
    for path in source.iterdir():
        one, other = (Image.open(tmp_path / name / f'{path.stem}.png') for name in ('ran', 'made'))
        assert one.mode == other.mode == ('L' if order == 'GREY' else 'RGB'), path.name
        one, other = (np.asarray(each).astype(int) for each in (one, other))
        # grey of a colour is rounded twice
        assert abs(one - other).max() <= (1 if order == 'GREY' else 0), path.name
        if path.stem in ('I6', 'deep'):
            assert np.array_equal(one.reshape(32, 32, -1)[..., 0], np.arange(1024).reshape(32, 32) // 4)


@pytest.mark.parametrize('kind', [np.int32, np.float32])
def test_numbers_that_are_no_grey_levels_are_refused_by_both(kind, folders, tmp_path, capfd):
    picture = tmp_path / 'in.tif'
    Image.fromarray(np.arange(64).reshape(8, 8).astype(kind)).save(picture)
    done = ran(folders[True], picture, tmp_path / 'out.png')
    sentence = f'Error: {picture} has numbers of neither 8 nor 16 bits: save it as a PNG file\n'
    assert (done.returncode, done.stderr) == (1, sentence)
    with pytest.raises(SystemExit):
        translate.main([str(folders[True] / 'student.onnx'), str(picture), str(tmp_path / 'out.png')])
    assert capfd.readouterr().err == f'Error: IN={picture} cannot be read as a picture\n'


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        (['missing.jpg', 'out.png'], 'Error: missing.jpg cannot be read as a picture: No such file'),
        (['notes.txt', 'out.png'], 'Error: notes.txt cannot be read as a picture: it is of no format'),
        (['good.png', 'out.gone'], 'Error: out.gone cannot be written as a picture: unknown file extension'),
        (['good.png'], 'Runs student.onnx on a picture or a folder: python run.py IN OUT'),
    ],
)
def test_what_it_cannot_read_or_write_is_one_sentence(folders, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    noise(tmp_path / 'good.png', 8, 8)
    (tmp_path / 'notes.txt').write_text('no picture')
    done = ran(folders[True], *arguments)
    assert done.returncode == 1 and done.stderr.startswith(said) and done.stderr.count('\n') == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ['good.png', 'notes.txt']


def test_what_runs_a_generator_from_noise_is_told(tmp_path, capsys):
    args = SimpleNamespace(out=tmp_path, format='onnx')
    export.what_next(args, SimpleNamespace(kind='latent'), [], tmp_path / 'student.onnx')
    told = f'Next: mikd translate {tmp_path}/student.onnx 0-7 {tmp_path}/seeds, or mikd demo {tmp_path}\n'
    assert capsys.readouterr().out == told
    assert not list(tmp_path.iterdir())
