"""Each loss against another implementation: torchdistill where that has the equation, else NumPy and SciPy."""

import itertools

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d
from scipy.signal.windows import gaussian
from scipy.spatial.distance import cdist
from scipy.special import log_softmax

from mmagic_mikd.objectives import (
    AttentionTransferLoss,
    ChannelDistillationLoss,
    CRDLoss,
    FocalFrequencyLoss,
    InfoNCELoss,
    KernelAlignmentLoss,
    MMDLoss,
    MomentLoss,
    PKTLoss,
    RelationalLoss,
    SpatialAffinityLoss,
    SSIMLoss,
    StyleLoss,
    TotalVariationLoss,
    VIDLoss,
    WaveletLoss,
)
from mmagic_mikd.objectives.vid import VIDRegressor

N, C, SIDE = 5, 4, 16


@pytest.fixture
def pair():
    """s and t."""
    return torch.randn(2, N, C, SIDE, SIDE, generator=torch.Generator().manual_seed(0)).unbind()


@pytest.fixture
def arrays(pair):
    """The same in double precision."""
    return [x.double().numpy() for x in pair]


# ---- torchdistill -----------------------------------------------------------------------------------


@pytest.fixture(scope='module')
def other():
    return pytest.importorskip(
        'torchdistill.losses.mid_level', reason='needs `pip install --no-deps torchdistill`'
    )


def io(x):
    """How torchdistill hands on what a layer has made."""
    return dict(layer=dict(output=x))


def of_pair():
    return dict(only=dict(student=dict(path='layer', io='output'), teacher=dict(path='layer', io='output')))


def test_pkt_is_that_of_torchdistill(other, pair):
    s, t = (x.flatten(1) for x in pair)
    theirs = other.PKTLoss('layer', 'output', 'layer', 'output')(io(s), io(t))
    torch.testing.assert_close(PKTLoss()(s, t), theirs, rtol=1e-4, atol=1e-9)


def test_relations_are_those_of_torchdistill(other, pair):
    """Theirs takes the mean over the diagonal, too."""
    s, t = (x.flatten(1) for x in pair)
    theirs = other.RKDLoss('layer', 'layer', dist_factor=1.0, angle_factor=2.0, reduction='mean')
    torch.testing.assert_close(RelationalLoss()(s, t), theirs(io(s), io(t)), rtol=1e-3, atol=1e-6)


def test_attention_transfer_has_the_sum_over_the_positions_of_torchdistills_mean(other, pair):
    """The released code's mean, as its 'code' says."""
    s, t = pair
    theirs = other.ATLoss(of_pair(), mode='code')(io(s), io(t))
    torch.testing.assert_close(AttentionTransferLoss()(s, t), SIDE * SIDE * theirs)


def test_attention_transfer_of_one_image_is_the_square_of_equation_2(other, pair):
    s, t = (x[:1] for x in pair)
    theirs = other.ATLoss(of_pair(), mode='paper')(io(s), io(t))
    torch.testing.assert_close(AttentionTransferLoss()(s, t), theirs.square())


