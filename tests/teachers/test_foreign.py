"""A teacher from outside of MMagic: the example of the docs as it is printed, and other ranges of values."""

import re
import shutil
import sys
from importlib import import_module

import pytest
import torch
from families import (
    ROOT,
    data_folder,
    evaluate,
    hook_of,
    load,
    photographs,
    scalars,
    small,
    standard_sets,
)
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import MODELS
from mmengine.runner import Runner
from torch import nn

from mmagic_mikd.teachers.build import build_teacher
from mmagic_mikd.teachers.foreign import ForeignTeacher
from mmagic_mikd.utils.errors import ConfigError

WEIGHTS = 'netG_epoch_4_100.pth'


@pytest.fixture
def example(tmp_path, monkeypatch):
    """The files of docs/foreign_teacher.md, and the config that they make."""
    code = re.findall(
        r'```python\n# (\S+)\n(.*?)```', (ROOT / 'docs' / 'foreign_teacher.md').read_text(), re.S
    )
    shutil.copytree(ROOT / 'configs' / '_base_', tmp_path / 'configs' / '_base_')
    for name, text in code:
        (tmp_path / name).write_text(text)
    (tmp_path / WEIGHTS).symlink_to(data_folder('weights_srgan') / WEIGHTS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield Config.fromfile('configs/my_student.py')
    MODELS.module_dict.pop('MySRGAN')
    del sys.modules['my_srgan']


def test_the_example_of_the_docs_distils(example, tmp_path):
    data = example.train_dataloader.dataset
    assert (data.data_root, data.type) == ('photographs', 'BasicImageDataset')
    cfg = small(example, tmp_path / 'work', iters=2, batch_size=2)
    cfg.model.generator.update(mid_channels=4, num_blocks=1)
    photographs(cfg, patch=32)
    runner, teachers = Runner.from_cfg(cfg), []

    class Start(Hook):
        priority = 'LOWEST'

        def before_train(self, runner):
            teachers.append(hook_of(runner).pairs[0].teacher)

    runner.register_hook(Start())
    runner.train()
    assert scalars(runner)['loss_distill_pyramid'].size == 2
    weights = load(WEIGHTS)
    state = teachers[0].network.state_dict()
    assert state.keys() == weights.keys() and all(torch.equal(state[key], weights[key]) for key in state)
    assert not any(p.requires_grad for p in teachers[0].parameters())


@pytest.mark.slow
def test_the_teacher_of_the_example_has_its_known_quality_in_our_evaluation(example, tmp_path):
    """30.46 dB on Y: what its README measured by other code. So colours, borders and crops are right."""
    cfg = Config.fromfile(ROOT / 'configs' / 'mikd_edsr.py')
    cfg.model.generator = dict(type='MySRGAN')
    cfg = small(cfg, tmp_path / 'work', iters=1, batch_size=1)
    standard_sets(cfg, images=5)
    cfg.test_dataloader, cfg.test_evaluator = cfg.test_dataloader[:1], cfg.test_evaluator[:1]
    torch.save({f'generator.{key}': value for key, value in load(WEIGHTS).items()}, 'model.pth')
    metrics = evaluate(cfg, 'model.pth')
    assert metrics['Set5/Y/PSNR'] == pytest.approx(30.46, abs=0.02)
    assert metrics['Set5/RGB/PSNR'] == pytest.approx(metrics['Set5/Y/PSNR'] - 1.9, abs=0.5)


class Recorder(nn.Module):
    """The identity; remembers what it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        self.seen = x
        return x


def preprocessor(mean, std):
    module = nn.Module()
    module.register_buffer('mean', torch.tensor(mean).view(-1, 1, 1))
    module.register_buffer('std', torch.tensor(std).view(-1, 1, 1))
    return module


@pytest.mark.parametrize('bgr2rgb', [False, True])
@pytest.mark.parametrize('value_range', [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)])
@pytest.mark.parametrize(
    ('mean', 'std'),
    [([127.5], [127.5]), ([0.0, 0.0, 0.0], [255.0] * 3), ([123.7, 116.3, 103.5], [58.4, 57.1, 57.4])],
)
def test_the_teacher_sees_its_own_range_and_answers_in_the_students(mean, std, value_range, bgr2rgb):
    host, network = preprocessor(mean, std), Recorder()
    picture = torch.linspace(0, 255, 48).view(1, 3, 4, 4)  # as in the file
    x = (picture - host.mean) / host.std
    answer = ForeignTeacher(network, host, value_range, bgr2rgb)(x)
    low, high = value_range
    expected = low + (high - low) * picture / 255
    torch.testing.assert_close(network.seen, expected.flip(1) if bgr2rgb else expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(answer, x, atol=1e-4, rtol=1e-4)


def test_without_a_range_images_are_handed_on_untouched():
    network = Recorder()
    x = torch.rand(1, 3, 4, 4)
    assert torch.equal(ForeignTeacher(network, preprocessor([127.5], [127.5]), bgr2rgb=True)(x), x)
    assert torch.equal(network.seen, x.flip(1))


def test_a_file_of_another_network_is_named(tmp_path):
    MODELS.register_module(name='RecorderForTest', module=Recorder, force=True)
    torch.save(dict(bias=torch.zeros(1)), tmp_path / 'other.pth')
    cfg = dict(type='RecorderForTest', checkpoint=str(tmp_path / 'other.pth'))
    with pytest.raises(
        ConfigError, match=r'other.pth does not fit the teacher .* 1 of 1 weights are missing'
    ):
        build_teacher(cfg, 'generator')
    torch.save(dict(weight=torch.ones(1)), tmp_path / 'other.pth')
    assert build_teacher(cfg, 'generator').weight.item() == 1


def test_the_studies_distil_the_network_of_the_docs(example, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / 'benchmarks' / 'studies' / 'configs')
    import_module('my_srgan')
    try:
        networks = [MODELS.get('MySRGAN')(), import_module('srgan_generator').SRGANGenerator(factor=4)]
    finally:
        MODELS.module_dict.pop('SRGANGenerator', None)
        sys.modules.pop('srgan_generator', None)
    weights, small_image = load(WEIGHTS), torch.rand(1, 3, 12, 12)
    for network in networks:
        network.load_state_dict(weights)
        network.eval()
    with torch.no_grad():
        torch.testing.assert_close(*(network(small_image) for network in networks), rtol=0, atol=0)
