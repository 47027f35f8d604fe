"""The configs in configs/<family>/: real sizes against published ones, files that agree."""

import copy
import re
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
import yaml
from families import ROOT
from mmengine.config import Config
from mmengine.registry import DATASETS, MODELS, DefaultScope

from mmagic_mikd.cost.complexity import Complexity, complexity
from mmagic_mikd.engine import settings

ALL = sorted(path.relative_to(ROOT / 'configs').as_posix() for path in ROOT.glob('configs/*/mikd-*.py'))
CONFIGS = [name for name in ALL if not re.search('omgd|cagc', name)]


class Published(NamedTuple):
    """Figures of the papers, MACs in the convention of that family's papers."""

    params: float
    macs: float
    teacher_params: float
    teacher_macs: float
    convention: str


UNET = Published(3.404e6, 1.219e9, 54.41e6, 18.14e9, 'macs_paper')
MOBILE_RESNET = Published(0.137e6, 1.408e9, 11.38e6, 56.80e9, 'macs_paper')
STYLEGAN2 = Published(5.6e6, 4.1e9, 30.0e6, 45.1e9, 'macs')
PUBLISHED = {
    **{name: UNET for name in CONFIGS if 'unet' in name},
    **{name: MOBILE_RESNET for name in CONFIGS if 'mobile-resnet' in name},
    **{name: STYLEGAN2 for name in CONFIGS if 'cut70' in name},
}

INPUTS = dict(
    pix2pix=(3, 256, 256),
    cyclegan=(3, 256, 256),
    styleganv2=(512,),
    edsr=(3, 49, 49),
    srgan_resnet=(3, 32, 32),
)


@pytest.fixture(scope='module', autouse=True)
def mmagic():
    from mmagic.utils import register_all_modules

    register_all_modules()
    with DefaultScope.overwrite_default_scope('mmagic'):
        yield


@pytest.fixture(scope='module')
def read():
    configs = {name: Config.fromfile(ROOT / 'configs' / name) for name in CONFIGS}
    return lambda name: copy.deepcopy(configs[name])


@pytest.fixture(scope='module')
def cost(read):
    known = {}

    def cost(name: str, who: str = 'student') -> Complexity:
        if (name, who) not in known:
            cfg = read(name)
            model = cfg.model if who == 'student' else cfg.default_hooks.distill.teacher.model
            with torch.device('meta'):
                network = MODELS.build(model.generator)
                known[name, who] = complexity(network, torch.empty(1, *INPUTS[name.split('/')[0]]))
        return known[name, who]

    return cost


def test_every_setting_of_the_papers_is_there():
    assert len(CONFIGS) == 10
    assert len(PUBLISHED) == 7


@pytest.mark.parametrize('name', PUBLISHED)
def test_sizes_are_the_published_ones(name, cost):
    published, student, teacher = PUBLISHED[name], cost(name), cost(name, 'teacher')
    assert student.params == pytest.approx(published.params, rel=0.01)
    assert getattr(student, published.convention) == pytest.approx(published.macs, rel=0.01)
    assert teacher.params == pytest.approx(published.teacher_params, rel=0.01)
    assert getattr(teacher, published.convention) == pytest.approx(published.teacher_macs, rel=0.01)


def test_the_80_percent_cut_by_hand(cost):
    """A convolution keeps the square of the share of channels, its modulation the share, the mapping all."""
    name = next(name for name in CONFIGS if 'cut80' in name)
    mapping = 8 * (512 * 512 + 512)
    widths = [103, *(103,) * 4, 52, 26]  # at 4, 8, ..., 256 px
    convs = list(zip([103, *widths[:-1]], widths, strict=True))  # the first of each resolution
    convs += [(width, width) for width in widths[1:]]  # the second
    params = mapping + 103 * 16  # and the constant input
    for c_in, c_out in convs:  # weight, modulation, its bias, noise, bias
        params += 9 * c_in * c_out + 512 * c_in + c_in + 1 + c_out
    for width in widths:  # to RGB
        params += 3 * width + 512 * width + width + 3
    assert cost(name).params == params
    assert params == pytest.approx(3.96e6, rel=0.01)


@pytest.mark.parametrize('name', [name for name in CONFIGS if 'c32b16' in name])
def test_super_resolution_students_by_hand(name, cost):
    """First, 16 blocks of two, one after them (EDSR) or before the last (MSRResNet), two times four, last."""
    for who, c in (('student', 32), ('teacher', 64)):
        conv = 9 * c * c + c
        expected = 27 * c + c + 16 * 2 * conv + conv + 2 * (36 * c * c + 4 * c) + 27 * c + 3
        assert cost(name, who).params == expected


