"""A trained student as a file, in every family: what the file makes is what PyTorch makes."""

import hashlib
import json
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image
from shipped import FAMILIES, pix2pix_with_a_test_set, trained

from mmagic_mikd.apps.export import export, translate
from mmagic_mikd.apps.export.card import facts, sha256, taught, write_card
from mmagic_mikd.deploy.calls import input_orders
from mmagic_mikd.deploy.form import Deployed
from mmagic_mikd.deploy.picture import translated
from mmagic_mikd.deploy.spec import Spec
from mmagic_mikd.utils.errors import ConfigError

onnx = pytest.importorskip('onnx', reason='needs pip install onnx onnxruntime onnxscript')
onnxruntime = pytest.importorskip('onnxruntime', reason='needs pip install onnx onnxruntime onnxscript')


@pytest.fixture
def told(capsys):
    return lambda: capsys.readouterr().out


def exported(family, folder, *options):
    """The exit code of the tool, and the folder that it writes into."""
    given = trained(FAMILIES[family](folder / 'run', 2), folder / 'model')
    return export.main([*given, '--out', str(folder / 'out'), '--images', '3', *options]), folder / 'out'


def interface(out):
    return json.loads((out / 'student.json').read_text())


@pytest.mark.parametrize('family', FAMILIES)
def test_the_file_makes_what_pytorch_makes(family, tmp_path, told):
    code, out = exported(family, tmp_path)
    said = told()
    assert code == 0, said
    spec = interface(out)
    if family == 'pix2pix':  # whose statistics of a batch are measured, and one kind is chosen
        assert '  image: ' in said and '  frozen: ' in said and f'Chosen: {spec["statistics"]}.' in said
    else:
        assert spec['statistics'] == 'none' and 'Chosen' not in said
    assert spec['error']['largest'] < 0.1  # grey levels
    assert spec['dynamic'] == (spec['kind'] == 'image')
    assert not str(spec['lowest']).startswith('-0')
    assert spec['kind'] == ('latent' if family == 'stylegan2' else 'image')
    (props,) = onnx.load(out / 'student.onnx').metadata_props
    assert json.loads(props.value)['checkpoint_sha256'] == spec['checkpoint_sha256']
    assert not list(out.glob('.*'))
    from benchmarks.phones import converted  # wants onnxruntime

    assert converted(out / 'student.onnx') < 1e-4
    assert f'| student.onnx | `{sha256(out / "student.onnx")}` |' in (out / 'student.md').read_text()
    assert (spec['lowest'], spec['highest'], spec['order']) == (
        (0.0, 1.0, 'RGB') if spec['scale'] == 4 or family == 'nafnet' else (-1.0, 1.0, 'BGR')
    )
    if spec['kind'] == 'latent':
        assert f'Next: mikd translate {out / "student.onnx"} 0-7 OUT' in said
        assert translate.main([str(out / 'student.onnx'), '0-1', str(out / 'seeds')]) == 0
        one, other = (cv2.imread(str(out / 'seeds' / f'{n}.png')) for n in (0, 1))
        assert one.shape == other.shape and (one != other).any()
        return
    odd = (np.random.default_rng(0).random((37, 50, 3)) * 255).astype(np.uint8)
    cv2.imwrite(str(out / 'odd.png'), odd)
    assert translate.main([str(out / 'student.onnx'), str(out / 'odd.png'), str(out / 'made.png')]) == 0
    made = cv2.imread(str(out / 'made.png'))
    assert made.shape == (37 * round(spec['scale']), 50 * round(spec['scale']), 3)
    if spec['dynamic']:
        ran = [sys.executable, str(out / 'run.py'), str(out / 'odd.png'), str(out / 'ran.png')]
        subprocess.run(ran, check=True, capture_output=True)
        assert np.abs(cv2.imread(str(out / 'ran.png')).astype(int) - made).max() <= 1


