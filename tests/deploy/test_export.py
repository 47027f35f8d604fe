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
from shipped import FAMILIES, LATENT, pix2pix_with_a_test_set, trained

from mmagic_mikd.apps.export import export, translate
from mmagic_mikd.apps.export.card import facts, sha256, taught, write_card
from mmagic_mikd.apps.export.folder import outdated, require_own
from mmagic_mikd.deploy import precision as precisions
from mmagic_mikd.deploy import produce
from mmagic_mikd.deploy import write as writing
from mmagic_mikd.deploy.form import Deployed
from mmagic_mikd.deploy.orders import Orders, input_orders
from mmagic_mikd.deploy.picture import translated
from mmagic_mikd.deploy.precision import Calibration
from mmagic_mikd.deploy.spec import Spec, multiple_of
from mmagic_mikd.deploy.write import Takes, Written, write
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


@pytest.fixture
def networks(monkeypatch):
    """What the tool has written, as PyTorch runs it, and its inputs."""
    written, file = [], produce.file

    def kept(network, spec, inputs, *rest):
        written.append((network, inputs))
        return file(network, spec, inputs, *rest)

    monkeypatch.setattr(produce, 'file', kept)
    return written


def require_each_alone(path, network, inputs):
    """Two inputs in one batch, of different contrast: each image is what PyTorch makes of it alone."""
    pair = torch.cat([inputs[0], inputs[0].flip(-1) * 0.3 + 0.1])
    (made,) = onnxruntime.InferenceSession(str(path)).run(None, dict(x=pair.numpy()))
    alone = torch.cat([network(x) for x in pair.split(1)])
    assert alone[0].std() > 0 and not torch.equal(alone[0], alone[1])
    torch.testing.assert_close(torch.from_numpy(made), alone, rtol=1e-3, atol=1e-3 * alone.abs().max().item())


def interface(out):
    return json.loads((out / 'student.json').read_text())


@pytest.mark.parametrize('family', FAMILIES)
def test_the_file_makes_what_pytorch_makes(family, tmp_path, told, networks):
    code, out = exported(family, tmp_path)
    said = told()
    assert code == 0, said
    spec = interface(out)
    if family == 'pix2pix':  # whose statistics of a batch are measured, and one kind is chosen
        assert '  image: ' in said and '  frozen: ' in said and f'Chosen: {spec["statistics"]}.' in said
        assert 'in a batch of 3, the training did in one of 2: set test_dataloader.batch_size=2' in said
    else:
        assert spec['statistics'] == 'none' and 'Chosen' not in said
    assert spec['error']['largest'] < 0.1  # grey levels
    assert spec['batch'] and spec['dynamic'] == (spec['kind'] == 'image')
    assert 'one or several at a time' in said and 'float32, (N, ' in (out / 'student.md').read_text()
    require_each_alone(out / 'student.onnx', *networks[0])
    assert not str(spec['lowest']).startswith('-0')
    assert spec['kind'] == ('latent' if family in LATENT else 'image')
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
        assert f'Next: mikd translate {out / "student.onnx"} 0-7 {out / "seeds"}' in said
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


def test_what_a_file_takes_is_said_in_one_line():
    told = [
        export.takes(Spec(kind, 'RGB', 0.0, 1.0, 1, 1.0, 'none', shape, dynamic, batch))
        for kind, shape, dynamic, batch in (
            ('image', (3, 8, 8), True, True),
            ('image', (3, 8, 8), False, False),
            ('latent', (512,), False, True),
            ('latent', (512,), False, False),
        )
    ]
    assert told == [
        'any size, one or several at a time',
        'inputs of 3x8x8 only, one at a time',
        'latents of 512, one or several at a time',
        'latents of 512, one at a time',
    ]


