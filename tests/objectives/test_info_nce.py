"""The contrastive bound: cases whose value is known, its ceiling, and what it may look at."""

import math

import pytest
import torch
from torch import nn

from mmagic_mikd.objectives import InfoNCELoss
from mmagic_mikd.objectives.info_nce import info_nce
from mmagic_mikd.utils.errors import ConfigError

T = 0.07


def on_pixels(**settings) -> InfoNCELoss:
    """The loss with the pixels themselves for an embedding, so that the geometry is known."""
    loss = InfoNCELoss(**settings)
    loss.embed = nn.Identity()
    return loss


def orthogonal(batch: int = 2) -> torch.Tensor:
    """Images (batch, 3, 4, 4) of 2 px patches, each of which lights a value of its own."""
    count = 4 * batch
    assert count <= 12
    patches = torch.eye(12)[:count].reshape(batch, 4, 12).transpose(1, 2)
    return nn.functional.fold(patches, 4, 2, stride=2)


def random_images(n: int = 2, shape: tuple = (2, 3, 8, 12)) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator).requires_grad_() for _ in range(n)]


def test_identical_orthogonal_patches():
    """-log(e^(1/T) / (e^(1/T) + n - 1)); at T = 1, where its second part is not lost in rounding."""
    for batch in (1, 2):
        images, n = orthogonal(batch), 4 * batch
        expected = -math.log(math.e / (math.e + n - 1))
        loss = on_pixels(patch_size=2, temperature=1.0, loss_weight=3.0)
        assert loss(images, images).item() == pytest.approx(3 * expected, rel=1e-5)
        exact = info_nce(torch.eye(n).double(), torch.eye(n).double(), T).item()
        assert exact == pytest.approx(math.log1p((n - 1) * math.exp(-1 / T)), rel=1e-6)


def test_indistinguishable_patches_cost_log_n():
    loss = InfoNCELoss(patch_size=4)
    student, _ = random_images()
    n = 2 * 2 * 3
    assert loss(student, torch.ones(2, 3, 8, 12)).item() == pytest.approx(math.log(n), rel=1e-5)


def test_the_positive_is_the_patch_at_the_same_place_of_the_same_image():
    """The two images of the teacher exchanged: the cosine of the positive is 0, that of one negative 1."""
    images = orthogonal(2)
    exchanged = orthogonal(2).flip(0)
    loss = on_pixels(patch_size=2, temperature=1.0)
    expected = -math.log(1 / (math.e + 7))
    assert loss(images, exchanged).item() == pytest.approx(expected, rel=1e-5)


def test_bound_has_the_ceiling_log_n_and_more_dependence_raises_it():
    """log n - loss, on patches that share a growing part with their positive."""
    loss = on_pixels(patch_size=2)
    teacher, noise = random_images(shape=(2, 3, 32, 32))
    n = 2 * 16 * 16
    bounds = [math.log(n) - loss(a * teacher + (1 - a) * noise, teacher).item() for a in (0.0, 0.3, 0.6, 1.0)]
    assert bounds == sorted(bounds) and bounds[-1] <= math.log(n)
    assert bounds[-1] > math.log(256) - 0.5 and bounds[0] < 0.1


def test_it_bounds_the_information_of_a_patch_at_a_random_place_and_not_that_of_the_image():
    """One image that is always the same says nothing, I(T;S) = 0, and its eight patches say where they are."""
    images = orthogonal(2)
    bound = math.log(8) - on_pixels(patch_size=2)(images, images).item()
    assert bound == pytest.approx(math.log(8), abs=1e-4)


def test_no_more_patches_than_asked_for():
    images = orthogonal(2)
    loss = on_pixels(patch_size=2, temperature=1.0, num_patches=3)
    assert loss(images, images).item() == pytest.approx(-math.log(math.e / (math.e + 2)), rel=1e-5)


def test_drawn_patches_differ_from_draw_to_draw_and_follow_the_seed():
    student, _ = random_images()
    loss = InfoNCELoss(patch_size=4, num_patches=3)

    def touched(seed):
        torch.manual_seed(seed)
        (gradient,) = torch.autograd.grad(loss(student, random_images()[1]), student)
        return nn.functional.avg_pool2d(gradient.abs().sum(1), 4) > 0

    assert torch.equal(touched(1), touched(1))
    masks = [touched(seed) for seed in range(64)]
    assert all(mask.sum() == 3 for mask in masks) and sum(masks).bool().all()


def test_order_of_the_batch_does_not_matter():
    student, teacher = random_images(shape=(4, 3, 8, 8))
    loss, order = InfoNCELoss(patch_size=4), torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(loss(student[order], teacher[order]), loss(student, teacher))


def test_gradient_reaches_student_and_embedding_only():
    student, teacher = random_images()
    loss = InfoNCELoss(patch_size=4)
    loss(student, teacher).backward()
    assert teacher.grad is None and student.grad.abs().sum() > 0
    assert all(p.grad.abs().sum() > 0 for p in loss.embed.parameters())


def test_a_learned_embedding_raises_the_bound():
    """Half the pixels of each patch are noise of their own; the embedding learns to look at the others."""
    shared, noise = (x.detach() for x in random_images(shape=(4, 3, 16, 16)))
    keep = torch.tensor([1.0, 0.0]).repeat(8)
    student, teacher = shared + 3 * noise * (1 - keep), shared - 3 * noise.flip(0) * (1 - keep)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        loss = InfoNCELoss(patch_size=4, dim=32)
    optimizer = torch.optim.Adam(loss.parameters(), lr=1e-2)
    start = loss(student, teacher).item()
    for _ in range(60):
        optimizer.zero_grad()
        loss(student, teacher).backward()
        optimizer.step()
    assert loss(student, teacher).item() < 0.5 * start


@pytest.mark.parametrize('shape', [(1, 3, 4, 7), (2, 4, 8, 8), (2, 64, 3)])
def test_what_cannot_be_contrasted_is_named(shape):
    with pytest.raises(ConfigError, match='set `channels` and `patch_size` of this entry'):
        InfoNCELoss(patch_size=4)(torch.ones(shape), torch.ones(shape))


def test_frames_of_a_clip_count_like_images():
    student, teacher = random_images()
    loss = InfoNCELoss(patch_size=4)
    torch.testing.assert_close(loss(student[None], teacher[None]), loss(student, teacher))


@pytest.mark.parametrize(
    'settings',
    [
        dict(temperature=0),
        dict(temperature=1e-50),
        dict(dim=10**9),
        dict(patch_size=2.5),
        dict(num_patches=1),
    ],
)
def test_settings_out_of_range_are_named(settings):
    with pytest.raises(ConfigError, match=f'InfoNCELoss: {next(iter(settings))}='):
        InfoNCELoss(**settings)