def test_vid_behind_its_regressor_is_that_of_torchdistill(pair, other):
    wrapper = pytest.importorskip('torchdistill.models.wrapper')
    theirs = wrapper.Regressor4VID(C, 6, 6, eps=1e-5, init_pred_var=5.0)
    ours, loss = VIDRegressor(C, 6), VIDLoss(channels=6)
    weights = [p for name, p in theirs.named_parameters() if 'regressor' in name]
    with torch.no_grad():
        for own, their in zip(ours.parameters(), weights, strict=True):
            own.copy_(their)
        loss.alpha.copy_(torch.linspace(-2, 2, 6))
        theirs.soft_plus_param.copy_(loss.alpha)
    s, t = pair[0], torch.randn(N, 6, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    expected = other.VIDLoss(of_pair())(io(theirs(s)), io(t))
    torch.testing.assert_close(loss(ours(s), t), expected, rtol=1e-5, atol=1e-6)


def test_gram_matrices_are_the_flow_of_torchdistill_from_a_layer_to_itself_over_the_channels(other, pair):
    """Over H W there, over C H W here; the norms are others."""
    s, t = (other.FSPLoss.compute_fsp_matrix(x, x) / C for x in pair)
    torch.testing.assert_close(StyleLoss()(*pair), (s - t).abs().mean())


# ---- NumPy and SciPy, in double precision -----------------------------------------------------------


def close(value, expected, rtol=1e-5):
    assert value.item() == pytest.approx(float(expected), rel=rtol)


def test_kernel_alignment_is_a_cosine_of_matrices(pair, arrays):
    k, m = (x.reshape(N, -1) @ x.reshape(N, -1).T for x in arrays)
    cosine = np.vdot(k, m) / np.linalg.norm(k) / np.linalg.norm(m)
    close(KernelAlignmentLoss()(*pair), 1 - cosine, rtol=1e-4)


def test_mmd_is_that_of_all_distances(pair, arrays):
    rows = np.concatenate([x.reshape(N, -1) for x in arrays])
    squares = cdist(rows, rows, 'sqeuclidean')
    others = np.sort(squares[~np.eye(2 * N, dtype=bool)])
    sigma2 = others[(len(others) - 1) // 2] / 2  # torch's median is the lower one
    kernel = np.exp(-squares / (2 * sigma2))
    sign = np.repeat([1.0, -1.0], N) / N
    close(MMDLoss(samples='images')(*pair), sign @ kernel @ sign, rtol=1e-4)


def test_moments_are_those_of_rows(pair, arrays):
    s, t = (x.reshape(N, -1) for x in arrays)
    both = [np.abs((s**power).mean(0) - (t**power).mean(0)).mean() for power in (1, 2)]
    close(MomentLoss(samples='images')(*pair), sum(both))


def test_moments_of_positions_are_those_of_a_grid(pair, arrays):
    rows = [x.reshape(N, C, 8, 2, 8, 2).mean((3, 5)).transpose(0, 2, 3, 1).reshape(-1, C) for x in arrays]
    s, t = rows
    both = [np.abs((s**power).mean(0) - (t**power).mean(0)).mean() for power in (1, 2)]
    close(MomentLoss(samples='positions')(*pair), sum(both))


def test_focal_frequency_is_that_of_a_matrix_of_waves(pair, arrays):
    waves = np.exp(-2j * np.pi * np.outer(np.arange(SIDE), np.arange(SIDE)) / SIDE) / np.sqrt(SIDE)
    distance = np.abs(waves @ (arrays[0] - arrays[1]) @ waves.T)
    for alpha in (0.5, 1.0):
        weights = distance**alpha / (distance**alpha).max((2, 3), keepdims=True)
        close(FocalFrequencyLoss(alpha=alpha)(*pair), (weights * distance**2).mean())


def test_style_is_that_of_sums_over_places(pair, arrays):
    s, t = (np.einsum('nihw,njhw->nij', x, x) / (C * SIDE * SIDE) for x in arrays)
    close(StyleLoss()(*pair), np.abs(s - t).mean())


def test_total_variation_is_that_of_numpy(pair, arrays):
    expected = sum(np.abs(np.diff(arrays[0], axis=axis)).mean() for axis in (2, 3))
    close(TotalVariationLoss()(*pair), expected)


def test_wavelets_are_those_of_convolutions_with_the_four_filters(pair, arrays):
    """Filters of SciPy, at every other place; a level's coarse image is what the next one has."""
    low, high = np.array([1.0, 1.0]) / np.sqrt(2), np.array([1.0, -1.0]) / np.sqrt(2)
    filters = [np.outer(a, b) for a, b in itertools.product((low, high), repeat=2)]
    image, expected = (arrays[0] - arrays[1]).reshape(-1, SIDE, SIDE), 0.0
    for _ in range(3):
        bands = [np.stack([convolve2d(x, f, 'valid')[::2, ::2] for x in image]) for f in filters]
        image, expected = bands[0], expected + np.abs(bands[1:]).mean()
    close(WaveletLoss(levels=3)(*pair), expected)


def ssim(s, t, sigma, size, c1=0.01**2, c2=0.03**2):
    """Means over the places of the two factors, luminance and the others, of images (h, w) in [0, 1]."""
    window = gaussian(size, sigma)
    window = np.outer(window, window) / window.sum() ** 2

    def mean(x):
        return convolve2d(x, window, 'valid')

    m, n = mean(s), mean(t)
    v, w, cov = mean(s * s) - m * m, mean(t * t) - n * n, mean(s * t) - m * n
    others = (2 * cov + c2) / (v + w + c2)
    return ((2 * m * n + c1) / (m * m + n * n + c1) * others).mean(), others.mean()


def test_ssim_is_that_of_scipys_window():
    s, t = torch.rand(2, 2, 3, 24, 20, generator=torch.Generator().manual_seed(0))
    t = (s + 0.3 * t).clamp(max=1)
    rows = zip(*(x.double().numpy().reshape(-1, 24, 20) for x in (s, t)), strict=True)
    expected = np.mean([ssim(a, b, 1.5, 11)[0] for a, b in rows])
    close(SSIMLoss()(s, t), 1 - expected, rtol=1e-4)


def test_ssim_of_several_scales_is_a_weighted_product():
    """Wang et al. 2003: the structure of five scales, the luminance of the coarsest."""
    s, t = torch.rand(2, 1, 1, 96, 96, generator=torch.Generator().manual_seed(0))
    t = (s + 0.3 * t).clamp(max=1)
    a, b = (x.double().numpy()[0, 0] for x in (s, t))
    expected = 1.0
    for scale, power in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        expected *= ssim(a, b, 1.5, 5)[0 if scale == 4 else 1] ** power
        a, b = (x.reshape(len(x) // 2, 2, -1, 2).mean((1, 3)) for x in (a, b))
    close(SSIMLoss(window_size=5, multi_scale=True)(s, t), 1 - expected, rtol=1e-4)


def test_channels_are_means_over_places(pair, arrays):
    s, t = (x.mean((2, 3)) for x in arrays)
    close(ChannelDistillationLoss()(*pair), ((s - t) ** 2).mean())


def test_spatial_affinity_is_that_of_scipys_cosines(pair, arrays):
    each = []
    for s, t in zip(*arrays, strict=True):
        own, of_teacher = (cdist(x.reshape(C, -1).T, x.reshape(C, -1).T, 'cosine') for x in (s, t))
        each.append(np.abs(own - of_teacher).mean())
    close(SpatialAffinityLoss()(*pair), np.mean(each), rtol=1e-4)


def contrasted(queries, keys, temperature):
    cosines = 1 - cdist(queries, keys, 'cosine')
    return -np.diag(log_softmax(cosines / temperature, axis=1)).mean()


def test_crd_is_the_share_of_the_own_sample_in_both_directions(pair, arrays):
    torch.manual_seed(0)
    loss = CRDLoss(channels=C, dim=3, temperature=0.2)
    heads = (loss.of_student, loss.of_teacher)
    s, t = (
        x.mean((2, 3)) @ head.weight.detach().double().numpy().T + head.bias.detach().double().numpy()
        for x, head in zip(arrays, heads, strict=True)
    )
    close(loss(*pair), (contrasted(s, t, 0.2) + contrasted(t, s, 0.2)) / 2, rtol=1e-4)


def test_info_nce_is_the_share_of_the_own_patch(pair, arrays):
    torch.manual_seed(0)
    loss = InfoNCELoss(channels=C, patch_size=8, dim=6, temperature=0.2)
    first, _, last = loss.embed
    w, b, v, c = (p.detach().double().numpy() for layer in (first, last) for p in layer.parameters())

    def embedded(x):
        patches = x.reshape(N, C, 2, 8, 2, 8).transpose(0, 2, 4, 1, 3, 5).reshape(N * 4, -1)
        return np.maximum(patches @ w.T + b, 0) @ v.T + c

    close(loss(*pair), contrasted(*map(embedded, arrays), 0.2), rtol=1e-4)
