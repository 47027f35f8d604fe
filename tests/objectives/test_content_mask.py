"""Losses of the content alone: by hand, and what is refused."""

import cv2
import numpy as np
import pytest
import torch
from families import hook_of, scalars, stylegan2, train
from mmengine.runner import Runner

from mmagic_mikd.engine.settings import read
from mmagic_mikd.objectives.content_mask import ContentMask
from mmagic_mikd.utils.errors import ConfigError


def picture(folder, inside, name='mask.png') -> str:
    """White where it is true."""
    path = str(folder / name)
    cv2.imwrite(path, np.asarray(inside, np.uint8) * 255)
    return path


def left(height, width) -> np.ndarray:
    return np.broadcast_to(np.arange(width) < width // 2, (height, width))


def test_it_is_the_white_of_the_picture_at_the_size_of_the_images(tmp_path):
    mask, images = ContentMask(picture(tmp_path, left(32, 32))), torch.randn(2, 3, 8, 8)
    assert torch.equal(mask.inside(images), torch.arange(8).expand(8, 8) < 4)
    assert torch.equal(mask.of(images)[..., :4], images[..., :4]) and not mask.of(images)[..., 4:].any()
    clips = torch.randn(2, 5, 3, 16, 16)
    assert torch.equal(mask.of(clips)[..., :8], clips[..., :8]) and not mask.of(clips)[..., 8:].any()


def masked(tmp_path, **options):
    """A run of one iteration of a masked loss beside the same without a mask; what both networks made."""
    cfg = stylegan2(tmp_path, iters=1, widths=(16, 8))
    l1 = dict(type='L1Loss', loss_weight=3.0)
    path = picture(tmp_path, left(64, 64))
    cfg.default_hooks.distill.objectives = dict(masked=dict(l1, mask=path, **options), whole=l1)
    runner, views = Runner.from_cfg(cfg), []
    before = hook_of(runner).before_train_iter

    def watch(*args, **kwargs):
        hook_of(runner).iteration.watchers.append(views.extend)
        before(*args, **kwargs)

    hook_of(runner).before_train_iter = watch
    runner.train()
    log = scalars(runner)
    values = {name: log[f'loss_distill_{name}'][0] for name in ('masked', 'whole')}
    return values, views[0], hook_of(runner)


def test_the_masked_loss_by_hand(tmp_path):
    """Equation of the paper: the mean over the whole image of |m T - m S|."""
    values, view, _ = masked(tmp_path)
    gap = (view.t - view.s).detach().abs()
    assert values['whole'] == pytest.approx(3.0 * gap.mean().item(), rel=1e-5)
    assert values['masked'] == pytest.approx(3.0 * gap[..., :8].mean().item() / 2, rel=1e-5)


def test_behind_a_mask_a_backbone_sees_zeros_around_the_content(tmp_path):
    backbone = dict(type='random', widths=(4,))
    values, view, hook = masked(tmp_path, backbone=backbone)
    eyes = hook.objectives['masked'].backbones['generator']
    s, t = (torch.cat([image[..., :8], torch.zeros_like(image[..., 8:])], -1) for image in (view.s, view.t))
    ((of_s,), (of_t,)) = eyes(s.detach()), eyes(t)
    assert values['masked'] == pytest.approx(3.0 * (of_s - of_t).abs().mean().item(), rel=1e-4)


def test_no_gradient_comes_from_around_the_content(tmp_path):
    _, view, hook = masked(tmp_path)
    mask = hook.objectives['masked'].place.mask
    image = view.s.detach().requires_grad_()
    (gradient,) = torch.autograd.grad((mask.of(image) - mask.of(view.t)).abs().mean(), image)
    assert gradient[..., :8].abs().min() > 0 and not gradient[..., 8:].any()


@pytest.mark.parametrize(
    ('make', 'sentence'),
    [
        (lambda folder: str(folder / 'gone.png'), 'is no picture that can be read'),
        (lambda folder: picture(folder, np.zeros((16, 16))), 'is black everywhere at 16 x 16'),
        (lambda folder: picture(folder, left(16, 32)), 'is of 16 x 32 pixels and the images of 16 x 16'),
    ],
)
def test_a_mask_that_cannot_be_is_one_sentence(tmp_path, make, sentence):
    cfg = stylegan2(tmp_path / 'run', iters=1, widths=(16, 8))
    path = make(tmp_path)
    cfg.default_hooks.distill.objectives = dict(l1=dict(type='L1Loss', mask=path))
    with pytest.raises(ConfigError) as error:
        train(cfg)
    assert str(error.value).startswith(f'default_hooks.distill.objectives.l1.mask={path} {sentence}')
    cfg.default_hooks.distill.objectives = dict(l1=dict(type='L1Loss'))
    cfg.default_hooks.distill.start = dict(type='pruned', criterion='content', mask=path, batches=1)
    with pytest.raises(ConfigError) as error:
        train(cfg)
    assert f'mask={path} {sentence}' in str(error.value)


def test_where_a_mask_has_no_place(tmp_path):
    with pytest.raises(ConfigError, match=r'l1\.mask is for images, and `layer` names features'):
        read(dict(objectives=dict(l1=dict(type='L1Loss', layer='conv1', mask='mask.png'))))
    with pytest.raises(ConfigError, match=r'l1\.mask=3'):
        read(dict(objectives=dict(l1=dict(type='L1Loss', mask=3))))
    cfg = stylegan2(tmp_path, iters=1, widths=(16, 8))
    cfg.default_hooks.distill.objectives.mi.mask = picture(tmp_path, left(16, 16))
    with pytest.raises(ConfigError, match=r'objectives\.mi\.mask would make images that .*: leave it out'):
        train(cfg)