def test_the_card_says_what_a_user_has_to_know(tmp_path):
    """Of a made-up file; the names that go into its tables end no cell."""
    error = dict(largest=0.01, mean=0.001, psnr=120.0)
    sums = dict(config='a|b.py', config_sha256='c' * 64, checkpoint_sha256='d' * 64)
    told = dict(kind='image', order='RGB', lowest=0.0, highest=1.0, multiple=4, scale=4.0, statistics='none')
    told |= dict(shape=(3, 24, 24), dynamic=True, precision='fp32', error=error, **sums)
    distill = dict(recipe='pyramid', teacher=dict(model=dict(), checkpoint='far/teacher.pth'))
    (tmp_path / 'student.onnx').write_bytes(b'file')
    cfg = Config(dict(default_hooks=dict(distill=distill)))
    text = write_card(torch.nn.Conv2d(3, 12, 3), told, cfg, [tmp_path / 'student.onnx'], tmp_path).read_text()
    for said in (
        'Conv2d, 0.00 M parameters, fp32',
        '(N, 3, height, width), RGB, black at 0 and white at 1, sides in multiples of 4',
        '4 times as large',
        'largest 0.01, mean 0.001 grey levels, 120.0 dB',
        '| distilled | by pyramid, from teacher.pth |',
        r'a\|b.py',
        hashlib.sha256(b'file').hexdigest(),
    ):
        assert said in text
    told |= dict(kind='latent', shape=(512,), dynamic=False)
    assert '(1, 512): a standard normal vector' in facts(torch.nn.Conv2d(3, 12, 3), told, cfg)['input']


@pytest.mark.parametrize(
    ('distill', 'said'),
    [
        (None, 'no'),
        (dict(objectives=dict(l1=dict(type='L1Loss'))), 'no'),
        (dict(teacher=dict(checkpoint='t.pth')), 'no'),
        (
            dict(teacher=dict(checkpoint='t.pth'), objectives=dict(l1=dict(type='L1Loss'), x=None)),
            'by L1Loss, from t.pth',
        ),
        (
            dict(type='DistillRunner', teacher=dict(checkpoint='t.pth'), terms=dict(l1=dict(type='L1Loss'))),
            'by L1Loss, from t.pth',  # as it was spelt before
        ),
        (
            dict(
                teacher=dict(
                    a=dict(config='a.py', checkpoint='a.pth'), b=dict(config='b.py', checkpoint='b.pth')
                ),
                recipe='pyramid',
            ),
            'by pyramid, from a.pth, b.pth',
        ),
        (
            dict(teacher=dict(wide=dict(online='teachers.wide')), recipe='pyramid'),
            'by pyramid, from teachers of its own run',
        ),
    ],
)
def test_the_card_says_from_whom_the_student_has_learned(distill, said):
    assert taught(Config(dict(default_hooks=dict(distill=distill)))) == said


def test_statistics_of_each_image_are_those_of_a_batch_of_one():
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Dropout2d(0.5))
    network[1].weight.data.normal_()
    x = torch.randn(2, 3, 8, 8)
    made = Deployed(network, 'image')(x)
    alone = torch.cat([network[1](network[0](each)) for each in x.split(1)])  # in training mode
    torch.testing.assert_close(made, alone)
    frozen = Deployed(network, 'frozen').train()
    network.eval()
    torch.testing.assert_close(frozen(x), network(x))
    assert not frozen.network[1].training


@pytest.mark.parametrize(('precision', 'sign'), [('fp16', 'Cast'), ('int8', 'QuantizeLinear')])
def test_lower_precision_is_measured(precision, sign, tmp_path, monkeypatch, told):
    monkeypatch.setitem(export.LIMITS, precision, 10.0)  # a random network has no picture to keep
    code, out = exported('srresnet', tmp_path, '--precision', precision)
    assert code == 0, told()
    assert 10 < interface(out)['error']['psnr'] < 100
    nodes = onnx.load(out / 'student.onnx').graph.node
    assert sign in {node.op_type for node in nodes}


def test_a_file_that_differs_is_refused_and_leaves_nothing(tmp_path, monkeypatch, told):
    monkeypatch.setitem(export.LIMITS, 'fp32', 1000.0)
    code, out = exported('edsr', tmp_path)
    assert code == 1 and 'Refused: the file differs from PyTorch' in told()
    assert list(out.iterdir()) == []


@pytest.mark.parametrize('form', ['pt2', 'torch'])
def test_other_formats(form, tmp_path):
    code, out = exported('edsr', tmp_path, '--format', form)
    assert code == 0
    if form == 'torch':
        weights = torch.load(out / 'student.pth')
        saved = torch.load(tmp_path / 'model' / 'student.pth')['state_dict']
        assert weights and all(torch.equal(weights[name], saved[f'generator.{name}']) for name in weights)
    else:
        assert interface(out)['error']['largest'] < 0.1


