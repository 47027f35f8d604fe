"""The critic's channels follow the first batch where the config does not set them."""

import families
import numpy as np
import pytest
import torch
from families import hook_of, load, save_teacher, train
from interruption import difference, elsewhere
from objective_rows import objective

from mmagic_mikd.objectives.energy.critic import EnergyCritic
from mmagic_mikd.utils.errors import ConfigError


def tiny(folder, channels: int, iters: int = 2, **critic):
    """Pix2Pix on pictures of so many channels, by mutual information alone."""
    cfg = families.pix2pix(folder, iters)
    *steps, pack = cfg.train_dataloader.dataset.pipeline
    change = dict(type='ChannelsForTest', keys=pack['keys'], channels=channels)
    cfg.train_dataloader.dataset.pipeline = [*steps, change, pack]
    cfg.model.generator.update(in_channels=channels, out_channels=channels)
    cfg.model.discriminator.in_channels = 2 * channels
    cfg.model.data_preprocessor.update(mean=[127.5], std=[127.5])
    teacher = cfg.default_hooks.distill.teacher
    teacher.model = families.without_distillation(cfg).model
    teacher.checkpoint = save_teacher(teacher.model, folder / 'teacher')
    mi = objective('mi', 'pix2pix')
    mi['critic'].update(critic)
    cfg.default_hooks.distill = dict(type='DistillRunner', teacher=teacher, objectives=dict(mi=mi))
    cfg.default_hooks.checkpoint.interval = 1
    return cfg


@pytest.fixture(autouse=True, scope='module')
def transform():
    from mmengine.registry import TRANSFORMS

    @TRANSFORMS.register_module()
    class ChannelsForTest:
        def __init__(self, keys, channels):
            self.keys, self.channels = keys, channels

        def __call__(self, results):
            for key in self.keys:
                results[key] = np.ascontiguousarray(results[key][..., [i % 3 for i in range(self.channels)]])
            return results

    yield
    TRANSFORMS.module_dict.pop('ChannelsForTest')


@pytest.mark.parametrize('critic', [{}, dict(image_size=32)])
@pytest.mark.parametrize('channels', [1, 2, 4])
def test_the_critic_takes_the_channels_of_the_images(tmp_path, channels, critic):
    hook = hook_of(train(tiny(tmp_path, channels, 1, **critic)))
    (net,) = hook.objectives['mi'].critics.values()
    assert net.t_channels == net.s_channels == channels
    assert load(tmp_path / 'iter_1.pth')['mikd']['objectives']['mi']['built'][1:] == (channels,)


@pytest.mark.parametrize('critic', [{}, dict(image_size=32)])
def test_it_resumes_bit_for_bit(tmp_path, critic):
    cfg = tiny(tmp_path / 'whole', 1, 2, **critic)
    train(cfg)
    again = elsewhere(cfg, 'iter_1.pth', tmp_path / 'again')
    train(again)
    assert difference(*(load(f'{each.work_dir}/iter_2.pth') for each in (cfg, again))) is None


def test_channels_that_are_set_and_do_not_fit_are_one_sentence(tmp_path):
    with pytest.raises(ConfigError, match=r's has 1 channels, critic.s_channels is 3: leave it out'):
        train(tiny(tmp_path, 1, 1, t_channels=3, s_channels=3))


@pytest.mark.parametrize('name', ['t', 's'])
def test_the_check_comes_before_the_convolution(name):
    images = dict(t=torch.rand(1, 3, 16, 16), s=torch.rand(1, 3, 16, 16))
    images[name] = images[name][:, :1]
    with pytest.raises(ConfigError, match=rf'{name} has 1 channels, critic.{name}_channels is 3'):
        EnergyCritic(2, image_size=16)(**images)
