"""`upfirdn2d` and what is built of it, against the definition written with loops, and its gradients."""

import importlib.util
import itertools

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

import mmagic_mikd  # noqa: F401  gives mmcv.ops where mmcv is not compiled

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec('mmcv._ext') is not None, reason='mmcv is compiled here and used as it is'
)


def naive_upfirdn2d(x, kernel, up, down, sides, flip, gain):
    """Zeros behind each pixel, pad or crop, slide the kernel, keep every `down`-th pixel: pixel by pixel."""
    if kernel.ndim == 1:
        kernel = torch.outer(kernel, kernel)
    kernel = kernel if flip else kernel.flip(0, 1)
    (up_x, up_y), (down_x, down_y), (left, right, top, bottom) = up, down, sides
    n, c, h, w = x.shape
    rows, columns = h * up_y + top + bottom, w * up_x + left + right
    padded = x.new_zeros(n, c, rows, columns)
    for i, j in itertools.product(range(h), range(w)):
        row, column = i * up_y + top, j * up_x + left
        if 0 <= row < rows and 0 <= column < columns:
            padded[:, :, row, column] = x[:, :, i, j]
    kh, kw = kernel.shape
    pixels = [
        [
            (padded[:, :, i : i + kh, j : j + kw] * kernel).sum((2, 3))
            for j in range(0, columns - kw + 1, down_x)
        ]
        for i in range(0, rows - kh + 1, down_y)
    ]
    return gain * torch.stack([torch.stack(row, -1) for row in pixels], -2)


def image(h=4, w=5, **kwargs):
    return torch.randn(2, 3, h, w, dtype=torch.float64, generator=torch.manual_seed(0), **kwargs)


def kernel(*shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.manual_seed(1))


SCALES = [(1, 1), (2, 2), (2, 1), (1, 3)]
SIDES = [(0, 0, 0, 0), (2, 1, 3, 0), (-1, 2, 1, -1), (-1, -1, -1, -1), (4, 4, 4, 4)]


@pytest.mark.parametrize('sides', SIDES)
@pytest.mark.parametrize('down', SCALES)
@pytest.mark.parametrize('up', SCALES)
def test_upfirdn2d_is_its_definition(up, down, sides):
    from mmcv.ops import upfirdn2d

    for f, flip in itertools.product((kernel(2, 3), kernel(3), kernel(1, 1)), (False, True)):
        expected = naive_upfirdn2d(image(6, 6), f, up, down, sides, flip, gain=1.5)
        result = upfirdn2d(image(6, 6), f, up, down, sides, flip, gain=1.5)
        torch.testing.assert_close(result, expected)


def test_upfirdn2d_reads_padding_and_scale_as_mmcv_does():
    from mmcv.ops import upfirdn2d

    f = kernel(3, 3)
    torch.testing.assert_close(upfirdn2d(image(), f, padding=2), upfirdn2d(image(), f, padding=(2, 2, 2, 2)))
    torch.testing.assert_close(
        upfirdn2d(image(), f, padding=(2, 1)), upfirdn2d(image(), f, padding=(2, 2, 1, 1))
    )
    torch.testing.assert_close(upfirdn2d(image(), f, up=2), upfirdn2d(image(), f, up=(2, 2)))


def test_upfirdn2d_without_a_filter_is_the_identity():
    from mmcv.ops import upfirdn2d

    assert torch.equal(upfirdn2d(image(), None), image())
    assert torch.equal(upfirdn2d(image(), None, up=2)[:, :, ::2, ::2], image())


