"""CycleGAN on real landscapes: both directions, and nothing but translations of real images."""

import copy

import pytest
import torch
from families import (
    ROOT,
    cyclegan,
    equal,
    evaluate,
    frechet,
    hook_of,
    load,
    reload_in_mmagic,
    scalars,
    train,
    without_distillation,
)
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmagic_mikd.utils.errors import ConfigError

DOMAINS = ('summer', 'winter')


def test_both_students_learn_each_with_its_own_critic_and_load_in_mmagic(tmp_path):
    cfg = cyclegan(tmp_path, iters=2)
    plain, distilled = train(without_distillation(cfg)), train(cfg)  # the last one leaves its checkpoint
    log = scalars(distilled)
    assert log['loss_distill_mi'].size == 2 and abs(log['loss_distill_mi']).min() > 0
    for domain in DOMAINS:
        assert log[f'energy_t_generators_{domain}'].size == log[f'distance_generators_{domain}'].size == 2
        students = [runner.model.generators[domain].state_dict() for runner in (distilled, plain)]
        assert not equal(*students)
    checkpoint = tmp_path / 'iter_2.pth'
    critics = load(checkpoint)['mikd']['objectives']['mi']['network']
    first, second = ({k.split('.', 1)[1]: v for k, v in critics.items() if d in k} for d in DOMAINS)
    assert first.keys() == second.keys() and not equal(first, second)
    reload_in_mmagic(cfg, checkpoint)
    cfg.test_evaluator = dict(
        metrics=[frechet(real_key=f'img_{d}', fake_key=f'fake_{d}', prefix=d) for d in DOMAINS]
    )
    metrics = evaluate(cfg, checkpoint)
    assert all(metrics[f'{d}/frechet_resnet56-cifar10'] > 0 for d in DOMAINS)


class TeacherCalls(Hook):
    """Notes each call of a teacher, by the path of its student."""

    priority = 'LOWEST'  # the teachers are there

    def __init__(self):
        self.calls = []

    def before_train(self, runner):
        for pair in hook_of(runner).pairs:
            pair.teacher.register_forward_hook(lambda *_, path=pair.path: self.calls.append(path))


def test_only_translations_of_real_images_count(tmp_path):
    """The cycle pass, and the identity pass of this config, call the same generators in the same step."""
    cfg = cyclegan(tmp_path, iters=2)
    assert cfg.model.loss_config.id_loss_weight > 0
    runner, teachers, seen = Runner.from_cfg(cfg), TeacherCalls(), []
    runner.register_hook(teachers)
    original = runner.model._get_gen_loss

    def gen_loss(outputs):
        losses = original(outputs)
        for pair in hook_of(runner).pairs:
            target = pair.path.split('.')[1]
            (source,) = set(DOMAINS) - {target}
            assert pair.s is outputs[f'fake_{target}'] and f'identity_{target}' in outputs
            expected = pair.teacher.forward(outputs[f'real_{source}'])
            assert torch.equal(pair.t, expected)
            seen.append(pair.path)
        return losses

    runner.model._get_gen_loss = gen_loss
    runner.train()
    assert seen == [f'generators.{domain}' for domain in DOMAINS * 2] == teachers.calls


def test_weights_of_one_generator_teach_one_direction(tmp_path):
    """They would fit the other one as well, which would learn to make the wrong season."""
    cfg = cyclegan(tmp_path, iters=1)
    teacher, bare = cfg.default_hooks.distill.teacher, tmp_path / 'winter.pth'
    prefix = 'generators.winter.'
    weights = load(teacher.checkpoint)['state_dict'].items()
    torch.save({key.removeprefix(prefix): v for key, v in weights if key.startswith(prefix)}, bare)
    teacher.checkpoint = str(bare)
    with pytest.raises(ConfigError, match=r"the same weights: .* whole model, .*pairs=\[dict\(student='gen"):
        Runner.from_cfg(cfg).train()
    cfg.default_hooks.distill.pairs = [dict(student='generators.winter')]
    assert scalars(train(cfg))['distance'].size == 1


def test_the_shipped_config_is_the_real_setting():
    cfg = Config.fromfile(ROOT / 'configs' / 'mikd_cyclegan.py')
    distill = cfg.default_hooks.distill
    assert (distill.teacher.model.generator.base_channels, cfg.model.generator.base_channels) == (64, 16)
    teacher = copy.deepcopy(distill.teacher.model)
    teacher.generator.base_channels = 16
    assert teacher == cfg.model
    assert distill.objectives == dict(pyramid=dict(loss_weight=5.0))
    assert cfg.train_cfg.max_iters == 250000 and cfg.custom_hooks[0].type == 'VisualizationHook'
