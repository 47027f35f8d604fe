"""The sliced Wasserstein distance of the toolbox, for images of any name."""

from functools import partial

import numpy as np
import pytest
import torch

from mmagic_mikd.evaluation import SlicedWasserstein
from mmagic_mikd.evaluation.sliced_wasserstein import SlicedWassersteinDistance  # the toolbox's
from mmagic_mikd.utils.errors import ConfigError


def distance(metric, samples):
    np.random.seed(0)
    torch.manual_seed(0)
    metric.process({}, samples)
    return metric.evaluate()


@pytest.fixture
def images():
    torch.manual_seed(1)
    return torch.rand(2, 4, 3, 32, 32) * 255


def test_the_value_is_the_toolbox_s_whatever_the_images_are_called(images):
    toolbox = SlicedWassersteinDistance(-1, torch.Size([3, 32, 32]), sample_model='orig', prefix='swd')
    expected = distance(toolbox, [dict(gt_img=a, fake_img=b) for a, b in zip(*images, strict=True)])
    ours = SlicedWasserstein([3, 32, 32], real_key='img_photo', fake_key='fake_photo')
    named = [dict(img_photo=a, fake_photo=b) for a, b in zip(*images, strict=True)]
    assert distance(ours, named) == expected and expected['swd/avg'] > 0
    assert distance(ours, named) == expected  # nothing is left from the evaluation before


def test_without_the_real_images_it_says_what_there_is(images):
    with pytest.raises(ConfigError, match=r"real_key='img_photo' is not in .* gt_img"):
        SlicedWasserstein([3, 32, 32], real_key='img_photo').process({}, [dict(gt_img=images[0, 0])])


def test_without_the_generated_images_it_says_what_there_is(images):
    sample = dict(gt_img=images[0, 0], fake_photo=images[1, 0])
    with pytest.raises(ConfigError, match=r"fake_key='fake_foto' is not in .* fake_photo, gt_img"):
        SlicedWasserstein([3, 32, 32], fake_key='fake_foto').process({}, [sample])
    with pytest.raises(ConfigError, match=r"fake_key='fake_img' is not in .* fake_photo"):
        SlicedWasserstein([3, 32, 32]).process({}, [dict(gt_img=images[0, 0], orig=sample)])


def test_as_many_images_count_as_are_asked_for_whatever_the_batch(images):
    samples = [dict(gt_img=a, fake_img=b) for a, b in zip(*images, strict=True)]
    expected = distance(SlicedWasserstein([3, 32, 32]), samples[:3])
    assert distance(SlicedWasserstein([3, 32, 32], nums=3), samples) == expected


@pytest.mark.parametrize('kind', ['real', 'generated'])
@pytest.mark.parametrize('ours', [True, False])
def test_another_shape_of_images_is_told(images, ours, kind):
    """That of the toolbox, too; else a bare AssertionError at the first validation."""
    names = dict(real='gt_img', generated='fake_img')
    sample = {name: images[0, 0] for name in names.values()} | {names[kind]: torch.rand(3, 32, 48)}
    shape = (3, 32, 32)
    metric = SlicedWasserstein(shape) if ours else SlicedWassersteinDistance(-1, shape, sample_model='orig')
    with pytest.raises(ConfigError, match=rf'image_shape=\(3, 32, 32\), but a {kind} image is \(3, 32, 48\)'):
        metric.process({}, [sample])


@pytest.mark.parametrize('build', [SlicedWasserstein, partial(SlicedWassersteinDistance, -1)])
def test_images_without_a_level_are_refused_before_they_are_made(build):
    """That of the toolbox, too; else an IndexError at the end of the first validation."""
    assert build(image_shape=(3, 16, 16)).resolutions == [16]
    with pytest.raises(ConfigError, match=r'image_shape=\(3, 15, 16\) has fewer than 16 pixels'):
        build(image_shape=(3, 15, 16))


@pytest.mark.parametrize('build', [SlicedWasserstein, partial(SlicedWassersteinDistance, -1)])
def test_images_that_cannot_be_halved_to_the_coarsest_level_are_refused(build):
    """Else a RuntimeError, or of those too narrow for a patch a ValueError, at the first validation."""
    for shape in ((3, 64, 28), (3, 100, 36), (3, 17, 17)):
        sample = dict(gt_img=torch.rand(shape), fake_img=torch.rand(shape))
        build(image_shape=shape, sample_model='orig').process({}, [sample])
    for shape in ((3, 64, 24), (3, 64, 30), (3, 300, 304)):
        with pytest.raises(ConfigError, match=r'is halved \d times: let both sides be multiples of'):
            build(image_shape=shape)
