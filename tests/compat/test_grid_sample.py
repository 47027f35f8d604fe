"""ADA: sampling on a grid has first and second gradients."""

import pytest
import torch
import torch.nn.functional as F

from mmagic_mikd import compat


@pytest.fixture
def sample():
    from mmagic.models.editors.stylegan2.ada import grid_sample_gradfix

    assert 'grid_sample_twice' in compat.applied()
    return grid_sample_gradfix.grid_sample


@pytest.fixture
def image_and_grid():
    image = torch.randn(2, 3, 5, 6, dtype=torch.double, requires_grad=True)
    return image, 2.4 * torch.rand(2, 4, 7, 2, dtype=torch.double) - 1.2  # some of it outside


def test_values_and_first_gradients_are_those_of_torch(sample, image_and_grid):
    image, grid = image_and_grid
    stock = F.grid_sample(image, grid, mode='bilinear', padding_mode='zeros', align_corners=False)
    weights = torch.randn_like(stock)
    assert torch.equal(sample(image, grid), stock)
    ours, theirs = (torch.autograd.grad((x * weights).sum(), image)[0] for x in (sample(image, grid), stock))
    assert torch.equal(ours, theirs)


def test_first_and_second_gradients_are_those_of_differences(sample, image_and_grid):
    image, grid = image_and_grid
    assert torch.autograd.gradcheck(lambda x: sample(x, grid), image)
    assert torch.autograd.gradgradcheck(lambda x: sample(x, grid).pow(3), image)


def test_a_penalty_on_gradients_trains_through_it(sample, image_and_grid):
    """As R1 does: without the repair the second backward is not implemented."""
    image, grid = image_and_grid
    layer = torch.nn.Conv2d(3, 2, 3).double()
    (gradient,) = torch.autograd.grad(layer(sample(image, grid)).square().sum(), image, create_graph=True)
    gradient.square().sum().backward()
    assert layer.weight.grad.abs().sum() > 0


def test_a_grid_that_learns_keeps_its_gradient(sample, image_and_grid):
    image, grid = image_and_grid
    grid.requires_grad_()
    sample(image, grid).sum().backward()
    assert grid.grad.abs().sum() > 0


def test_the_augmentation_trains_twice(sample):
    from mmagic.models.editors.stylegan2.ada.augment import AugmentPipe

    pipe = AugmentPipe(xflip=1, rotate90=1, xint=1, scale=1, rotate=1, aniso=1, xfrac=1)
    pipe.p.fill_(1.0)
    image = torch.rand(2, 3, 16, 16, requires_grad=True)
    (gradient,) = torch.autograd.grad(pipe(image).pow(3).sum(), image, create_graph=True)
    gradient.square().sum().backward()
    assert image.grad.isfinite().all() and image.grad.abs().sum() > 0
