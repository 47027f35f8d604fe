"""What the gates let through to the student, to the last bit."""

import math

import pytest
import torch

from mmagic_mikd.guard.gate import admitted, passed


@pytest.mark.parametrize('admission', [True, False])
def test_a_gradient_joins_the_others_only_if_admitted(admission):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    shares = []

    def admits(part, rest):
        shares.append((part / rest).item())
        return torch.tensor(admission)

    y = 1 * x
    view = admitted(y, admits)
    (5 * (3 * view.sum() + 4 * y.sum())).backward()
    assert shares == [0.75]
    assert torch.equal(x.grad, torch.full((2,), 35.0 if admission else 20.0))


@pytest.mark.parametrize('factor', [math.nan, math.inf, 1e8, 0.1])
def test_a_gradient_that_is_not_admitted_leaves_no_trace(factor):
    """Not even that of rounding: 0.1 + 1e8 - 1e8 is not 0.1."""
    torch.manual_seed(0)
    x = torch.randn(64, requires_grad=True)
    (rest,) = torch.autograd.grad((x.sin() ** 2).sum() + x.exp().sum(), x)
    y = 1 * x
    view = admitted(y, lambda part, rest: torch.tensor(False))
    ((y.sin() ** 2).sum() + y.exp().sum() + factor * view.sum()).backward()
    assert torch.equal(x.grad, rest)


def test_what_passes_at_once_leaves_the_order_of_sums_alone():
    """Two other losses, so that the order of sums matters; then, as in a run, the objective's."""
    torch.manual_seed(0)
    x = torch.randn(64, requires_grad=True)
    norms = []

    def gradient(gate):
        y = 1 * x
        others = (y.sin() ** 2).sum() + y.exp().sum()
        return torch.autograd.grad(others + (0.1 * gate(y).cos()).sum(), x)[0]

    def gate(y):
        return passed(y, lambda *both: norms.append(both), y.register_hook, strict=True)

    assert torch.equal(gradient(gate), gradient(lambda y: y))
    expected = [(0.1 * x.sin()).norm(), (2 * x.sin() * x.cos() + x.exp()).norm()]
    assert torch.allclose(torch.stack(norms[0]), torch.stack(expected), rtol=1e-5)


@pytest.mark.parametrize('value', [math.nan, math.inf])
@pytest.mark.parametrize('strict', [True, False])
def test_what_is_not_finite_does_not_pass_unless_nobody_minds(value, strict):
    x = torch.randn(8, requires_grad=True)
    (rest,) = torch.autograd.grad(x.exp().sum(), x)
    norms, y = [], 1 * x
    view = passed(y, lambda *both: norms.append(both), y.register_hook, strict)
    (y.exp().sum() + value * view.sum()).backward()
    assert torch.equal(x.grad, rest) == strict
    assert not norms[0][0].isfinite() and norms[0][1].isfinite() == strict


def balanced(part, rest, ratio, waits):
    """The gradient at x of the rest and a part that a gate brings to ``ratio``, and what the gate was told."""
    x = torch.randn(64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    y, told = 1 * x, []

    def look(*norms):
        told.append([norm.item() for norm in norms])
        return torch.tensor(True)

    view = admitted(y, look, ratio) if waits else passed(y, look, y.register_hook, True, ratio)
    (gradient,) = torch.autograd.grad(part(view) + rest(y), x)
    return x, gradient, told


@pytest.mark.parametrize('waits', [True, False])
@pytest.mark.parametrize('weight', [1e-6, 1.0, 1e6])
def test_a_ratio_sets_the_weight_whatever_it_was(waits, weight):
    x, gradient, told = balanced(lambda y: weight * (y**3).sum(), lambda y: y.sin().sum(), 0.5, waits)
    part, rest = 3 * x**2, x.cos()
    torch.testing.assert_close(gradient, (rest + 0.5 * rest.norm() / part.norm() * part).detach())
    assert told[0][0] / told[0][1] == pytest.approx(0.5, rel=1e-5)


@pytest.mark.parametrize('waits', [True, False])
def test_a_ratio_to_nothing_leaves_the_weight(waits):
    x, gradient, _ = balanced(lambda y: (y**3).sum(), lambda y: 0 * y.sum(), 0.5, waits)
    torch.testing.assert_close(gradient, (3 * x**2).detach())
    _, gradient, _ = balanced(lambda y: 0 * y.sum(), lambda y: y.sin().sum(), 0.5, waits)
    torch.testing.assert_close(gradient, x.cos().detach())
