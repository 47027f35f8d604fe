"""What an exported file holds: all weights of the checkpoint, of the network that the toolbox evaluates."""

import tempfile

import numpy as np
import pytest
import torch
from families import edsr
from mmengine.config import Config
from mmengine.registry import MODELS
from shipped import FAMILIES, trained

from mmagic_mikd.apps.export import export
from mmagic_mikd.deploy.form import Deployed
from mmagic_mikd.deploy.load import load_student

onnx = pytest.importorskip('onnx', reason='needs pip install onnx onnxruntime onnxscript')
onnxruntime = pytest.importorskip('onnxruntime', reason='needs pip install onnx onnxruntime onnxscript')


def run(config, checkpoint, out, *options):
    return export.main([str(config), str(checkpoint), '--out', str(out), '--images', '2', *options])


def refused(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        run(*arguments)
    assert ended.value.code == 2
    return capsys.readouterr().err


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    """A folder for temporary files of this test alone: other processes of the suite export at the same time."""
    folder = tmp_path / 'scratch'
    folder.mkdir()
    monkeypatch.setattr(tempfile, 'tempdir', str(folder))
    return folder


def test_bare_weights_are_found_and_those_of_another_model_refused(tmp_path, capsys, scratch):
    """The toolbox loads what fits and leaves the rest random, with a warning at most."""
    config, checkpoint = trained(edsr(tmp_path / 'run', 2), tmp_path / 'model')
    assert run(config, checkpoint, tmp_path / 'bare', '--format', 'torch') == 0
    bare = tmp_path / 'bare' / 'student.pth'
    assert run(config, bare, tmp_path / 'out') == 0
    held = {
        each.name: onnx.numpy_helper.to_array(each)
        for each in onnx.load(tmp_path / 'out/student.onnx').graph.initializer
    }
    first = torch.load(bare)['conv_first.weight'].numpy()
    assert any(array.shape == first.shape and np.array_equal(array, first) for array in held.values())
    torch.save(dict(state_dict=dict(other=torch.ones(1))), tmp_path / 'other.pth')
    assert 'does not fit the `model` of the config' in refused(
        capsys, config, tmp_path / 'other.pth', tmp_path / 'no'
    )
    assert not (tmp_path / 'no').exists()
    assert not list(scratch.glob('mikd_export_*'))


def test_latents_have_the_statistics_that_the_toolbox_evaluates(tmp_path):
    """A DCGAN is evaluated in evaluation mode, and there is no picture of a test set to measure against."""
    cfg = FAMILIES['stylegan2'](tmp_path / 'run', 2)
    cfg.model = dict(
        type='DCGAN',
        noise_size=4,
        data_preprocessor=cfg.model.data_preprocessor,
        generator=dict(type='DCGANGenerator', output_scale=8, base_channels=4, noise_size=4),
        discriminator=dict(
            type='DCGANDiscriminator', input_scale=8, output_scale=4, out_channels=1, base_channels=4
        ),
    )
    config, checkpoint = trained(cfg, tmp_path / 'model')
    assert run(config, checkpoint, tmp_path / 'out') == 0
    session = onnxruntime.InferenceSession(tmp_path / 'out' / 'student.onnx')
    latent = torch.randn(1, 4)
    (made,) = session.run(None, dict(x=latent.numpy()))
    generator = MODELS.build(Config.fromfile(config).model.generator)
    state = torch.load(checkpoint)['state_dict']
    generator.load_state_dict(
        {k.removeprefix('generator.'): v for k, v in state.items() if k.startswith('generator.')}
    )
    wanted = generator.eval()(latent).detach()
    torch.testing.assert_close(torch.from_numpy(made), wanted, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(Deployed(generator, 'image')(latent), wanted, atol=1e-2)  # else nothing is told


def test_the_images_of_the_test_leave_no_trace_in_the_weights(tmp_path):
    """The toolbox tests Pix2Pix in training mode, which moves the running statistics."""
    config, checkpoint = trained(FAMILIES['pix2pix'](tmp_path / 'run', 2), tmp_path / 'model')
    student = load_student(Config.fromfile(config), checkpoint, 3)
    saved = torch.load(checkpoint)['state_dict']
    held = student.generator.state_dict()
    assert len(student.calls.images) == 3 and any(name.endswith('running_mean') for name in held)
    for name, tensor in held.items():
        assert torch.equal(tensor, saved[f'{student.path}.{name}']), name


def test_a_copy_that_the_toolbox_evaluates_is_what_is_written(tmp_path):
    """Real-ESRGAN's average, a plain copy; and bare weights go into both."""
    cfg = FAMILIES['esrgan'](tmp_path / 'run', 2)
    cfg.model.update(type='RealESRGAN', is_use_ema=True, is_use_sharpened_gt_in_pixel=False)
    config, checkpoint = trained(cfg, tmp_path / 'model')
    student = load_student(Config.fromfile(config), checkpoint, 1)
    assert student.path == 'generator_ema' and len(student.calls.images) == 1
    state = torch.load(checkpoint)
    torch.save(
        {
            k.removeprefix('generator_ema.'): v
            for k, v in state['state_dict'].items()
            if 'generator_ema.' in k
        },
        tmp_path / 'bare.pth',
    )
    again = load_student(Config.fromfile(config), str(tmp_path / 'bare.pth'), 1)
    assert torch.equal(again.calls.images[0], student.calls.images[0])


def test_one_size_is_that_of_every_file(tmp_path):
    config, checkpoint = trained(edsr(tmp_path / 'run', 2), tmp_path / 'model')
    assert run(config, checkpoint, tmp_path / 'out', '--size', '20', '24', '--uint8') == 0
    shapes = [
        onnxruntime.InferenceSession(tmp_path / 'out' / name).get_inputs()[0].shape
        for name in ('student.onnx', 'student_uint8.onnx')
    ]
    assert shapes == [[1, 3, 20, 24], [1, 20, 24, 3]]
    from PIL import Image

    assert {Image.open(path).size for path in (tmp_path / 'out' / 'inputs').iterdir()} == {(24, 20)}


def test_what_latents_and_addresses_cannot_have_is_said_early(tmp_path, capsys):
    config, checkpoint = trained(FAMILIES['stylegan2'](tmp_path / 'run', 2), tmp_path / 'model')
    assert '--size is for generators that take pictures' in refused(
        capsys, config, checkpoint, tmp_path / 'out', '--size', '8', '8'
    )
    assert list((tmp_path / 'out').iterdir()) == []
    assert 'download it first' in refused(capsys, config, 'https://nowhere.example/a.pth', tmp_path / 'out')
