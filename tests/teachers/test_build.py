"""From a description to one frozen network: what is built, what is loaded, what is said if it does not fit."""

import copy

import pytest
import torch
from mmengine.registry import MODELS, DefaultScope
from torch import nn

from mmagic_mikd.teachers.build import build_teacher, check_preprocessing
from mmagic_mikd.utils.errors import ConfigError

UNET = dict(type='UnetGenerator', in_channels=3, out_channels=3, num_down=5, base_channels=4)
PIX2PIX = dict(
    type='Pix2Pix',
    generator=UNET,
    discriminator=dict(type='PatchDiscriminator', in_channels=6, base_channels=4, num_conv=1),
    default_domain='photo',
    reachable_domains=['photo'],
    related_domains=['photo', 'mask'],
    data_preprocessor=dict(type='DataPreprocessor'),
)
DCGAN = dict(
    type='DCGAN',
    noise_size=4,
    generator=dict(type='DCGANGenerator', output_scale=16, base_channels=4),
    discriminator=dict(type='DCGANDiscriminator', input_scale=16, output_scale=4, out_channels=1),
    ema_config=dict(type='ExponentialMovingAverage'),
)


@pytest.fixture(autouse=True)
def mmagic_scope():
    with DefaultScope.overwrite_default_scope('mmagic'):
        yield


@pytest.fixture
def save(tmp_path):
    def save(model_cfg, **extra):
        model = MODELS.build(copy.deepcopy(model_cfg))
        path = tmp_path / 'teacher.pth'
        torch.save(dict(meta={}, state_dict=model.state_dict(), **extra), path)
        return model, str(path)

    return save


def test_only_the_generator_is_built_with_the_weights_of_the_file(save):
    model, path = save(PIX2PIX)
    teacher = build_teacher(dict(model=PIX2PIX, checkpoint=path), 'generators.photo')
    assert type(teacher).__name__ == 'UnetGenerator'
    source = model.generators['photo'].state_dict()
    assert all(torch.equal(value, source[key]) for key, value in teacher.state_dict().items())


def test_averaged_weights_are_preferred(save):
    model, _ = save(DCGAN)
    with torch.no_grad():
        for p in model.generator_ema.parameters():
            p.fill_(0.25)
    _, path = save(DCGAN)
    torch.save(dict(state_dict=model.state_dict()), path)
    teacher = build_teacher(dict(model=DCGAN, checkpoint=path), 'generator')
    assert all((p == 0.25).all() for p in teacher.parameters())


def test_without_averaged_weights_the_plain_ones(save):
    plain = {key: value for key, value in DCGAN.items() if key != 'ema_config'}
    model, path = save(plain)
    teacher = build_teacher(dict(model=DCGAN, checkpoint=path), 'generator')
    assert all(map(torch.equal, teacher.parameters(), model.generator.parameters()))


def test_a_bare_state_dict_of_the_generator_is_enough(save, tmp_path):
    model, _ = save(PIX2PIX)
    path = tmp_path / 'bare.pth'
    torch.save(model.generators['photo'].state_dict(), path)
    build_teacher(dict(model=PIX2PIX, checkpoint=str(path)), 'generators.photo')


def test_a_config_file_serves_in_place_of_the_model(save, tmp_path):
    _, path = save(PIX2PIX)
    config = tmp_path / 'teacher.py'
    config.write_text(f'model = {PIX2PIX!r}')
    teacher = build_teacher(dict(config=str(config), checkpoint=path), 'generators.photo')
    assert isinstance(teacher, nn.Module)


def test_a_ready_module_and_a_registered_one_are_teachers():
    class Doubler(nn.Module):
        def forward(self, x):
            return 2 * x

    MODELS.register_module(name='DoublerForTest', module=Doubler, force=True)
    for description in (Doubler(), dict(type='DoublerForTest')):
        assert build_teacher(description, 'generator')(torch.ones(1)).item() == 2


