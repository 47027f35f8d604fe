"""What a layer has made, of all its runs, and the gradient that arrives there."""

import pytest
import torch
from torch import nn

from mmagic_mikd.host.features import LayerTap
from mmagic_mikd.utils.errors import ConfigError


class Recurrent(nn.Module):
    """One layer for all frames, as in MMagic's video networks."""

    def __init__(self, *counts: int) -> None:
        super().__init__()
        self.layer, self.counts = nn.Linear(2, 2), counts

    def forward(self, x):
        return torch.cat([self.layer(x[:count]) for count in self.counts])


def tapped(network, x):
    tap = LayerTap(network.layer, lambda: True)
    return network(x), tap


def test_all_runs_of_a_layer_are_samples():
    network, x = Recurrent(3, 2), torch.randn(3, 2)
    made, tap = tapped(network, x)
    feature = tap.take()
    torch.testing.assert_close(feature.tensor, made)
    assert tap.take() is None
    seen = []
    feature.on_gradient(seen.append)
    (made.sum() + 2 * feature.tensor.sum()).backward()
    torch.testing.assert_close(seen, [torch.full((5, 2), 3.0)])


def test_one_run_is_what_it_was():
    made, tap = tapped(Recurrent(3), torch.randn(3, 2))
    assert torch.equal(tap.take().tensor, made)


def test_runs_that_make_other_shapes_are_refused():
    """As of an activation that a network has once and uses everywhere."""
    network = nn.Module()
    network.layer = nn.ReLU()
    tap = LayerTap(network.layer, lambda: True)
    for side in (2, 4):
        network.layer(torch.zeros(1, 3, side, side))
    with pytest.raises(ConfigError, match=r'2 times .* shapes \(1, 3, 2, 2\) and \(1, 3, 4, 4\); name one'):
        tap.take()
