"""The configs of OMGD: losses, weights and lengths by network, as published, and the sizes of all networks."""

import argparse
import copy
import functools
import re
from typing import NamedTuple

import pytest
import torch
from families import ROOT
from mmengine.config import Config, DictAction
from mmengine.registry import DATASETS, MODELS, DefaultScope
from torch import nn

from mmagic_mikd.engine.settings import read
from mmagic_mikd.objectives.energy import published

PATHS = sorted(ROOT.glob('configs/*/omgd-*.py'))
UNET, DEEP_UNET = (54_413_955, 3_404_451), 44_171_939
MOBILE, DEEP_MOBILE = (1_987_075, 137_347), 2_547_123


class Task(NamedTuple):
    """What differs between the tasks: weight of the channels (0: none), steps of the student to one of its
    teachers, images a batch, epochs, images an epoch."""

    channels: float
    steps: int
    batch: int
    epochs: int
    images: int


TASKS = {
    ('unet', 'edges2shoes-r'): Task(10, 1, 4, 200, 47_980),
    ('resnet', 'edges2shoes-r'): Task(100, 1, 4, 200, 47_980),
    ('unet', 'cityscapes'): Task(50, 3, 4, 750, 2_975),
    ('resnet', 'cityscapes'): Task(0, 3, 1, 750, 2_975),
    ('resnet', 'horse2zebra'): Task(500, 4, 1, 200, 1_334),
    ('resnet', 'summer2winter'): Task(100, 4, 1, 204, 1_231),
}


@pytest.fixture(scope='module', autouse=True)
def mmagic():
    from mmagic.utils import register_all_modules

    register_all_modules()
    with DefaultScope.overwrite_default_scope('mmagic'):
        yield


def name(path) -> str:
    return path.relative_to(ROOT / 'configs').as_posix()


def task_of(path) -> Task:
    network = 'unet' if 'unet' in path.name else 'resnet'
    return TASKS[network, path.stem.rpartition('_')[2]]


@functools.cache
def config(path) -> Config:
    return Config.fromfile(path)


def settings_of(path):
    distill = config(path).default_hooks.to_dict()['distill']
    return read({key: value for key, value in distill.items() if key != 'type'})


