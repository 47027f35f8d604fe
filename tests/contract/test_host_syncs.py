"""An iteration of ours asks the device for two things: the guard's verdict, and the log at its end."""

from collections import Counter

import pytest
import torch
from host_syncs import HostSyncs, counted, distilled_by

from mmagic_mikd.engine.recipes import RECIPES
from mmagic_mikd.objectives import pyramid_laplace

VERDICT = ('tolist', 'mmagic_mikd/guard/symptoms.py:read')
LOG = ('tolist', 'mmagic_mikd/engine/log.py:write')


@pytest.fixture(scope='module')
def toolbox(tmp_path_factory):
    """What the toolbox asks for without us."""
    return counted(distilled_by(None, tmp_path_factory.mktemp('plain'))).found


@pytest.mark.parametrize('recipe', sorted(set(RECIPES) - {'sliced_pyramid_early'}))
def test_no_recipe_waits_for_anything_else(tmp_path, toolbox, recipe):
    syncs = counted(distilled_by(recipe, tmp_path))
    assert syncs.ours == Counter({VERDICT: 1, LOG: 1})
    assert syncs.found - syncs.ours == toolbox and toolbox['item', ''] > 0


def test_a_recipe_that_has_ended_shows_nothing_to_log(tmp_path):
    assert counted(distilled_by('sliced_pyramid_early', tmp_path)).ours == Counter({VERDICT: 1})


def test_what_waits_is_found_and_placed(tmp_path, monkeypatch):
    def pyramid(image, bands, stock=pyramid_laplace.pyramid):
        return stock(image, bands) if image.mean().item() < 1e9 else []

    monkeypatch.setattr(pyramid_laplace, 'pyramid', pyramid)
    places = [place for _, place in counted(distilled_by('pyramid', tmp_path)).ours]
    assert 'mmagic_mikd/objectives/pyramid_laplace.py:_energy' in places


WAITS = {
    'item': lambda x: x[0].item(),
    'tolist': lambda x: x.tolist(),
    '__bool__': lambda x: bool(x[0] > 0),
    'cpu': lambda x: x.cpu(),
    'nonzero': lambda x: x.nonzero(),
    'masked_select': lambda x: x.masked_select(x > 0),
    'index': lambda x: x[x > 0],
    'tensor': lambda x: torch.tensor([1.0], device=x.device),
    'new_tensor': lambda x: x.new_tensor([1.0]),
    None: lambda x: (x + 1).sum().clamp(min=0) * x[1] + x.new_zeros(2).mean() + torch.tensor(1.0),
}


@pytest.mark.parametrize('call', WAITS)
def test_every_way_of_waiting_counts_once(call):
    x = torch.ones(3)
    with HostSyncs() as syncs:
        WAITS[call](x)
    assert [name for name, _ in syncs.found.elements()] == ([call] if call else [])