def test_frozen_and_normalising_by_the_batch_as_the_toolbox_evaluates_pix2pix(save):
    _, path = save(PIX2PIX)
    teacher = build_teacher(dict(model=PIX2PIX, checkpoint=path), 'generators.photo')
    assert not any(p.requires_grad for p in teacher.parameters())
    before = copy.deepcopy(teacher.state_dict())
    x = torch.rand(4, 3, 32, 32)
    reference = MODELS.build(dict(UNET))
    reference.load_state_dict(before)
    torch.manual_seed(0)
    expected = reference.train()(x)
    torch.manual_seed(0)
    torch.testing.assert_close(teacher(x), expected.detach())
    assert all(torch.equal(value, before[key]) for key, value in teacher.state_dict().items())


def test_mode_can_be_chosen(save):
    _, path = save(PIX2PIX)
    teacher = build_teacher(dict(model=PIX2PIX, checkpoint=path, mode='eval'), 'generators.photo')
    assert not any(module.training for module in teacher.modules())
    x = torch.rand(2, 3, 32, 32)
    assert torch.equal(teacher(x), teacher(x))


def wider(model):
    return {**model, 'generator': dict(UNET, base_channels=8)}


@pytest.mark.parametrize(
    ('description', 'message'),
    [
        (lambda path: dict(model=PIX2PIX), 'teacher.checkpoint is missing'),
        (lambda path: dict(checkpoint=path), 'names no network'),
        (lambda path: dict(model=PIX2PIX, checkpoint='no/such.pth'), r'no/such.pth does not exist'),
        (lambda path: dict(model=wider(PIX2PIX), checkpoint=path), 'has shape'),
        (lambda path: dict(model=DCGAN, checkpoint=path), 'weights are missing'),
        (lambda path: dict(model=PIX2PIX, checkpoint=path, mode='test'), 'teacher.mode'),
    ],
)
def test_what_does_not_fit_is_named(save, description, message):
    _, path = save(PIX2PIX)
    cfg = description(path)
    student_path = 'generator' if cfg.get('model') is DCGAN else 'generators.photo'
    with pytest.raises(ConfigError, match=message):
        build_teacher(cfg, student_path)


@pytest.mark.parametrize('content', [b'', b'not a checkpoint', b'\x80\x04K\x01.'])
def test_a_broken_file_is_named(tmp_path, content):
    path = tmp_path / 'broken.pth'
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r'broken\.pth cannot be read'):
        build_teacher(dict(model=PIX2PIX, checkpoint=str(path)), 'generators.photo')


def test_a_pickle_payload_is_refused_and_not_run(tmp_path):
    class Payload:
        def __reduce__(self):
            return (open, (str(tmp_path / 'pwned'), 'w'))

    path = tmp_path / 'evil.pth'
    torch.save(dict(state_dict=Payload()), path)
    with pytest.raises(ConfigError, match=r'evil\.pth cannot be read'):
        build_teacher(dict(model=PIX2PIX, checkpoint=str(path)), 'generators.photo')
    assert not (tmp_path / 'pwned').exists()


def test_different_preprocessing_is_refused():
    student = MODELS.build(copy.deepcopy(PIX2PIX))
    check_preprocessing(dict(model=PIX2PIX), student)
    other = {**PIX2PIX, 'data_preprocessor': dict(type='DataPreprocessor', mean=0.0, std=255.0)}
    with pytest.raises(ConfigError, match=r'data_preprocessor.mean is \[0.0\], the student has \[127.5\]'):
        check_preprocessing(dict(model=other), student)


def test_a_teacher_of_other_domains_names_its_generators_and_pairs(save):
    _, path = save(PIX2PIX)
    house = dict(
        PIX2PIX, default_domain='house', reachable_domains=['house'], related_domains=['house', 'plan']
    )
    with pytest.raises(
        ConfigError,
        match=r"has 'generators.photo': set default_hooks.distill.pairs=\[dict\(student='generators.house', "
        r"teacher='generators.photo'\)\]",
    ):
        build_teacher(dict(model=house, checkpoint=path), 'generators.house')
    build_teacher(dict(model=house, checkpoint=path), 'generators.photo')