def size(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_every_task_of_the_paper_is_there_with_and_without_the_published_bound():
    assert len(PATHS) == len(TASKS)
    assert all(path.with_name(f'mikd-{path.name}').is_file() for path in PATHS)


@pytest.mark.parametrize('path', PATHS, ids=name)
def test_losses_and_weights_are_the_published_ones(path):
    task, settings = task_of(path), settings_of(path)
    weights = {key: cfg['loss_weight'] for key, cfg in settings.objectives.items()}
    channels = {f'channels{n}': task.channels for n in (1, 2, 3, 4)} if task.channels else {}
    pixels = 3 * 255 * 256 * task.batch
    assert weights == dict(ssim=10, style=4 * 1e4, feature=10, tv=pytest.approx(1e-5 * pixels), **channels)
    assert all(settings.objectives[key]['teacher'] == 'wide' for key in channels)
    assert list(settings.teachers) == (['wide'] if 'cyclegan' in path.parts else ['wide', 'deep'])
    ranges = {key: tuple(cfg['range']) for key, cfg in settings.objectives.items() if 'range' in cfg}
    assert ranges == dict(ssim=(-1, 1), style=(0, 1), feature=(0, 1))
    layers = {key: cfg['backbone']['layers'] for key, cfg in settings.objectives.items() if 'backbone' in cfg}
    taps = ['features.3', 'features.8', 'features.15', 'features.22']
    assert layers == dict(style=taps, feature=taps[1:2])


@pytest.mark.parametrize('path', PATHS, ids=name)
def test_rates_and_lengths_are_the_published_ones(path):
    """By epochs in the paper, by iterations here: of the teachers, and as many more of the student."""
    task, cfg = task_of(path), config(path)
    iterations = task.epochs * task.images / task.batch
    if cfg.model.get('phases'):
        teaches, studies = cfg.model.phases
        assert studies == task.steps * teaches
        iterations *= 1 + task.steps
        assert cfg.train_cfg.max_iters % (teaches + studies) == 0
    else:
        assert cfg.model.get('every', 1) == task.steps
    assert cfg.train_cfg.max_iters == pytest.approx(iterations, rel=1e-3)
    assert f'xb{task.batch}-{round(cfg.train_cfg.max_iters / 1000)}kiters' in path.name
    assert cfg.train_dataloader.batch_size == task.batch
    wrappers = {key: wrapper for key, wrapper in cfg.optim_wrapper.items() if key != 'constructor'}
    assert wrappers.keys() == {'generators', 'teacher_generators', 'teacher_discriminators'}
    learners = [o['learner'] for o in settings_of(path).objectives.values() if 'learner' in o]
    for wrapper in (*wrappers.values(), *learners):
        assert wrapper['optimizer'] == dict(type='Adam', lr=2e-4, betas=(0.5, 0.999))
    share = 300 / 750 if 'cityscapes' in path.name else 0.5  # of the training at constant rates
    for schedule in (cfg.param_scheduler, *(learner['param_scheduler'] for learner in learners)):
        assert (schedule['start_factor'], schedule['end_factor']) == (1.0, 0.0)
        assert schedule['begin'] == pytest.approx(share * schedule['end'], rel=2e-3)
        assert schedule['end'] == cfg.train_cfg.max_iters


@pytest.mark.parametrize('path', PATHS, ids=name)
def test_the_whole_model_is_built_with_the_published_sizes(path):
    cfg = config(path)
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    (wide, student), deep = (UNET, DEEP_UNET) if 'unet' in path.name else (MOBILE, DEEP_MOBILE)
    teachers = {key: size(network) for key, network in model.teacher_generators.items()}
    assert [size(network) for network in model.generators.values()] == [student]
    assert list(teachers.values()) == ([wide, wide] if 'cyclegan' in path.parts else [wide, deep])
    judges = [size(network) for network in model.teacher_discriminators.values()]
    if 'unet' in path.name:
        assert judges == [11_042_433]
    if 'cyclegan' in path.parts:
        assert len(judges) == 2 and size(model.chosen) == wide
        assert cfg.model.teachers.loss_config == dict(cycle_loss_weight=10.0, id_loss_weight=5.0)
    assert not any(isinstance(module, nn.Dropout) for module in model.modules())


PAGE = (ROOT / 'docs' / 'omgd.md').read_text().partition('## Other sizes')[2].partition('\n## ')[0]
ROWS = [[cell.strip() for cell in line.split('|')[1:-1]] for line in PAGE.splitlines() if line[:1] == '|']
SIZES = ['S12', 'S8', 'S24']
# wide and deep teacher and student of the published facts; None where they have no number
KNOWN = {
    ('unet', 'S12'): (None, 24_856_251, 1_915_899),
    ('unet', 'S8'): (None, 24_856_251, 852_307),
    ('resnet', 'S12'): (1_130_883, 1_436_583, 80_547),
    ('resnet', 'S8'): (1_130_883, 1_436_583, 38_723),
}


def overrides(path, size: str) -> list[str]:
    """What the page tells to give behind --cfg-options for that size of a config."""
    title = f'{path.parent.name}/{path.name}'
    found = []
    for key, of, *values in ROWS:
        if key.startswith('`') and all(word in title for word in of.split()) and values[SIZES.index(size)]:
            head, _, rest = key.strip('`').partition('{')
            numbers, _, tail = rest.partition('}')
            keys = [head + number + tail for number in numbers.split(',')] if rest else [head]
            found += [f'{each}={values[SIZES.index(size)]}' for each in keys]
    return found


@pytest.mark.parametrize('number', SIZES)
@pytest.mark.parametrize('path', PATHS, ids=name)
def test_other_sizes_of_the_page_are_built_with_the_published_ones(path, number):
    cfg, before = copy.deepcopy(config(path)), copy.deepcopy(config(path)._cfg_dict.to_dict())
    given = argparse.ArgumentParser()
    given.add_argument('--cfg-options', nargs='+', action=DictAction)
    if number == 'S24' and 'cyclegan' in path.parts:
        assert len(overrides(path, number)) == 1  # the paper has none: the page gives no teachers
        return
    options = given.parse_args(['--cfg-options', *overrides(path, number)]).cfg_options
    for key in options:  # each is a setting that the config has, or the number of shared layers
        assert key.endswith('.shared') or functools.reduce(lambda d, part: d[part], key.split('.'), before)
    cfg.merge_from_dict(options)
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    network = 'unet' if 'unet' in path.name else 'resnet'
    sizes = [size(each) for each in (*model.teacher_generators.values(), *model.generators.values())]
    wide, deep, student = KNOWN.get((network, number), (None,) * 3)
    expected = [wide, wide, student] if 'cyclegan' in path.parts else [wide, deep, student]
    assert all(mine == theirs for mine, theirs in zip(sizes, expected, strict=True) if theirs)
    title = f'{network}, {number}'.lower()
    shown = next((row[1:] for row in ROWS if row[0].lower().replace('-', '').endswith(title)), None)
    assert shown is None or 'cyclegan' in path.parts or shown == [f'{each:,}' for each in sizes]
    assert (shown is None) == (number == 'S24')
    weights = {
        key: o['loss_weight'] for key, o in cfg.default_hooks.distill.objectives.items() if 'channels' in key
    }
    if network == 'resnet' and 'edges2shoes' in path.name:
        assert set(weights.values()) == {0 if number == 'S24' else 1000}
    elif weights:
        assert set(weights.values()) == {task_of(path).channels}
    if cfg.model.get('phases') and 'horse2zebra' in path.name:
        assert list(cfg.model.phases) == [1334 * {'S12': 12, 'S8': 8}[number] * n for n in (1, 4)]


@pytest.mark.parametrize('path', PATHS, ids=name)
def test_the_published_bound_adds_on_top(path):
    base, more = settings_of(path).objectives, settings_of(path.with_name(f'mikd-{path.name}')).objectives
    bound = more.pop('mi')
    assert more == base
    cyclegan = 'cyclegan' in path.parts
    assert (bound['loss_weight'], bound['target']) == (0.1, 'teacher' if cyclegan else 'ground_truth')
    assert bound['critic'] == dict(type='EnergyCritic', base_channels=8 if cyclegan else 32)
    assert bound['learner'] == published.LEARNER


@pytest.mark.parametrize('path', [path for path in PATHS if 'edges' in path.name], ids=name)
def test_edges_are_jittered_and_flipped(path, tmp_path):
    import cv2
    import numpy as np

    folder = tmp_path / 'train'
    folder.mkdir()
    cv2.imwrite(str(folder / 'pair.png'), np.zeros((256, 512, 3), np.uint8))
    cfg = copy.deepcopy(config(path))
    cfg.train_dataloader.dataset.data_root = str(tmp_path)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    assert re.findall(r'Resize|Crop|Flip', str(dataset.pipeline)) == ['Resize', 'Crop', 'Flip']
    assert {key: tuple(image.shape) for key, image in dataset[0]['inputs'].items()} == {
        'img_edges': (3, 256, 256),
        'img_photo': (3, 256, 256),
    }
