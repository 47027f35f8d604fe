"""The relation loss of StyleGAN features: closed forms, and loops without tensors."""

import math

import pytest
import torch

from mmagic_mikd.objectives import StyleRelationLoss
from mmagic_mikd.utils.errors import ConfigError


def maps(*rows):
    return torch.tensor(rows, dtype=torch.float32)[:, :, None, None]


def features(seed, channels=5, samples=3):
    return torch.randn(2 * samples, channels, 4, 4, generator=torch.Generator().manual_seed(seed))


def by_hand(student, teacher):
    """Lists of rows, the first half at w and the second at w + offset."""

    def distributions(rows):
        def cosine(a, b):
            return sum(x * y for x, y in zip(a, b, strict=True)) / math.hypot(*a) / math.hypot(*b)

        half = len(rows) // 2
        powers = [[math.exp(cosine(a, b)) for b in rows[half:]] for a in rows[:half]]
        return [[power / sum(row) for power in row] for row in powers]

    s, t = distributions(student), distributions(teacher)
    terms = [q * math.log(q / p) for ps, qs in zip(s, t, strict=True) for p, q in zip(ps, qs, strict=True)]
    return sum(terms) / len(s)


def test_equal_networks_cost_nothing_and_only_the_student_is_pulled():
    t = features(0).requires_grad_()
    assert StyleRelationLoss(30.0)(t.detach(), t).item() == pytest.approx(0, abs=1e-5)
    s = features(1).requires_grad_()
    StyleRelationLoss(30.0)(s, t).backward()
    assert t.grad is None and s.grad.isfinite().all()
    assert all(half.abs().sum() > 0 for half in s.grad.chunk(2))


def test_two_orthogonal_samples_that_the_student_cannot_tell_apart():
    """The teacher's rows are softmax(1, 0), and those of a student that makes one thing only are even."""
    teacher, student = maps([1, 0], [0, 1], [1, 0], [0, 1]), maps([1.0], [2.0], [3.0], [1.0])
    likely = math.e / (1 + math.e)
    expected = likely * math.log(2 * likely) + (1 - likely) * math.log(2 * (1 - likely))
    assert StyleRelationLoss()(student, teacher).item() == pytest.approx(expected, rel=1e-5)
    assert StyleRelationLoss(30.0)(student, teacher).item() == pytest.approx(30 * expected, rel=1e-5)


def test_it_is_what_loops_say_whatever_the_widths():
    s, t = features(2, channels=3), features(3, channels=7)
    expected = by_hand(s.flatten(1).tolist(), t.flatten(1).tolist())
    assert expected > 1e-4
    assert StyleRelationLoss()(s, t).item() == pytest.approx(expected, rel=1e-4)


def test_scale_does_not_matter():
    t = features(4)
    assert StyleRelationLoss()(3 * torch.cat([t, t], 1), t).item() == pytest.approx(0, abs=1e-6)


def test_what_is_not_two_halves_is_refused():
    with pytest.raises(ConfigError, match='as many at w'):
        StyleRelationLoss()(features(0)[:3], features(1)[:3])
    with pytest.raises(ConfigError, match='as many at w'):
        StyleRelationLoss()(features(0), features(1)[:4])


@pytest.mark.parametrize('settings', [dict(loss_weight=-1), dict(offset=0), dict(offset='far')])
def test_settings_that_cannot_work_are_named(settings):
    (name,) = settings
    with pytest.raises(ConfigError, match=f'StyleRelationLoss: {name}='):
        StyleRelationLoss(**settings)
