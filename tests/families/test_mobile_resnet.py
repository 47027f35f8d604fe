"""The mobile ResNet as student of MMagic's ResNet: another class than its teacher's, in both directions."""

import copy

import torch
from families import cyclegan, load, scalars, train

from mmagic_mikd.students import MobileResnetGenerator


def test_mobile_resnets_learn_from_resnets_and_are_found_again(tmp_path):
    cfg = cyclegan(tmp_path)
    cfg.model.generator.type = 'MobileResnetGenerator'
    still = copy.deepcopy(cfg)
    still.work_dir = str(tmp_path / 'still')
    still.default_hooks.distill.objectives.mi.loss_weight = 0
    distilled, plain = train(cfg), train(still)
    assert all(value != 0 for value in scalars(distilled)['loss_distill_mi'])
    assert cfg.default_hooks.distill.teacher.model.generator.type == 'ResnetGenerator'
    for path in ('generators.summer', 'generators.winter'):
        ours, theirs = (runner.model.get_submodule(path) for runner in (distilled, plain))
        assert isinstance(ours, MobileResnetGenerator)
        assert not all(map(torch.equal, ours.parameters(), theirs.parameters()))
    state = load(tmp_path / 'iter_2.pth')['state_dict']
    distilled.model.load_state_dict(state, strict=True)
