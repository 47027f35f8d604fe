"""StyleGAN2's convolution with one weight for a batch makes what MMagic's own makes, also in a file."""

import pytest
import torch

from mmagic_mikd.deploy import produce
from mmagic_mikd.deploy.form import Deployed
from mmagic_mikd.deploy.modulated import SharedWeightConv2d
from mmagic_mikd.deploy.spec import Spec
from mmagic_mikd.deploy.write import Takes, Written, write
from mmagic_mikd.students.narrow_stylegan2 import NarrowStyleGAN2Generator


class Layer(torch.nn.Module):
    """A modulated convolution whose styles are those of its input."""

    def __init__(self, conv):
        super().__init__()
        self.conv = conv

    def forward(self, x):
        return self.conv(x, 1 + 4 * x.mean((2, 3)))


@pytest.mark.parametrize('kernel', [1, 3])
@pytest.mark.parametrize('way', [{}, dict(upsample=True), dict(downsample=True), dict(padding=2)])
@pytest.mark.parametrize('demodulate', [True, False])
def test_it_makes_what_the_toolbox_makes(demodulate, way, kernel):
    from mmagic.models.editors.stylegan2.stylegan2_modules import ModulatedConv2d

    torch.manual_seed(0)
    layer = Layer(ModulatedConv2d(5, 7, kernel, 5, demodulate=demodulate, style_bias=0.3, **way))
    layer.conv.style_modulation.bias.data.normal_()
    network, x = Deployed(layer, 'frozen'), torch.randn(3, 5, 4, 6)
    assert type(network.network.conv) is SharedWeightConv2d
    with torch.no_grad():
        wanted = layer(x)
    assert wanted.std() > 0.1
    torch.testing.assert_close(network(x), wanted, rtol=1e-5, atol=1e-5)


def test_relatives_stay_as_they_are():
    from mmagic.models.editors.mspie.mspie_stylegan2_modules import ModulatedPEConv2d
    from mmagic.models.editors.stylegan2.stylegan2_modules import ModulatedConv2d

    for conv in (ModulatedPEConv2d(4, 4, 3, 4), ModulatedConv2d(4, 4, 3, 4, fp16_enabled=True)):
        assert type(Deployed(Layer(conv), 'frozen').network.conv) is type(conv)


@pytest.fixture
def generator():
    """Of 8 px, with nothing at zero that would hide a wrong file, such as the strength of its noise."""
    torch.manual_seed(0)
    made = NarrowStyleGAN2Generator(8, 6, num_mlps=2, width=16).eval().requires_grad_(False)
    for parameter in made.parameters():
        if parameter.abs().max() == 0:
            parameter.data.normal_(std=0.5)
    return made


SPEC = Spec('latent', 'BGR', -1.0, 1.0, 1, 1.0, 'none', (6,))


@pytest.mark.parametrize('form', ['onnx', 'pt2'])
def test_a_file_makes_of_each_latent_what_the_toolbox_makes_of_it_alone(form, generator, tmp_path):
    if form == 'onnx':
        pytest.importorskip('onnxruntime', reason='needs pip install onnx onnxruntime onnxscript')
        pytest.importorskip('onnxscript', reason='needs pip install onnx onnxruntime onnxscript')
    x = torch.randn(3, 6)
    made = produce.file(Deployed(generator, 'frozen'), SPEC, x.split(1), form, 'fp32', True, tmp_path)
    assert made.spec.batch and not made.spec.dynamic and made.difference.largest < 0.1
    call, alone = Written(made.path, form), [generator(z, randomize_noise=False) for z in x.split(1)]
    assert (alone[0] - alone[1]).abs().mean() > 0.1
    for count in (1, 2, 3):
        for image, wanted in zip(call(x[:count]).split(1), alone[:count], strict=True):
            torch.testing.assert_close(image, wanted, rtol=1e-4, atol=1e-4)


def test_a_difference_in_a_batch_alone_is_seen():
    """A file that is right for one latent, and mixes several."""
    spec = Spec('latent', 'BGR', -1.0, 1.0, 1, 1.0, 'none', (6,), batch=True)
    inputs = torch.randn(4, 6).split(1)

    def mixing(x):
        return torch.tanh(x) if len(x) == 1 else torch.tanh(x).flip(0)

    assert produce._difference(mixing, torch.tanh, inputs, spec).largest > 1
    assert produce._difference(torch.tanh, torch.tanh, inputs, spec).largest == 0


def test_who_mixes_latents_is_written_for_one(tmp_path):
    class Mixing(torch.nn.Module):
        noise_size = 6

        def forward(self, x):
            return (x - x.mean()).view(-1, 1, 2, 3)

    path = tmp_path / 'x.pt2'
    takes = write(Deployed(Mixing(), 'frozen'), torch.randn(1, 6), SPEC, 'pt2', path, True)
    assert takes == Takes(sizes=False, batch=False)
    assert Written(path, 'pt2')(torch.ones(1, 6)).shape == (1, 1, 2, 3)
