"""Black and white in what networks make: 8 bit unless the preprocessor or a key says otherwise."""

import pytest
import torch
from bad_input_world import World, run_tool
from torch import nn

from mmagic_mikd.engine.image_range import ImageRange
from mmagic_mikd.teachers.foreign import ForeignTeacher
from mmagic_mikd.utils.errors import ConfigError
from mmagic_mikd.utils.white import white_of


def preprocessor(mean, std):
    module = nn.Module()
    module.register_buffer('mean', torch.tensor(mean).view(-1, 1, 1))
    module.register_buffer('std', torch.tensor(std).view(-1, 1, 1))
    return module


@pytest.mark.parametrize(
    ('mean', 'std', 'white'),
    [
        ([0.0], [255.0], 255),
        ([127.5] * 3, [127.5] * 3, 255),
        ([123.7, 116.3, 103.5], [58.4, 57.1, 57.4], 255),
        ([127.5], [255.0], 255),
        ([0.0], [1.0], 255),
        ([0.0], [65535.0], 65535),
        ([0.0], [10000.0], 10000),
        ([32767.5], [32767.5], 65535),
        ([511.5], [511.5], 1023),
        ([2047.5], [2047.5], 4095),
    ],
)
def test_white_follows_mean_and_std(mean, std, white):
    host = preprocessor(mean, std)
    assert white_of(host) == white
    pixels = torch.tensor([0.0, white / 2, white]).view(1, 1, 1, 3).expand(1, len(mean), 1, 3)
    unit = ImageRange('generator', host).mapped((pixels - host.mean) / host.std, (-1.0, 1.0))
    torch.testing.assert_close(unit[0, 0, 0], torch.tensor([-1.0, 0.0, 1.0]), atol=1e-5, rtol=0)


def test_without_a_normalisation_white_is_that_of_8_bit():
    assert white_of(nn.Module()) == white_of(None) == 255


def test_8_bit_is_computed_as_ever_to_the_last_bit():
    host = preprocessor([123.7, 116.3, 103.5], [58.4, 57.1, 57.4])
    image = torch.randn(2, 3, 8, 8)
    expected = (1.0 - -1.0) * (image - -host.mean / host.std) / (255 / host.std) + -1.0
    assert torch.equal(ImageRange('generator', host).mapped(image, (-1.0, 1.0)), expected)


@pytest.mark.parametrize('students_range', [None, (-2.0, 6.0)])
def test_a_foreign_teacher_of_deep_pictures_sees_its_own_range(students_range):
    teacher = ForeignTeacher(nn.Identity(), preprocessor([0.0], [65535.0]), (-1, 1), False, students_range)
    low, high = students_range or (0.0, 1.0)
    x = torch.tensor([low, (low + high) / 2, high]).view(1, 1, 1, 3)
    assert (x * teacher.scale + teacher.shift).flatten().tolist() == pytest.approx([-1, 0, 1], abs=1e-5)
    torch.testing.assert_close(teacher(x), x)


@pytest.mark.parametrize(('value', 'far'), [(1.0, False), (1.9, False), (3.0, True), (257.0, True)])
def test_images_far_from_their_range_are_no_pictures(value, far):
    images = ImageRange('generator', preprocessor([0.0], [255.0]))
    image = torch.linspace(0, value, 100).view(1, 1, 10, 10)
    images.require_pictures(torch.full((1, 1, 2, 2), torch.nan), 3.0)
    if far:
        with pytest.raises(ConfigError, match=r'reach from -1 to .* set `value_range` in default_hooks'):
            images.require_pictures(image, 3.0)
    else:
        images.require_pictures(image, 3.0)


@pytest.mark.parametrize(
    ('image', 'own', 'warned'),
    [
        (torch.rand(1, 1, 4, 4), None, True),  # normalised before, to [0, 1]
        (torch.rand(1, 1, 4, 4) * 2 - 1, None, True),  # to [-1, 1]
        (torch.rand(1, 1, 4, 4), (0.0, 1.0), False),
        (torch.full((1, 1, 4, 4), 9.0), None, False),  # a dark picture
        (torch.full((1, 1, 4, 4), torch.nan), None, False),
    ],
)
def test_pictures_that_would_all_be_black_are_said_to_be(image, own, warned, monkeypatch):
    said = []
    monkeypatch.setattr('mmagic_mikd.engine.image_range.print_log', lambda text, *_: said.append(text))
    ImageRange('generator', preprocessor([0.0], [1.0]), own).warn_of_black(image)
    assert len(said) == warned and all('set `value_range`' in text for text in said)


def test_a_run_on_pictures_of_another_depth_ends_at_its_first_batch(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scaled = [dict(type='Normalize', keys=['img', 'gt'], mean=[0] * 3, std=[1 / 257] * 3)]
    world = World(tmp_path)
    config = world.config({})
    text = config.read_text()
    config.write_text(text + f'train_dataloader["dataset"]["pipeline"][2:2] = {scaled}\n')
    code, stderr = run_tool('train', [config.name])
    assert code == 2 and "images of 'generator' reach from" in stderr and stderr.count('\n') == 1
    assert not (tmp_path / 'work' / 'iter_2.pth').exists()


@pytest.mark.parametrize(
    'value', [(1.0, 0.0), (0.0, 0.0), (float('nan'), 1.0), (0.0, float('inf')), (0.0,), 'black', (True, 2)]
)
def test_a_range_that_is_none_is_refused_in_pairs_and_teachers(value):
    from mmagic_mikd.engine.pair import Pair
    from mmagic_mikd.teachers.build import build_teacher

    with pytest.raises(ConfigError, match=r'default_hooks.distill.pairs: value_range=.* must be'):
        Pair.from_config(dict(student='generator', value_range=value), nn.Module())
    with pytest.raises(ConfigError, match=r'default_hooks.distill.teacher.value_range=.* must be'):
        build_teacher(dict(type='Identity', value_range=value), 'generator')


@pytest.mark.parametrize('value', ['no', 'false', 1, None])
def test_a_switch_is_true_or_false(value):
    from mmagic_mikd.engine.pair import Pair
    from mmagic_mikd.teachers.build import build_teacher

    with pytest.raises(ConfigError, match=r'pairs: residual=.* must be True or False'):
        Pair.from_config(dict(student='generator', residual=value), nn.Module())
    with pytest.raises(ConfigError, match=r'teacher.bgr2rgb=.* must be True or False'):
        build_teacher(dict(type='Identity', bgr2rgb=value), 'generator')
