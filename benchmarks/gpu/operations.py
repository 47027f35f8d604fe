"""mmcv's operations on the device, compiled or in plain PyTorch, against float64 on the CPU."""

from collections.abc import Callable

import torch
from torch import Tensor

from mmagic_mikd.compat.mmcv_ops import is_uncompiled

from .bench import Bench, deviation, exact

TOLERANCE = 1e-4
ONCE = ('deform_conv2d', 'modulated_deform_conv2d')  # have no second derivative


def cases() -> dict[str, tuple[Callable[..., Tensor], tuple[tuple[int, ...], ...]]]:
    """Name to function and shapes of its inputs."""
    from mmcv import ops

    image, kernel = (2, 4, 16, 16), (4, 4)
    return dict(
        upfirdn2d=(lambda x, f: ops.upfirdn2d(x, f, up=2, padding=(2, 1)), (image, kernel)),
        filter2d=(lambda x, f: ops.filter2d(x, f), (image, kernel)),
        upsample2d=(lambda x, f: ops.upsample2d(x, f), (image, kernel)),
        bias_act=(lambda x, b: ops.bias_act(x, b, act='lrelu'), (image, (4,))),
        fused_bias_leakyrelu=(lambda x, b: ops.fused_bias_leakyrelu(x, b), (image, (4,))),
        filtered_lrelu=(
            lambda x, f, b: ops.filtered_lrelu(x, f, f, b, up=2, down=2, padding=3),
            (image, kernel, (4,)),
        ),
        conv2d=(lambda x, w: ops.conv2d_gradfix.conv2d(x, w, padding=1), (image, (3, 4, 3, 3))),
        conv_transpose2d=(
            lambda x, w: ops.conv2d_gradfix.conv_transpose2d(x, w, stride=2),
            (image, (4, 3, 3, 3)),
        ),
        deform_conv2d=(
            lambda x, o, w: ops.deform_conv2d(x, o, w, 1, 1),
            (image, (2, 18, 16, 16), (3, 4, 3, 3)),
        ),
        modulated_deform_conv2d=(
            lambda x, o, m, w: ops.modulated_deform_conv2d(x, o, m, w, None, 1, 1),
            (image, (2, 18, 16, 16), (2, 9, 16, 16), (3, 4, 3, 3)),
        ),
    )


def run(bench: Bench) -> None:
    exact()
    kind = 'plain PyTorch' if is_uncompiled() else 'compiled'
    for name, (function, shapes) in cases().items():
        with bench.row(operation=name, kind=kind) as row:
            draw = torch.Generator().manual_seed(0)
            inputs = [torch.randn(shape, generator=draw, dtype=torch.float64) for shape in shapes]
            expected = results(function, inputs, name not in ONCE)
            found = results(function, [x.float().to(bench.device) for x in inputs], name not in ONCE)
            parts = ('forward', 'gradient', 'second')
            row |= {part: deviation(a, b) for part, a, b in zip(parts, found, expected, strict=False)}
            row['ok'] = max(row[part] for part in parts if part in row) < TOLERANCE


def results(function: Callable[..., Tensor], inputs: list[Tensor], twice: bool) -> list[Tensor]:
    """What it makes, the gradient, and the gradient of the gradient's norm, each as one vector."""
    inputs = [x.clone().requires_grad_() for x in inputs]
    made = function(*inputs)
    gradient = flat(torch.autograd.grad((made**2).sum(), inputs, create_graph=twice))
    if not twice:
        return [made, gradient]
    second = torch.autograd.grad((gradient**2).sum(), inputs, allow_unused=True)
    return [made, gradient, flat([g for g in second if g is not None])]


def flat(tensors) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in tensors])
