"""Losses of images and features one by one: structure, roughness, style, channels, details, spectra."""

import pytest
import torch

from mmagic_mikd.objectives import (
    ChannelDistillationLoss,
    FocalFrequencyLoss,
    SpatialAffinityLoss,
    SSIMLoss,
    StyleLoss,
    TotalVariationLoss,
    WaveletLoss,
)
from mmagic_mikd.objectives.style import gram
from mmagic_mikd.utils.errors import ConfigError

LOSSES = (ChannelDistillationLoss, FocalFrequencyLoss, SpatialAffinityLoss, SSIMLoss, StyleLoss, WaveletLoss)


@pytest.fixture
def pair():
    """s and t; both ask for gradients, so that a leak shows."""
    return torch.rand(2, 2, 3, 16, 16, generator=torch.Generator().manual_seed(0)).requires_grad_().unbind()


@pytest.mark.parametrize('loss', LOSSES)
def test_equal_images_cost_nothing_and_only_the_student_is_pulled(pair, loss):
    s, t = pair
    t.retain_grad(), s.retain_grad()
    assert loss(2.0)(t.detach(), t).item() == pytest.approx(0.0, abs=1e-5)
    value = loss(2.0)(s, t)
    value.backward()
    assert value > 1e-6 and t.grad is None and s.grad.isfinite().all() and s.grad.abs().sum() > 0
    torch.testing.assert_close(value, 2 * loss(1.0)(s, t))
    clips = loss(2.0)(s[None], t[None])  # of which every frame counts
    torch.testing.assert_close(clips, value)


def test_ssim_of_constant_images():
    """Without variance it is (2 m n + c1) / (m^2 + n^2 + c1), c1 = (0.01 L)^2."""
    s, t = torch.full((1, 3, 16, 16), 0.5), torch.full((1, 3, 16, 16), 0.25)
    expected = (2 * 0.5 * 0.25 + 0.01**2) / (0.5**2 + 0.25**2 + 0.01**2)
    assert SSIMLoss()(s, t).item() == pytest.approx(1 - expected, rel=1e-4)


def test_several_scales_want_large_images():
    s, t = torch.rand(2, 1, 3, 176, 176, generator=torch.Generator().manual_seed(0))
    assert 0 < SSIMLoss(multi_scale=True)(s, t) < 1
    with pytest.raises(ConfigError, match='window_size=11, which wants 161'):
        SSIMLoss(multi_scale=True)(s[..., :160, :160], t[..., :160, :160])
    with pytest.raises(ConfigError, match='window_size=10 must be odd'):
        SSIMLoss(window_size=10)


def test_total_variation_is_that_of_the_student(pair):
    s, t = torch.tensor([[0.0, 1.0], [0.0, 3.0]]).reshape(1, 1, 2, 2), pair[1]
    assert TotalVariationLoss(2.0)(s, t).item() == pytest.approx(2 * ((0 + 2) / 2 + (1 + 3) / 2))


def test_style_does_not_know_places(pair):
    s = pair[0].detach()
    assert StyleLoss()(s.flip(-1), s).item() == pytest.approx(0.0, abs=1e-6)
    one = torch.tensor([1.0, 2.0]).reshape(1, 2, 1, 1)
    torch.testing.assert_close(gram(one)[0], torch.tensor([[1.0, 2.0], [2.0, 4.0]]) / 2)


def test_channel_distillation_is_of_means():
    s, t = torch.zeros(1, 2, 2, 2), torch.tensor([[[[1.0, 3.0]], [[0.0, 2.0]]]])
    assert ChannelDistillationLoss()(s, t).item() == pytest.approx((2**2 + 1**2) / 2)
    with pytest.raises(ConfigError, match='set `adapter`'):
        ChannelDistillationLoss()(s[:, :1], t)


def test_wavelets_see_no_coarse_difference():
    s, t = torch.zeros(1, 1, 16, 16), torch.full((1, 1, 16, 16), 0.5)
    assert WaveletLoss()(s, t).item() == 0.0
    t = torch.zeros(1, 1, 2, 2)
    t[..., 0, 0] = 1.0  # each of three details is 1/2
    assert WaveletLoss(levels=1)(t, torch.zeros(1, 1, 2, 2)).item() == pytest.approx(0.5)
    with pytest.raises(ConfigError, match='multiples of 16; set `levels`'):
        WaveletLoss()(s[..., :8], s[..., :8])


def test_focal_frequency_without_focus_is_the_squared_error(pair):
    s, t = pair
    torch.testing.assert_close(FocalFrequencyLoss(alpha=0)(s, t), (s - t).square().mean())
    # a difference of one frequency has the weight 1 there, and none elsewhere
    wave = torch.cos(2 * torch.pi * torch.arange(16) / 16).expand(1, 1, 16, 16)
    value = FocalFrequencyLoss()(wave, torch.zeros_like(wave))
    torch.testing.assert_close(value, wave.square().mean(), rtol=1e-4, atol=0)


def test_affinity_is_a_matrix_of_cosines_and_is_capped():
    s = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).reshape(1, 2, 1, 2)  # two places, orthogonal
    t = torch.ones(1, 3, 1, 2)  # two places alike, in other channels
    assert SpatialAffinityLoss()(s, t).item() == pytest.approx(0.5)
    large = torch.rand(1, 3, 256, 256)
    assert SpatialAffinityLoss(size=4)(large, large.flip(-1)) > 0
