"""A teacher of another resolution, or of other latents."""

import logging

import families
import pytest
import torch
import torch.nn.functional as F
from families import hook_of, save_teacher, train
from mmengine.runner import Runner

from mmagic_mikd.engine import pair
from mmagic_mikd.teachers.resize import resized
from mmagic_mikd.utils.errors import ConfigError


def config(folder, **generator):
    """StyleGAN2 at its tiny size, with a teacher that has other settings."""
    cfg = families.stylegan2(folder, 1)
    teacher = cfg.default_hooks.distill.teacher
    teacher.model.generator.update(generator)
    teacher.checkpoint = save_teacher(teacher.model, folder / 'teacher')
    return cfg


def test_a_larger_teacher_is_resized_antialiased_and_the_log_says_so(tmp_path, monkeypatch, caplog):
    cfg = families.stylegan2(tmp_path / 'plain', 1)
    side = cfg.model.generator.out_size
    cfg = config(tmp_path, out_size=2 * side)
    cfg.default_hooks.distill.teacher.resize = True
    cfg.log_level = 'INFO'
    runner, large, small = Runner.from_cfg(cfg), [], []
    runner.logger.addHandler(caplog.handler)
    resized = pair.resized
    monkeypatch.setattr(
        pair, 'resized', lambda t, size: large.append(t) or small.append(resized(t, size)) or small[-1]
    )
    with caplog.at_level(logging.INFO):
        runner.train()
    t, whole = small[0], large[0]
    assert whole.shape[-1] == 2 * side and t.shape[-1] == side
    expected = F.interpolate(whole, (side, side), mode='bilinear', antialias=True)
    assert torch.equal(t, expected)
    assert "teacher's images are resized, antialiased" in caplog.text


def test_a_clip_is_resized_frame_by_frame():
    """It was left as it was, and refused with the advice to switch on what was on."""
    clip = torch.rand(2, 3, 4, 16, 12)
    frames = [resized(frame[None], (8, 6))[0] for frame in clip.flatten(0, 1)]
    assert torch.equal(resized(clip, (8, 6)), torch.stack(frames).unflatten(0, (2, 3)))
    assert resized(clip, (16, 12)) is clip and resized(clip[0, 0], (8, 6)).shape == (4, 16, 12)


@pytest.mark.parametrize(
    ('generator', 'message'),
    [
        (dict(out_size=64), r'teacher has out_size=64, the student has \d+: set .*teacher.resize=True'),
        (dict(style_channels=12, noise_size=12), r'teacher has noise_size=12, the student has \d+: make the'),
    ],
)
def test_what_cannot_match_is_refused_before_the_first_batch(tmp_path, monkeypatch, generator, message):
    runner = Runner.from_cfg(config(tmp_path, **generator))
    monkeypatch.setattr(
        type(runner.model), 'train_step', lambda *args, **kwargs: pytest.fail('training has begun')
    )
    with pytest.raises(ConfigError, match=message):
        runner.train()


def test_an_assertion_without_words_is_quoted_by_its_line(tmp_path):
    cfg = families.edsr(tmp_path, 1)

    class Mute(torch.nn.Module):
        def forward(self, x):
            raise AssertionError

    cfg.default_hooks.distill.teacher = None
    runner = Runner.from_cfg(cfg)
    hook_of(runner).settings = hook_of(runner).settings._replace(teacher=Mute())
    with pytest.raises(ConfigError, match=r'AssertionError: raise AssertionError'):
        runner.train()


@pytest.mark.parametrize('value', ['no', 1])
def test_resize_is_a_switch(tmp_path, value):
    cfg = families.edsr(tmp_path, 1)
    cfg.default_hooks.distill.teacher.resize = value
    with pytest.raises(ConfigError, match=r'teacher.resize=.* must be True or False'):
        train(cfg)
