"""Losses that compare samples: affinities, kernels, distributions, distances; closed forms."""

import math

import pytest
import torch

from mmagic_mikd.objectives import (
    CRDLoss,
    KernelAlignmentLoss,
    MMDLoss,
    MomentLoss,
    PKTLoss,
    RelationalLoss,
)
from mmagic_mikd.objectives.relational import angles, distances
from mmagic_mikd.objectives.samples import as_samples

COMPARING = (PKTLoss, KernelAlignmentLoss, MMDLoss, MomentLoss, RelationalLoss)
OF_SHAPE = (PKTLoss, KernelAlignmentLoss, RelationalLoss)  # which need no equal channels


@pytest.fixture
def pair():
    """s and t; both ask for gradients, so that a leak shows."""
    return torch.randn(2, 5, 4, 6, 6, generator=torch.Generator().manual_seed(0)).requires_grad_().unbind()


@pytest.mark.parametrize('samples', ['images', 'positions'])
@pytest.mark.parametrize('loss', COMPARING)
def test_equal_images_cost_nothing_and_only_the_student_is_pulled(pair, loss, samples):
    s, t = pair
    t.retain_grad(), s.retain_grad()
    made = loss(2.0, samples=samples)
    assert made(t.detach(), t).item() == pytest.approx(0.0, abs=1e-5)
    value = made(s, t)
    value.backward()
    assert value > 1e-6 and t.grad is None and s.grad.isfinite().all() and s.grad.abs().sum() > 0
    torch.testing.assert_close(value, 2 * loss(1.0, samples=samples)(s, t))


@pytest.mark.parametrize('loss', COMPARING)
def test_the_gradient_is_finite_where_student_and_teacher_agree(pair, loss):
    t = pair[1].detach()
    s = t.clone().requires_grad_()
    loss(samples='images')(s, t).backward()
    assert s.grad.isfinite().all()


@pytest.mark.parametrize('loss', OF_SHAPE)
def test_scale_and_width_do_not_matter(pair, loss):
    """A student that makes the same relations in other units and more channels is right."""
    t = pair[1].detach()
    s = 3 * torch.cat([t, t], 1)
    assert loss(samples='images')(s, t).item() == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize('loss', COMPARING)
def test_batches_that_are_too_small_are_said(loss):
    assert loss(samples='images').least_batch == (3 if loss is RelationalLoss else 2)
    assert loss(samples='positions').least_batch == 1


def test_positions_are_those_of_a_grid():
    x = torch.randn(2, 3, 32, 16)
    rows = as_samples(x, 'positions')
    assert rows.shape == (2 * 8 * 8, 3)
    torch.testing.assert_close(rows[0], x[0, :, :4, :2].mean((1, 2)))
    assert as_samples(x[None], 'images').shape == (2, 3 * 32 * 16)


def test_pkt_of_two_samples():
    """Orthogonal vectors in the teacher, equal ones in the student: 1/3 and 2/3 against halves."""
    t, s = torch.eye(2), torch.ones(2, 2)
    expected = (2 * (2 / 3 * math.log(4 / 3)) + 2 * (1 / 3 * math.log(2 / 3))) / 4
    assert PKTLoss()(s, t).item() == pytest.approx(expected, rel=1e-4)


def test_kernel_alignment_of_two_samples():
    """Kernels I and 11': a cosine of 2 / (sqrt 2 * 2)."""
    value = KernelAlignmentLoss()(torch.ones(2, 1), torch.eye(2))
    assert value.item() == pytest.approx(1 - 1 / math.sqrt(2), rel=1e-5)


def test_mmd_of_two_points():
    """One sample each at a distance of 2: the median is that, so 1 + 1 - 2 exp(-1)."""
    loss = MMDLoss(samples='images')
    assert loss(torch.zeros(1, 1), torch.full((1, 1), 2.0)).item() == pytest.approx(2 - 2 * math.exp(-1))


def test_mmd_and_moments_need_no_pairs(pair):
    s = pair[0].detach()
    for loss in (MMDLoss, MomentLoss):
        assert loss(samples='images')(s[[3, 0, 4, 1, 2]], s).item() == pytest.approx(0.0, abs=1e-5)


def test_moments_are_those_of_each_feature():
    s, t = torch.tensor([[0.0, 0.0], [2.0, 0.0]]), torch.tensor([[0.0, 1.0], [0.0, 1.0]])
    # means 1 and 0 against 0 and 1; mean squares 2 and 0 against 0 and 1
    assert MomentLoss(samples='images')(s, t).item() == pytest.approx((1 + 1) / 2 + (2 + 1) / 2)


def test_relations_of_a_triangle():
    """A right triangle with legs 3 and 4: distances over their mean of 4, cosines 0, 3/5 and 4/5."""
    rows = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]])
    torch.testing.assert_close(distances(rows)[0], torch.tensor([0.0, 0.75, 1.0]))
    torch.testing.assert_close(angles(rows)[[0, 1, 2], [1, 0, 0], [2, 2, 1]], torch.tensor([0.0, 0.6, 0.8]))


def test_crd_is_information_about_the_sample():
    """Heads that keep features apart: -log of a softmax of 1 / T against zeros."""
    loss = CRDLoss(channels=3, dim=3, temperature=0.5)
    with torch.no_grad():
        for head in (loss.of_student, loss.of_teacher):
            head.weight.copy_(torch.eye(3))
            head.bias.zero_()
    expected = -math.log(math.exp(2) / (math.exp(2) + 2))
    assert loss(torch.eye(3), torch.eye(3)).item() == pytest.approx(expected, rel=1e-5)
    maps = torch.eye(3)[:, :, None, None].expand(-1, -1, 2, 2)
    assert loss(maps, torch.eye(3)).item() == pytest.approx(expected, rel=1e-5)