@pytest.mark.parametrize(
    ('options', 'sentence'),
    [
        (['--size', '64'], '--size 64 must be'),
        (['--precision', 'int8', '--format', 'pt2'], '--precision int8 is for --format onnx'),
        (['--images', '0'], '--images 0'),
        (['--generator', 'generator.x'], '--generator generator.x: the model has none'),
    ],
)
def test_what_cannot_be_is_one_sentence(options, sentence, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        exported('edsr', tmp_path, *options)
    assert ended.value.code == 2 and sentence in capsys.readouterr().err


def tiled(picture, tile):
    """A generator that doubles every pixel, through tiles."""
    spec = Spec('image', 'RGB', 0.0, 1.0, 4, 2.0, 'none', (3, 8, 8), dynamic=True)

    def generate(x):
        assert all(side % 4 == 0 for side in x.shape[2:])
        return x.repeat_interleave(2, 2).repeat_interleave(2, 3)

    return translated(picture, generate, spec, tile)


@pytest.mark.parametrize('size', [(5, 7), (64, 64), (100, 61), (33, 200)])
@pytest.mark.parametrize('tile', [0, 48, 64])
def test_tiles_are_put_together_without_a_seam(size, tile):
    picture = torch.randint(0, 256, (*size, 3), dtype=torch.uint8)
    expected = picture.repeat_interleave(2, 0).repeat_interleave(2, 1)
    assert torch.equal(tiled(picture, tile), expected)


def test_the_order_is_that_of_the_inputs_whatever_the_target_is_called():
    target = dict(gt_img_output_channel_order='BGR', gt_channel_order='rgb')
    given = dict(img_channel_order='bgr', img_output_channel_order='RGB')
    assert input_orders({**given, **target}) == input_orders({**target, **given}) == {'RGB'}
    two = dict(img_A_output_channel_order='RGB', img_B_output_channel_order='BGR')
    assert input_orders(two) == {'RGB', 'BGR'}


@pytest.mark.parametrize('family', ['pix2pix', 'edsr'])
def test_pictures_of_whole_numbers_in_and_out(family, tmp_path, told):
    code, out = exported(family, tmp_path, '--uint8')
    assert code == 0, told()
    spec, session = interface(out), onnxruntime.InferenceSession(str(out / 'student_uint8.onnx'))
    side = 2 * spec['multiple'] if spec['multiple'] > 1 else 20
    picture = np.random.default_rng(0).integers(0, 256, (side, 2 * side, 3), np.uint8)
    (made,) = session.run(None, dict(x=picture[None]))
    Image.fromarray(picture).save(tmp_path / 'in.png')
    command = [sys.executable, out / 'run.py', tmp_path / 'in.png', tmp_path / 'out.png']
    subprocess.run(command, check=True, capture_output=True)
    wanted = np.asarray(Image.open(tmp_path / 'out.png'))
    assert made.dtype == np.uint8 and made[0].shape == wanted.shape
    assert np.abs(made[0].astype(int) - wanted).max() <= 1


@pytest.mark.parametrize('options', [['--precision', 'fp16'], ['--format', 'pt2']])
def test_whole_numbers_are_for_onnx_alone(options):
    with pytest.raises(ConfigError, match='--uint8 is for --format onnx --precision fp32'):
        export.parse_args(['config.py', 'checkpoint.pth', '--uint8', *options])


def test_a_student_with_frozen_statistics_is_compared_with_what_its_test_shows(tmp_path, told):
    """And a hook that is None is none, here as in a training."""
    cfg = pix2pix_with_a_test_set(tmp_path / 'run')
    cfg.default_hooks.somebodys = None
    cfg.model.generator.use_dropout = False
    cfg.custom_hooks = [dict(type='FrozenStatistics')]
    keys = dict(real_key='img_photo', fake_key='fake_photo')
    cfg.test_evaluator = dict(
        type='Evaluator', metrics=[dict(type='PairedImageQuality', against='target', **keys)]
    )
    given = [*trained(cfg, tmp_path / 'model'), '--out', str(tmp_path / 'out'), '--images', '3', '--scores']
    assert export.main(given) == 0, told()
    said = told()
    frozen = next(line for line in said.splitlines() if line.startswith('  frozen:'))
    assert (
        interface(tmp_path / 'out')['statistics'] == 'frozen'
        and float(frozen.split(' dB')[0].split()[-1]) > 90
    )
