"""Networks that need the repaired parts are built from configs and run, forward and backward."""

import pytest
import torch
from mmagic.registry import MODELS
from mmagic.utils import register_all_modules

X = (1, 3, 16, 16)
STYLEGAN3 = dict(channel_base=256, channel_max=16, num_layers=4, num_critical=1, magnitude_ema_beta=0.999)
SWINIR = dict(img_size=16, window_size=8, depths=[2], embed_dim=12, num_heads=[2], mlp_ratio=2)
RESTORMER = dict(dim=8, num_blocks=[1, 1, 1, 1], num_refinement_blocks=1, heads=[1, 2, 2, 2])
EDVR = dict(mid_channels=8, deform_groups=2, num_blocks_extraction=1, num_blocks_reconstruction=1)
NAFNET = dict(mid_channels=8, enc_blk_nums=[1], middle_blk_num=1, dec_blk_nums=[1])
# name: (config, shape of the input, shape of the output)
NETWORKS = {
    'StyleGAN2 generator': (
        dict(type='StyleGANv2Generator', out_size=8, style_channels=16),
        (2, 16),
        (2, 3, 8, 8),
    ),
    'StyleGAN2 discriminator': (dict(type='StyleGAN2Discriminator', in_size=8), (2, 3, 8, 8), (2, 1)),
    'StyleGAN3 generator': (
        dict(
            type='StyleGANv3Generator',
            out_size=16,
            style_channels=16,
            img_channels=3,
            noise_size=16,
            synthesis_cfg=dict(type='SynthesisNetwork', **STYLEGAN3),
        ),
        (2, 16),
        (2, 3, 16, 16),
    ),
    'EDVR': (dict(type='EDVRNet', in_channels=3, out_channels=3, **EDVR), (1, 5, 3, 16, 16), (1, 3, 64, 64)),
    'BasicVSR++': (
        dict(type='BasicVSRPlusPlusNet', mid_channels=8, num_blocks=1),
        (1, 2, 3, 64, 64),
        (1, 2, 3, 256, 256),
    ),
    'SwinIR': (
        dict(type='SwinIRNet', upscale=2, upsampler='pixelshuffledirect', **SWINIR),
        X,
        (1, 3, 32, 32),
    ),
    'NAFNet': (dict(type='NAFNet', img_channels=3, **NAFNET), X, X),
    'Restormer': (dict(type='Restormer', **RESTORMER), X, X),
}


@pytest.mark.parametrize('name', NETWORKS)
def test_network_runs_forward_and_backward(name):
    register_all_modules()
    cfg, shape_in, shape_out = NETWORKS[name]
    torch.manual_seed(0)
    network = MODELS.build(cfg)
    out = network(torch.rand(shape_in))
    assert out.shape == shape_out
    out.square().mean().backward()
    grads = [p.grad for p in network.parameters() if p.grad is not None]
    assert grads and all(torch.isfinite(grad).all() for grad in grads)


def test_ttsr_runs():
    register_all_modules()
    network = MODELS.build(
        dict(
            type='TTSRNet',
            in_channels=3,
            out_channels=3,
            mid_channels=8,
            texture_channels=16,
            num_blocks=(1,) * 4,
        )
    )
    textures = torch.rand(1, 64, 16, 16), torch.rand(1, 32, 32, 32), torch.rand(1, 16, 64, 64)
    assert network(torch.rand(X), torch.rand(1, 1, 16, 16), textures).shape == (1, 3, 64, 64)


def test_stylegan2_trains_with_its_second_order_penalties():
    """R1 and path length differentiate through `upfirdn2d` and the fused activation twice."""
    register_all_modules()
    torch.manual_seed(0)
    network = MODELS.build(NETWORKS['StyleGAN2 discriminator'][0])
    image = torch.rand(2, 3, 8, 8, requires_grad=True)
    (grad,) = torch.autograd.grad(network(image).sum(), image, create_graph=True)
    grad.square().sum().backward()
    assert network.convs[0][0].conv.weight_orig.grad.abs().sum() > 0
