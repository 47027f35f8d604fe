"""ADA cannot be trained through: "derivative for aten::grid_sampler_2d_backward is not implemented".

`grid_sample_gradfix` knows PyTorch 1.5 to 1.10 and falls back to one without second gradients, which R1 takes.
No upstream thread. The other version switches of MMagic (PGGAN, DDPM, EG3D, ToMe, Inception) choose right.
Delete this file when `_should_use_custom_op` is true for today's PyTorch.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from . import on_import

MODULE = 'mmagic.models.editors.stylegan2.ada.grid_sample_gradfix'
BILINEAR, ZEROS = 0, 0  # as aten numbers them


def apply(report) -> None:
    on_import.after(MODULE, lambda module: report(repair(module)))


def repair(grid_sample_gradfix) -> bool:
    """Give it gradients of every order with respect to the images, as the original has; a grid is constant."""
    if torch.__version__.startswith(('1.5.', '1.6.', '1.7.', '1.8.', '1.9.', '1.10.')):
        return False

    def grid_sample(input: Tensor, grid: Tensor) -> Tensor:
        return _stock(input, grid) if grid.requires_grad else _Sample.apply(input, grid)

    grid_sample_gradfix.grid_sample = grid_sample
    return True


def _stock(image: Tensor, grid: Tensor) -> Tensor:
    return F.grid_sample(image, grid, mode='bilinear', padding_mode='zeros', align_corners=False)


class _Sample(torch.autograd.Function):
    """Linear in the image, so that what goes back is `_Spread` whatever the image is."""

    @staticmethod
    def forward(ctx, image: Tensor, grid: Tensor) -> Tensor:
        ctx.save_for_backward(grid)
        ctx.shape = image.shape
        return _stock(image, grid)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        (grid,) = ctx.saved_tensors
        return _Spread.apply(gradient, grid, ctx.shape), None


class _Spread(torch.autograd.Function):
    """The transpose of sampling, whose own gradient is sampling again."""

    @staticmethod
    def forward(ctx, gradient: Tensor, grid: Tensor, shape: torch.Size) -> Tensor:
        ctx.save_for_backward(grid)
        image = gradient.new_zeros(shape)  # only its shape matters
        backward = torch.ops.aten.grid_sampler_2d_backward
        return backward(gradient, image, grid, BILINEAR, ZEROS, False, [True, False])[0]

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
        (grid,) = ctx.saved_tensors
        return _Sample.apply(gradient, grid), None, None