def test_the_card_says_what_a_user_has_to_know(tmp_path):
    """Of a made-up file; the names that go into its tables end no cell."""
    error = dict(largest=0.01, mean=0.001, psnr=120.0)
    sums = dict(config='a|b.py', config_sha256='c' * 64, checkpoint_sha256='d' * 64)
    told = dict(kind='image', order='RGB', lowest=0.0, highest=1.0, multiple=4, scale=4.0, statistics='none')
    told |= dict(shape=(3, 24, 24), dynamic=True, batch=True, precision='fp32', error=error, **sums)
    told |= dict(output_order='RGB')
    distill = dict(recipe='pyramid', teacher=dict(model=dict(), checkpoint='far/teacher.pth'))
    (tmp_path / 'student.onnx').write_bytes(b'file')
    cfg = Config(dict(default_hooks=dict(distill=distill)))
    text = write_card(torch.nn.Conv2d(3, 12, 3), told, cfg, [tmp_path / 'student.onnx'], tmp_path).read_text()
    for said in (
        'Conv2d, 0.00 M parameters, fp32',
        '(N, 3, height, width), RGB, black at 0 and white at 1, sides in multiples of 4',
        '4 times as large',
        'largest 0.01, mean 0.001 grey levels, 120.0 dB, at 24x24',
        '| distilled | by pyramid, from teacher.pth |',
        r'a\|b.py',
        hashlib.sha256(b'file').hexdigest(),
    ):
        assert said in text
    told |= dict(batch=False)  # of any size, but one at a time
    assert '(1, 3, height, width), RGB' in facts(torch.nn.Conv2d(3, 12, 3), told, cfg)['input']
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


@pytest.mark.parametrize('statistics', ['image', 'frozen'])
def test_statistics_stay_those_of_each_image_in_a_batch(statistics, tmp_path, told, networks):
    code, out = exported('pix2pix', tmp_path, '--statistics', statistics)
    assert code == 0, told()
    assert interface(out)['statistics'] == statistics and interface(out)['batch']
    require_each_alone(out / 'student.onnx', *networks[0])


def test_a_network_that_mixes_its_batch_is_written_for_one_image(tmp_path):
    class Mixing(torch.nn.Module):
        def forward(self, x):
            return x - x.mean()

    spec = Spec('image', 'RGB', 0.0, 1.0, 1, 1.0, 'none', (3, 8, 8))
    takes = write(
        Deployed(Mixing(), 'frozen'), torch.rand(1, 3, 8, 8), spec, 'onnx', tmp_path / 'x.onnx', True
    )
    assert takes == Takes(sizes=True, batch=False)
    assert onnxruntime.InferenceSession(tmp_path / 'x.onnx').get_inputs()[0].shape[:2] == [1, 3]


def test_a_size_that_pytorch_refuses_is_not_tried(tmp_path, monkeypatch, capfd):
    """As an attempt takes minutes; and what the runtime has to say of another size is an exception alone."""

    class Halved(torch.nn.Module):
        def forward(self, x):
            return x.view(1, 3, 2, 4, 2, 4).flip(3).view(1, 3, 8, 8)

    written, onnx_of = [], writing.onnx_of
    monkeypatch.setattr(writing, 'onnx_of', lambda *args: written.append(onnx_of(*args)))
    spec, path = Spec('image', 'RGB', 0.0, 1.0, 1, 1.0, 'none', (3, 8, 8)), tmp_path / 'x.onnx'
    takes = write(Deployed(Halved(), 'frozen'), torch.rand(1, 3, 8, 8), spec, 'onnx', path, True)
    assert takes == Takes(sizes=False, batch=False) and len(written) == 1
    capfd.readouterr()
    with pytest.raises(Exception, match=r'onnx|dimension|Invalid'):
        Written(path, 'onnx')(torch.rand(1, 3, 9, 8))
    reshaped = onnx.load(path)
    reshaped.graph.input[0].type.tensor_type.shape.dim[2].dim_param = 'h'  # as an exporter says it
    onnx.save(reshaped, path)
    with pytest.raises(Exception, match='Non-zero status code'):
        Written(path, 'onnx')(torch.rand(1, 3, 9, 8))
    assert capfd.readouterr().err == ''


def test_unshuffled_pixels_are_strides():
    """Restormer's sides have to be multiples of eight, and it has no convolution that says so."""
    steps = [torch.nn.Conv2d(3, 3, 3, stride=2), torch.nn.PixelUnshuffle(2), torch.nn.PixelUnshuffle(2)]
    assert multiple_of(torch.nn.Sequential(*steps)) == 8


@pytest.mark.parametrize(('precision', 'sign'), [('fp16', 'Cast'), ('int8', 'QuantizeLinear')])
def test_lower_precision_is_measured(precision, sign, tmp_path, monkeypatch, told, networks, caplog):
    calibrated = []
    to_int8 = precisions.to_int8
    monkeypatch.setattr(precisions, 'to_int8', lambda *args: calibrated.extend(args[2]) or to_int8(*args))
    monkeypatch.setitem(export.LIMITS, precision, 10.0)  # a random network has no picture to keep
    code, out = exported('srresnet', tmp_path, '--precision', precision)
    said = told()
    assert code == 0, said
    assert 'Please consider' not in caplog.text  # onnxruntime's advice, which no user can follow
    assert 10 < interface(out)['error']['psnr'] < 100
    if precision == 'int8':
        ((_, judges),) = networks
        assert len(calibrated) == len(judges) == 3
        assert not any(torch.equal(x, y) for x in calibrated for y in judges)
        assert interface(out)['calibrated'] == '3 of the training set, judged by 3 others'
        assert 'Calibrated with 3 of the training set, judged by 3 others.' in said
    nodes = onnx.load(out / 'student.onnx').graph.node
    assert sign in {node.op_type for node in nodes}


