"""A module in training: what it is built for, what it is given, and energies of features."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from mmagic_mikd.backbones.backbone import Backbone
from mmagic_mikd.backbones.random_features import RandomFeatures
from mmagic_mikd.engine.first_batch import FirstBatch
from mmagic_mikd.engine.kinds import weighted
from mmagic_mikd.objectives import KernelAlignmentLoss, LaplaceLoss, VIDLoss
from mmagic_mikd.objectives.features import FeatureObjective
from mmagic_mikd.objectives.objective import Objective, Place

PLACE = Place()


def test_a_module_of_a_layer_waits_for_the_channels_of_the_teacher():
    objective = Objective(
        'x', dict(a=VIDLoss()), PLACE, make_loss=lambda channels: VIDLoss(channels=channels)
    )
    assert objective.built is None and objective.learns
    objective.build(2, 7)
    assert objective.built == (2, 7) and objective.losses['a'].alpha.shape == (7,)
    earlier = Objective('x', dict(a=VIDLoss()), PLACE, make_loss=lambda channels: VIDLoss(channels=channels))
    earlier.build()  # from a checkpoint of a version in which it did not wait
    assert earlier.losses['a'].alpha.shape == (3,)


class Beside(nn.Module):
    """Asks for what the generator was given."""

    asks_input = True

    def forward(self, student, teacher, x):
        return (student - teacher + x).mean()


@pytest.mark.parametrize('weight', [None, 3.0])
def test_one_that_asks_for_the_input_gets_it(weight):
    objective = Objective('x', dict(a=weighted(Beside(), weight)), PLACE)
    s, t, x = (torch.full((1, 3, 2, 2), value) for value in (1.0, 0.25, 0.5))
    view = SimpleNamespace(name='a', x=x, at=lambda place, gate=None: (s, t))
    expected = 1.25 * (weight or 1.0)
    assert objective([view], None).item() == objective.learning_loss([view]).item() == expected


@pytest.mark.parametrize('loss', [VIDLoss, LaplaceLoss])
def test_energies_of_features_differ_as_their_losses_do(loss):
    torch.manual_seed(0)
    backbone = Backbone(RandomFeatures(3, (4, 8)), None, 'backbone')
    objective = FeatureObjective(
        'x', dict(a=backbone), loss(), lambda channels: loss(channels=channels, per_channel=True), PLACE
    )
    s, t = torch.randn(2, 2, 3, 16, 16)

    def view(rows):
        return SimpleNamespace(name='a', x=None, at=lambda place, gate=None: (s[rows], t[rows]))

    objective.build(*objective.sizes([view(slice(None))]))
    assert objective.built == (4, 8)
    with torch.no_grad():
        for module in objective.losses['a']:
            for parameter in module.parameters():
                parameter.copy_(torch.linspace(-2, 1, len(parameter)))
        energy = objective.energy('a', backbone(t), backbone(s))
        losses = torch.stack([objective.learning_loss([view(slice(i, i + 1))]) for i in (0, 1)])
    assert energy.shape == (2,) and (energy[0] - energy[1]).abs() > 1e-4
    torch.testing.assert_close(energy, losses)


@pytest.mark.parametrize(
    ('count', 'samples', 'said'), [(4, 'images', 1), (8, 'images', 0), (2, 'positions', 0)]
)
def test_few_samples_are_said_once(monkeypatch, count, samples, said):
    heard = []
    monkeypatch.setattr('mmagic_mikd.engine.first_batch.print_log', lambda text, *_: heard.append(text))
    objective = Objective('x', dict(a=KernelAlignmentLoss(samples=samples)), PLACE)
    view = SimpleNamespace(s=torch.zeros(count, 3, 8, 8), require_pictures=lambda place: None)
    first = FirstBatch(lambda *_: None)
    for _ in range(2):
        first.begin(objective, [view])
    assert len(heard) == said
    assert all('4 say little' in text and 'batch_size to 8 or more' in text for text in heard)
