"""An objective that does nothing is named, once."""

import pytest
from torch import nn

from mmagic_mikd.guard import faint
from mmagic_mikd.guard.faint import FaintObjectives
from mmagic_mikd.objectives.objective import Objective, Place


@pytest.fixture
def said(monkeypatch):
    lines = []
    monkeypatch.setattr(faint, 'print_log', lambda line, **_: lines.append(line))
    return lines


def look(ratios, steps=300, progress=0.1, **settings):
    """At one objective, `pyramid`, for so many updates with these ratios, over and over."""
    objective, watch = (
        Objective('pyramid', dict(generator=nn.L1Loss()), Place(), **settings),
        FaintObjectives(),
    )
    for step in range(steps):
        values = dict(distance=0.1, other_grad_ratio=0.001, pyramid_grad_ratio=ratios[step % len(ratios)])
        watch.look([objective], values, progress)


def test_it_is_named_once_after_a_hundred_updates(said):
    look([0.0008], steps=99)
    assert said == []
    look([0.0008])
    (line,) = said
    assert 'pyramid_grad_ratio has been below 0.01 for 100 updates, now 0.0008' in line
    assert 'loss_weight by about 625, or set gradient_ratio=0.5' in line


def test_what_fades_is_measured_by_its_whole_weight(said):
    look([0.008], progress=0.5, until=0.6)  # a sixth of its weight is left
    assert said == []
    look([0.001], progress=0.5, until=0.6)
    assert len(said) == 1


@pytest.mark.parametrize(
    ('ratios', 'settings'),
    [
        ([0.4], {}),
        ([0.001] * 50 + [0.02], {}),
        ([0.0], {}),  # the student is its teacher
        ([0.001], dict(ratio=0.001)),  # as it is wanted
        ([0.001], dict(until=0.05)),  # it is over
    ],
)
def test_others_are_not(said, ratios, settings):
    look(ratios, **settings)
    assert said == []


def test_of_several_pairs_the_loudest_counts(said):
    objective, watch = Objective('mi', dict(a=nn.L1Loss()), Place()), FaintObjectives()
    for _ in range(300):
        watch.look([objective], dict(mi_grad_ratio_a=0.001, mi_grad_ratio_b=0.5), 0.0)
    assert said == []


def test_a_weight_of_zero_has_no_ratio(said):
    objective, watch = Objective('mi', dict(a=nn.L1Loss()), Place(), weight=0.0), FaintObjectives()
    for _ in range(300):
        watch.look([objective], dict(mi_accuracy=0.9), 0.0)
    assert said == []