@pytest.mark.parametrize('name', CONFIGS)
def test_the_whole_model_is_built_with_its_real_sizes(name, read, cost):
    """As the toolbox builds it for training, but for VGG-19, which it would download."""
    cfg = read(name)
    if 'perceptual_loss' in cfg.model:
        cfg.model.perceptual_loss = None
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    generators = getattr(model, 'generators', None) or {'': model.generator}
    assert {sum(p.numel() for p in g.parameters()) for g in generators.values()} == {cost(name).params}
    distill = {key: value for key, value in cfg.default_hooks.distill.items() if key != 'type'}
    size = critic_input(name, cost, cfg)
    critic = MODELS.build(settings.read(distill).objectives['mi']['critic'] | dict(image_size=size))
    assert critic(torch.zeros(1, 3, *size), torch.zeros(1, 3, *size)).shape == (1,)


def critic_input(name, cost, cfg) -> tuple[int, int]:
    with torch.device('meta'), torch.no_grad():
        network = MODELS.build(cfg.model.generator).eval()
        return tuple(network(torch.empty(1, *INPUTS[name.split('/')[0]])).shape[2:])


@pytest.mark.parametrize('name', CONFIGS)
def test_runs_are_those_that_the_names_say(name, read):
    cfg = read(name)
    gpus, batch, iters = re.search(r'(\d+)xb(\d+)-(\d+)k', name).groups()
    assert cfg.train_dataloader.batch_size == int(batch)
    assert gpus == ('8' if 'stylegan' in name else '1')
    said = 400 if 'srgan' in name else int(iters)  # MMagic's own name says 1000k
    assert cfg.train_cfg.max_iters == said * 1000
    # neither folder nor checkpoint of the teacher's run is written over
    stem = Path(name).stem
    assert Path(cfg.get('work_dir', f'work_dirs/{stem}')).name == stem
    assert stem not in cfg.default_hooks.distill.teacher.checkpoint


@pytest.mark.parametrize('name', [name for name in CONFIGS if 'pix2pix' in name])
def test_pairs_are_read_as_the_readme_lays_them_out(name, read, tmp_path):
    """One pair a split; the left half is A, the right half B, and the student gets the right one of them."""
    import cv2
    import numpy as np

    cfg = read(name)
    pair = np.zeros((256, 512, 3), np.uint8)
    pair[:, 256:] = 255
    for split in ('train', 'val'):
        folder = tmp_path / Path(cfg.train_dataloader.dataset.data_root).name / split
        folder.mkdir(parents=True)
        cv2.imwrite(str(folder / 'pair.png'), pair)
    source = 'edges' if 'edges2shoes' in name else 'mask'
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.data_root = str(tmp_path / Path(loader.dataset.data_root).name)
        inputs = DATASETS.build(loader.dataset)[0]['inputs']
        assert inputs[f'img_{source}'].float().mean() == (0 if source == 'edges' else 255)
        assert inputs['img_photo'].float().mean() == (255 if source == 'edges' else 0)
    assert {metric.fake_nums for metric in cfg.test_evaluator.metrics} == {2048 if 'edges' in name else 500}


def test_metafiles_name_every_config_with_its_size(cost):
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())['Import']
    assert sorted(index) == sorted(
        path.relative_to(ROOT).as_posix() for path in ROOT.glob('configs/*/metafile.yml')
    )
    models = {}
    for path in index:
        content = yaml.safe_load((ROOT / path).read_text())
        collections = {collection['Name'] for collection in content['Collections']}
        assert all((ROOT / collection['README']).is_file() for collection in content['Collections'])
        assert {model['In Collection'] for model in content['Models']} == collections
        models |= {model['Config'].removeprefix('configs/'): model for model in content['Models']}
    assert sorted(models) == CONFIGS
    for name, model in models.items():
        assert model['Name'] == Path(name).stem
        assert (model['Metadata']['Parameters'], model['Metadata']['FLOPs']) == cost(name)[:2], name


def test_readmes_give_the_sizes_that_are_measured(cost):
    for name in CONFIGS:
        text = (ROOT / 'configs' / name).with_name('README.md').read_text()
        assert f'(./{Path(name).name})' in text
        student, teacher = cost(name).params / 1e6, cost(name, 'teacher').params / 1e6
        assert f'{student:.3f} M of {teacher:.2f} M' in text
