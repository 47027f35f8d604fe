"""A critic that stays blind is named, once."""

import pytest

from mmagic_mikd.guard import blind
from mmagic_mikd.guard.blind import BlindCritics


@pytest.fixture
def said(monkeypatch):
    lines = []
    monkeypatch.setattr(blind, 'print_log', lambda line, **_: lines.append(line))
    return lines


@pytest.mark.parametrize(('value', 'words'), [(1.0, 'every pair'), (0.503, 'than a coin')])
def test_it_is_named_after_five_hundred_iterations(said, value, words):
    critics = BlindCritics()
    for _ in range(499):
        critics.look(dict(mi_accuracy=value, loss=value))
    assert said == []
    for _ in range(1000):
        critics.look(dict(mi_accuracy=value))
    assert len(said) == 1 and words in said[0] and 'mi_accuracy' in said[0]


def test_one_that_learns_is_not(said):
    critics = BlindCritics()
    for step in range(2000):
        critics.look(dict(accuracy=1.0 if step % 400 else 0.9, mi_accuracy=0.8))
    assert said == []