@pytest.mark.parametrize(
    'up, down, sides', [(1, 1, (1, 0, 2, 1)), (2, 1, (2, 1, -1, 2)), (1, 2, (1, 1, 1, 1))]
)
@pytest.mark.parametrize('shape', [(3,), (2, 3)])
def test_upfirdn2d_has_exact_gradients(up, down, sides, shape):
    """The first gradient against that of the definition, the second as in a gradient penalty."""
    from mmcv.ops import upfirdn2d

    x = image(3, 3, requires_grad=True)
    f = kernel(*shape)
    y = upfirdn2d(x, f, up, down, sides)
    v = torch.randn(y.shape, dtype=y.dtype, generator=torch.manual_seed(2), requires_grad=True)
    (grad,) = torch.autograd.grad((y * v).sum(), x, create_graph=True)

    reference = x.detach().clone().requires_grad_()
    naive = naive_upfirdn2d(reference, f, (up, up), (down, down), sides, False, 1)
    torch.testing.assert_close(grad, torch.autograd.grad((naive * v).sum(), reference)[0])

    # y = A x is linear, so d/dv |A^T v|^2 = 2 A A^T v
    (second,) = torch.autograd.grad(grad.square().sum(), v)
    penalty = 2 * naive_upfirdn2d(grad.detach(), f, (up, up), (down, down), sides, False, 1)
    torch.testing.assert_close(second, penalty)
    assert gradgradcheck(lambda x: upfirdn2d(x, f, up, down, sides).square(), x)


@pytest.mark.parametrize('up', [1, 2, (2, 1)])
@pytest.mark.parametrize('shape', [(4,), (3, 5)])
def test_filter2d_and_upsample2d_keep_their_sizes(up, shape):
    from mmcv.ops import filter2d, upsample2d

    up_x, up_y = (up, up) if isinstance(up, int) else up
    f = kernel(*shape)
    height, width = (shape * 2)[:2] if len(shape) == 1 else shape
    assert filter2d(image(8, 8), f).shape == image(8, 8).shape
    assert upsample2d(image(8, 8), f, up=up).shape == (2, 3, 8 * up_y, 8 * up_x)
    sides = ((width + up_x - 1) // 2, (width - up_x) // 2, (height + up_y - 1) // 2, (height - up_y) // 2)
    expected = naive_upfirdn2d(image(8, 8), f, (up_x, up_y), (1, 1), sides, False, up_x * up_y)
    torch.testing.assert_close(upsample2d(image(8, 8), f, up=up), expected)


def test_upsample2d_keeps_the_brightness():
    from mmcv.ops import upsample2d

    flat = torch.ones(1, 1, 8, 8)
    box = torch.full((2, 2), 0.25)
    torch.testing.assert_close(upsample2d(flat, box, up=2), torch.ones(1, 1, 16, 16))


def test_filtered_lrelu_is_its_four_steps():
    from mmcv.ops import filtered_lrelu

    x, bias = image(5, 5), torch.tensor([0.1, -0.2, 0.3], dtype=torch.float64)
    up, down = kernel(4), kernel(3)
    y = naive_upfirdn2d(x + bias.view(1, 3, 1, 1), up, (2, 2), (1, 1), (3, 2, 1, 4), False, 4)
    y = (1.7 * torch.where(y > 0, y, 0.1 * y)).clamp(-0.8, 0.8)
    y = naive_upfirdn2d(y, down, (1, 1), (2, 2), (0, 0, 0, 0), False, 1)
    options = dict(up=2, down=2, padding=[3, 2, 1, 4], gain=1.7, slope=0.1, clamp=0.8)
    torch.testing.assert_close(filtered_lrelu(x, up, down, bias, **options), y)


def test_filtered_lrelu_has_first_and_second_gradients():
    from mmcv.ops import filtered_lrelu

    x = torch.randn(1, 2, 3, 3, dtype=torch.float64, generator=torch.manual_seed(0), requires_grad=True)
    bias = torch.randn(2, dtype=torch.float64, requires_grad=True)

    def smoothed(x, bias):
        return filtered_lrelu(x, kernel(3), kernel(2), bias, up=2, down=2, padding=2).square()

    assert gradcheck(smoothed, (x, bias))
    assert gradgradcheck(smoothed, (x, bias))