def test_what_calibrates_does_not_judge():
    one, two, three = (torch.full((1, 3, 2, 2), float(value)) for value in range(3))
    other = Calibration([three, one.clone()], 'the training set')  # which has an image of the test, too
    found, judges = precisions.apart(other, [one, two])
    assert (list(found.inputs), found.source, judges) == ([three], 'the training set', [one, two])
    for nothing in (precisions.NO_CALIBRATION, Calibration([one.clone()], 'the training set')):
        found, judges = precisions.apart(nothing, [one, two, three])
        assert (found, judges) == (Calibration([one, three], 'the test set'), [two])
    with pytest.raises(ConfigError, match='--images 2 or more'):
        precisions.apart(precisions.NO_CALIBRATION, [one])


def test_without_a_training_set_half_of_the_test_calibrates(tmp_path, monkeypatch, told):
    monkeypatch.setitem(export.LIMITS, 'int8', 10.0)
    cfg = FAMILIES['srresnet'](tmp_path / 'run', 2)
    cfg.train_dataloader.dataset.data_root = str(tmp_path / 'not_here')
    given = [*trained(cfg, tmp_path / 'model'), '--out', str(tmp_path / 'out'), '--images', '3']
    assert export.main([*given, '--precision', 'int8']) == 0, told()
    assert interface(tmp_path / 'out')['calibrated'] == '2 of the test set, judged by 1 others'


def test_a_file_that_differs_is_refused_and_leaves_nothing(tmp_path, monkeypatch, told):
    monkeypatch.setitem(export.LIMITS, 'fp32', 1000.0)
    code, out = exported('edsr', tmp_path)
    assert code == 1 and 'Refused: the file differs from PyTorch' in told()
    assert list(out.iterdir()) == []


@pytest.fixture
def folder_of(tmp_path):
    """What is in the folder of an export after its student.json says so."""

    def made(**told):
        out = tmp_path / 'out'
        out.mkdir()
        (out / 'student.onnx').write_text('mine')
        (out / 'student.json').write_text(json.dumps(told))
        return out

    return made


ORIGIN = dict(config='a.py', config_sha256='1', checkpoint_sha256='2', generator='generator')


def test_a_folder_is_renewed_for_the_same_student_alone(folder_of):
    """Of the same checkpoint or the same config, and of one generator of several."""
    out = folder_of(**ORIGIN)
    for change in ({}, dict(checkpoint_sha256='3'), dict(config='b.py', config_sha256='4')):
        assert require_own(out, ORIGIN | change)
    early = {
        name: value for name, value in ORIGIN.items() if name != 'generator'
    }  # before anything is loaded
    assert require_own(out, early)
    other = dict(config_sha256='4', checkpoint_sha256='3')
    with pytest.raises(
        ConfigError, match=rf'^--out {out} holds the export of another student, of a.py: name a'
    ):
        require_own(out, ORIGIN | other)
    with pytest.raises(
        ConfigError, match=rf'^--out {out} holds the export of another generator, generator: '
    ):
        require_own(out, ORIGIN | dict(generator='generators.b'))


def test_a_folder_of_somebody_else_is_refused_and_an_empty_one_is_fine(tmp_path):
    assert not require_own(tmp_path / 'new', ORIGIN)
    (tmp_path / '.student.part.onnx').touch()  # of an export that was killed
    assert not require_own(tmp_path, ORIGIN)
    for name, content in (('notes.txt', ''), ('student.json', '{"kind": "image"}'), ('student.json', '[')):
        (tmp_path / name).write_text(content)
        with pytest.raises(
            ConfigError, match=rf'^--out {tmp_path} holds notes.txt and no export: name a new'
        ):
            require_own(tmp_path, ORIGIN)
    with pytest.raises(ConfigError, match=r'notes.txt is a file: name a folder'):
        require_own(tmp_path / 'notes.txt', ORIGIN)


