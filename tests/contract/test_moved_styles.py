"""An objective on features at two styles: what both networks are given, and what is refused."""

import copy

import pytest
import torch
from families import hook_of, scalars, train
from host_syncs import counted
from mmengine.runner import Runner
from objective_rows import Witness, base_config, distilled

from mmagic_mikd.engine.view import View
from mmagic_mikd.host.styles import directions
from mmagic_mikd.objectives import StyleRelationLoss
from mmagic_mikd.utils.errors import ConfigError

VERDICT = ('tolist', 'mmagic_mikd/guard/symptoms.py:read')
LOG = ('tolist', 'mmagic_mikd/engine/log.py:write')
RELATION = dict(type='StyleRelationLoss', loss_weight=30.0, layer='convs.1')


pytestmark = pytest.mark.usefixtures('one_thread')


@pytest.fixture(scope='module')
def base(tmp_path_factory):
    return base_config('one_mapping', tmp_path_factory.mktemp('styles'), 2)


class Styles(Witness):
    """Keeps what went into both networks, and what came out of the layer, in each step."""

    def before_train_iter(self, runner, *args, **kwargs):
        super().before_train_iter(runner, *args, **kwargs)
        if runner.iter:
            return
        (self.pair,) = hook_of(runner).pairs
        self.before = copy.deepcopy(self.pair.student.state_dict())
        self.w, self.made = dict(student=[], teacher=[]), dict(student=[], teacher=[])
        for name in self.w:
            network = getattr(self.pair, name)
            network.constant_input.register_forward_pre_hook(self.keep(self.w[name], 0))
            network.convs[1].register_forward_hook(self.keep(self.made[name], 1))

    @staticmethod
    def keep(into, where):
        def hook(module, *seen):
            tensor = seen[where][0] if where == 0 else seen[where]
            if torch.is_grad_enabled() or len(into) < 100:
                into.append(tensor.detach().clone())

        return hook


def witnessed(cfg, monkeypatch):
    """A run, with what the objective was given in each step."""
    looks, at = [], View.at

    def seen(view, place, gate=None):
        found = at(view, place, gate)
        looks.append(tuple(x.detach().clone() for x in found))
        return found

    monkeypatch.setattr(View, 'at', seen)
    runner, witness = Runner.from_cfg(copy.deepcopy(cfg)), Styles()
    runner.register_hook(witness)
    runner.train()
    return runner, witness, looks


def find(tensor, among):
    """Where it is among these."""
    (place,) = [
        i for i, other in enumerate(among) if other.shape == tensor.shape and torch.equal(other, tensor)
    ]
    return place


def test_both_networks_are_moved_the_same_way(base, tmp_path, monkeypatch):
    runner, witness, looks = witnessed(distilled(base, tmp_path, dict(relation=RELATION)), monkeypatch)
    ways, offsets = directions(witness.pair.teacher, 1), []
    for step, (s, t) in enumerate(looks):
        assert len(s) == len(t) == 4  # two samples, at two styles each
        moves = []
        for name, features in (('student', s), ('teacher', t)):
            places = [find(half, witness.made[name]) for half in features.chunk(2)]
            w, moved = (witness.w[name][place] for place in places)
            moves.append(moved - w)
        torch.testing.assert_close(*moves, rtol=0, atol=1e-5)
        assert torch.allclose(moves[0], moves[0][:, :1], atol=1e-5)  # in all layers
        for offset in moves[1][:, 0]:
            cosines = ways @ offset / offset.norm()
            assert cosines.abs().max() == pytest.approx(1, abs=1e-4)
        offsets.append(moves[0])
        value = scalars(runner)['loss_distill_relation'][step]
        assert value == pytest.approx(StyleRelationLoss(30.0)(s, t).item(), rel=1e-5)
    assert len(offsets) == 2 and (offsets[0] - offsets[1]).abs().max() > 0.1  # drawn anew


def test_of_equal_networks_the_relation_is_none(base, tmp_path):
    """The same weights, inputs, offsets and noise."""
    cfg = distilled(base, tmp_path, dict(relation=RELATION), start='inherited')
    cfg.model.generator.width = cfg.default_hooks.distill.teacher.model.generator.width
    cfg.load_from, cfg.train_cfg.max_iters = None, 1
    log = scalars(train(cfg))
    assert log['loss_distill_relation'][0] == pytest.approx(0, abs=1e-5)
    assert log['distance'][0] == pytest.approx(0, abs=1e-6)


def test_several_layers_share_one_move(base, tmp_path, monkeypatch):
    two = dict(low=dict(RELATION, layer='conv1'), high=RELATION)
    _, witness, looks = witnessed(distilled(base, tmp_path, two), monkeypatch)
    assert len(looks) == 4
    asked = [w for w in witness.w['teacher'] if len(w) == 2]
    assert len(asked) == 4  # a step asks twice, whatever the number of layers


def test_a_step_waits_for_the_device_no_longer(base, tmp_path):
    """The guard's verdict and the log, as with every objective; the toolbox's layers copy in each call."""
    cfg = distilled(base, tmp_path, dict(relation=RELATION))
    cfg.train_cfg.max_iters, cfg.default_hooks.logger.interval, cfg.default_hooks.checkpoint = 3, 100, None
    places = ('mmagic_mikd/host/styles.py:call', 'mmagic_mikd/engine/pair.py:_teachers_image')
    copies = [('tensor', place) for place in places]
    asked = {key: n for key, n in counted(cfg).ours.items() if key not in copies}
    assert asked == {VERDICT: 1, LOG: 1}


def test_an_unrelated_mapping_network_is_refused(base, tmp_path):
    cfg = distilled(base, tmp_path, dict(relation=RELATION))
    cfg.load_from = None
    with pytest.raises(
        ConfigError, match=r"relation moves the styles.*start=dict\(style_mapping='inherited'\)"
    ):
        train(cfg)


def test_its_own_start_is_the_remedy(base, tmp_path):
    cfg = distilled(base, tmp_path, dict(relation=RELATION), start=dict(style_mapping='inherited'))
    cfg.load_from = None
    assert scalars(train(cfg))['loss_distill_relation'].size == 2


def test_styles_of_another_width_are_refused(base, tmp_path):
    cfg = distilled(base, tmp_path, dict(relation=RELATION))
    cfg.load_from = None
    cfg.model.generator.update(style_channels=16, noise_size=8)
    with pytest.raises(ConfigError, match='they are 16 and 8 wide: give both one `style_channels`'):
        train(cfg)


@pytest.mark.parametrize(
    ('family', 'options', 'message'),
    [
        ('edsr', dict(layer='body'), r'EDSRNet, and only a StyleGAN2Generator has styles'),
        ('one_mapping', dict(layer=None), r'relation compares features at two styles: name a layer'),
        ('one_mapping', dict(gradient_ratio=0.5), r'relation.gradient_ratio cannot be held'),
    ],
)
def test_what_it_cannot_have_is_refused_when_it_is_built(tmp_path, family, options, message):
    cfg = distilled(base_config(family, tmp_path, 2), tmp_path, dict(relation=dict(RELATION, **options)))
    with pytest.raises(ConfigError, match=message):
        train(cfg)
