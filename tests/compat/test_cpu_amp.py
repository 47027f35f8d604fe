"""The toolbox's mixed precision on a machine without an accelerator: the same wrapper, the CPU's own scaler."""

import pytest
import torch
from mmengine.optim import AmpOptimWrapper
from mmengine.runner.amp import autocast

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason='with a GPU, nothing is repaired')


def wrapper(**kwargs) -> tuple[torch.nn.Parameter, AmpOptimWrapper]:
    weight = torch.nn.Parameter(torch.tensor([2.0]))
    return weight, AmpOptimWrapper(optimizer=torch.optim.SGD([weight], lr=0.5), **kwargs)


def test_the_stock_wrapper_and_the_stock_autocast_refuse_the_cpu(stock):
    assert stock['cpu_amp: wrapper'].startswith('AssertionError') and 'gpu' in stock['cpu_amp: wrapper']
    assert stock['cpu_amp: autocast'].startswith('AssertionError')


@pytest.mark.parametrize(('dtype', 'expected'), [(None, 'float16'), ('float16',) * 2, ('bfloat16',) * 2])
def test_the_context_computes_in_the_precision_of_the_config(dtype, expected):
    _, amp = wrapper(dtype=dtype)
    matrix = torch.eye(2)
    with amp.optim_context(torch.nn.Identity()):
        assert (matrix @ matrix).dtype == getattr(torch, expected)
    assert (matrix @ matrix).dtype == torch.float32


def test_without_a_precision_the_functions_own_default_stays():
    with autocast():
        assert (torch.eye(2) @ torch.eye(2)).dtype == torch.bfloat16
    with autocast(dtype=torch.float16, enabled=False):
        assert (torch.eye(2) @ torch.eye(2)).dtype == torch.float32


def test_the_scale_is_in_the_gradient_and_not_in_the_step():
    weight, amp = wrapper()
    loss = (3 * weight).sum()
    amp.backward(amp.scale_loss(loss))
    assert weight.grad.item() == 3 * 65536
    amp.step()
    assert weight.item() == 2 - 0.5 * 3


def test_an_overflow_skips_the_step_and_halves_the_scale():
    weight, amp = wrapper(loss_scale=dict(init_scale=2.0**10))
    amp.update_params((weight * 1e38).sum())
    assert weight.item() == 2.0
    assert amp.loss_scaler.get_scale() == 2.0**9


def test_clipping_sees_the_gradient_without_the_scale():
    weight, amp = wrapper(clip_grad=dict(max_norm=1.0))
    amp.update_params((3 * weight).sum())
    assert weight.item() == pytest.approx(2 - 0.5, abs=1e-5)


def test_the_scale_is_saved_and_loaded():
    weight, amp = wrapper(loss_scale=dict(init_scale=2.0**10))
    amp.update_params((weight * 1e38).sum())
    _, other = wrapper()
    other.load_state_dict(amp.state_dict())
    assert other.loss_scaler.get_scale() == 2.0**9