def test_a_new_file_leaves_none_of_earlier_weights_beside_it(folder_of):
    out = folder_of(**ORIGIN)
    files = [out / name for name in ('student_uint8.onnx', 'student.pt2')]
    for path in files:
        path.touch()
    onnx, pt2 = out / 'student.onnx', out / 'student.pt2'
    assert outdated(out, ORIGIN, [onnx]) == [out / 'student_uint8.onnx']
    assert outdated(out, ORIGIN, [pt2]) == []
    longer = ORIGIN | dict(checkpoint_sha256='3')
    assert outdated(out, longer, [onnx]) == sorted([out / 'student.json', *files])
    assert outdated(out / 'new', ORIGIN, [onnx]) == []


@pytest.mark.parametrize('form', ['onnx', 'torch'])
def test_an_export_says_that_it_renews_and_another_student_is_refused_before_any_work(
    form, tmp_path, capsys, monkeypatch
):
    code, out = exported('edsr', tmp_path, '--format', form)
    assert code == 0 and 'renewed' not in capsys.readouterr().out
    (out / 'mine.txt').write_text('mine')
    given = [tmp_path / 'model' / 'student.py', tmp_path / 'model' / 'student.pth', '--out', out]
    given = [*map(str, given), '--images', '3', '--format', form]
    assert export.main(given) == 0
    assert f'{out} holds an export of this student, which is renewed.' in capsys.readouterr().out
    assert json.loads((out / 'student.json').read_text())['config'] == 'student.py'
    kept = {path: path.read_bytes() for path in out.iterdir() if path.is_file()}
    monkeypatch.setattr(export, 'load_student', None)  # which comes first of all that takes long
    with pytest.raises(SystemExit):
        other = trained(FAMILIES['srresnet'](tmp_path / 'other', 2), tmp_path / 'other_model')
        export.main([*other, *given[2:]])
    assert 'holds the export of another student, of student.py: ' in capsys.readouterr().err
    assert kept == {path: path.read_bytes() for path in out.iterdir() if path.is_file()}


@pytest.mark.parametrize('form', ['pt2', 'torch'])
def test_other_formats(form, tmp_path):
    code, out = exported('edsr', tmp_path, '--format', form)
    assert code == 0
    if form == 'torch':
        weights = torch.load(out / 'student.pth')
        saved = torch.load(tmp_path / 'model' / 'student.pth')['state_dict']
        assert weights and all(torch.equal(weights[name], saved[f'generator.{name}']) for name in weights)
    else:
        assert interface(out)['error']['largest'] < 0.1 and interface(out)['batch']


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


def grey_and_colour(folder, source, target):
    """Pix2Pix of two folders of pictures, of these channels."""
    cfg = pix2pix_with_a_test_set(folder / 'run')
    cfg.model.generator.update(in_channels=source, out_channels=target)
    cfg.model.discriminator.in_channels = source + target
    draws, load = np.random.default_rng(0), []
    for key, name, channels in (('img_A', 'mask', source), ('img_B', 'photo', target)):
        (folder / 'data' / name).mkdir(parents=True)
        for number in range(2):
            pixels = draws.integers(0, 256, (32, 32, 3), np.uint8)
            cv2.imwrite(str(folder / 'data' / name / f'{number}.png'), pixels)
        kind = 'grayscale' if channels == 1 else 'color'
        load.append(dict(type='LoadImageFromFile', key=key, color_type=kind))
    rest = [dict(type='KeyMapper', mapping=dict(img_mask='img_A', img_photo='img_B'), auto_remap=False)]
    rest = [*rest, dict(type='PackInputs', keys=['img_mask', 'img_photo'])]
    dataset = dict(type='BasicImageDataset', data_root=str(folder / 'data'), pipeline=[*load, *rest])
    cfg.test_dataloader.dataset = dict(dataset, data_prefix=dict(img_A='mask', img_B='photo'))
    return cfg


@pytest.mark.parametrize(('source', 'target'), [(1, 3), (3, 1)])
def test_input_and_output_have_an_order_each(source, target, tmp_path, told, networks):
    """The target lies beside the input in the data, and is none."""
    given = trained(grey_and_colour(tmp_path, source, target), tmp_path / 'model')
    out, orders = tmp_path / 'out', {1: 'GREY', 3: 'BGR'}
    assert export.main([*given, '--out', str(out), '--size', '32', '32', '--statistics', 'frozen']) == 0, (
        told()
    )
    assert (interface(out)['order'], interface(out)['output_order']) == (orders[source], orders[target])
    assert f', {orders[source]}, black' in (out / 'student.md').read_text()
    assert f'| `image`, {orders[target]}, of' in (out / 'student.md').read_text()
    picture = out / 'inputs' / '0.png'
    assert cv2.imread(str(picture), cv2.IMREAD_UNCHANGED).ndim == (2 if source == 1 else 3)
    assert translate.main([str(out / 'student.onnx'), str(picture), str(out / 'made.png')]) == 0
    ran = [sys.executable, str(out / 'run.py'), str(picture), str(out / 'ran.png')]
    subprocess.run(ran, check=True, capture_output=True)
    ((network, inputs),) = networks
    wanted = (
        ((network(inputs[0])[0] + 1) * 127.5).clamp(0, 255).permute(1, 2, 0).numpy()
    )  # BGR, as OpenCV has it
    for name in ('made', 'ran'):
        pixels = cv2.imread(str(out / f'{name}.png'), cv2.IMREAD_UNCHANGED)
        assert pixels.ndim == (2 if target == 1 else 3)
        assert np.abs(pixels.reshape(wanted.shape) - wanted).max() <= 1


def orders_of(metainfo, taken='img', default=None):
    """Of a call with the input of this name."""
    preprocessor = torch.nn.Identity()
    preprocessor.output_channel_order = default
    orders, names = Orders(preprocessor), [name.removesuffix('_output_channel_order') for name in metainfo]
    inputs = preprocessor(dict(inputs={name: torch.rand(1) for name in names}))['inputs']
    orders.called(inputs[taken])
    orders.see(metainfo)
    return orders


def test_the_order_is_that_of_the_inputs_whatever_the_target_is_called():
    target = dict(gt_img_output_channel_order='BGR', gt_channel_order='rgb')
    given = dict(img_channel_order='bgr', img_output_channel_order='RGB')
    assert input_orders({**given, **target}) == input_orders({**target, **given}) == dict(img='RGB')
    orders = orders_of({**given, **target})
    assert (orders.of_input(3), orders.of_output(3, 'RGB'), orders.of_output(1, 'RGB')) == (
        'RGB',
        'RGB',
        'GREY',
    )
    two = dict(img_A_output_channel_order='RGB', img_B_output_channel_order='BGR')
    for taken, order, other in (('img_A', 'RGB', 'BGR'), ('img_B', 'BGR', 'RGB')):
        orders = orders_of(two, taken)
        assert (orders.of_input(3), orders.of_output(3, order)) == (order, other)
    mask = dict(img_output_channel_order='RGB', mask_output_channel_order='single')
    assert orders_of(mask).of_output(3, 'RGB') == 'RGB'


@pytest.mark.parametrize(
    ('truth', 'default', 'order'),
    [({}, None, 'BGR'), (dict(gt_channel_order='rgb'), None, 'RGB'), ({}, 'RGB', 'RGB')],
)
def test_of_a_grey_input_the_truth_tells_the_order_of_colours(truth, default, order):
    orders = orders_of(dict(img_output_channel_order='single') | truth, default=default)
    assert (orders.of_input(1), orders.of_output(3, 'GREY')) == ('GREY', order)


def test_inputs_in_two_orders_are_refused():
    orders = orders_of(dict(a_output_channel_order='RGB', b_output_channel_order='BGR'), 'a')
    orders.see(dict(a_output_channel_order='BGR'))
    with pytest.raises(
        ConfigError, match=r'^test_dataloader: .* in the orders BGR and RGB, but a file has one: '
    ):
        orders.of_input(3)


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
def test_whole_numbers_are_for_onnx_alone(options, capsys):
    with pytest.raises(SystemExit) as ended:
        export.parse_args(['config.py', 'checkpoint.pth', '--uint8', *options])
    said = 'Error: --uint8 is for --format onnx --precision fp32\n'
    assert ended.value.code == 2 and capsys.readouterr().err == said


@pytest.mark.parametrize('setting', [False, True])
def test_a_student_with_frozen_statistics_is_compared_with_what_its_test_shows(setting, tmp_path, told):
    """And a hook that is None is none, here as in a training."""
    cfg = pix2pix_with_a_test_set(tmp_path / 'run')
    cfg.default_hooks.somebodys = None
    cfg.model.generator.use_dropout = False
    if setting:
        cfg.default_hooks.distill = dict(type='DistillRunner', frozen_statistics=0.5)
    else:
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
    itself = next(line for line in said.splitlines() if line.startswith('  test.py itself; '))
    assert itself.partition('; ')[2] == frozen.partition('; ')[2]  # one network
