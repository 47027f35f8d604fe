"""Pictures of a training: what is in them, in which colours, and that the training does not notice."""

import copy
import math
import re

import cv2
import numpy as np
import pytest
import torch
from families import (
    ROOT,
    Observer,
    cyclegan,
    edsr,
    equal,
    hook_of,
    load,
    pix2pix,
    scalars,
    stylegan2,
    train,
    without_distillation,
)
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mmagic_mikd import DistillPictures, langevin
from mmagic_mikd.objectives.energy import objective as energy_objective
from mmagic_mikd.objectives.energy.bound import Energies
from mmagic_mikd.objectives.energy.chain_record import ChainRecord, State
from mmagic_mikd.utils.errors import ConfigError
from mmagic_mikd.visualization import pictures as module
from mmagic_mikd.visualization.pictures import CAPTION, COLUMNS, channel_order, cut, displayed, picture, shown


def with_pictures(cfg, **settings):
    cfg = copy.deepcopy(cfg)
    cfg.default_hooks.distill_pictures = dict(type='DistillPictures', interval=1, **settings)
    return cfg


def pictures(folder, kind='chain'):
    """File name to RGB picture, of the run in this folder."""
    paths = sorted(folder.glob(f'*/vis_data/vis_image/{kind}_*.png'))
    return {path.name: cv2.imread(str(path))[..., ::-1] for path in paths}


def narrow_stylegan2(work_dir, iters):
    return stylegan2(work_dir, iters, widths=(8, 4))


@pytest.mark.parametrize('family', [pix2pix, narrow_stylegan2])
def test_the_training_is_bit_identical_with_them_and_without(tmp_path, family):
    """Weights and running estimates of student and critic; with dropout, shuffling and flips in Pix2Pix."""
    cfg = family(tmp_path / 'a', iters=3)
    if family is pix2pix:
        cfg.model.generator.use_dropout = True
    plain = train(cfg)
    cfg.work_dir = str(tmp_path / 'b')
    seen = train(with_pictures(cfg))
    assert len(pictures(tmp_path / 'b')) == 3 and not pictures(tmp_path / 'a')
    assert equal(plain.model.state_dict(), seen.model.state_dict())
    a, b = (load(tmp_path / part / 'iter_3.pth')['mikd']['objectives']['mi']['network'] for part in 'ab')
    assert equal(a, b)
    assert all(np.array_equal(scalars(plain)[k], scalars(seen)[k]) for k in ('energy_neg', 'loss_distill_mi'))


def test_a_resumed_run_ends_as_one_without_pictures(tmp_path):
    whole = train(pix2pix(tmp_path / 'whole', iters=4))
    train(with_pictures(pix2pix(tmp_path / 'parts', iters=2)))
    cfg = with_pictures(pix2pix(tmp_path / 'parts', iters=4))
    cfg.resume = True
    assert equal(whole.model.state_dict(), train(cfg).model.state_dict())
    steps = {name.rpartition('_')[2] for name in pictures(tmp_path / 'parts')}
    assert steps == {'1.png', '2.png', '3.png', '4.png'}


def test_the_picture_is_of_the_chain_that_trained(tmp_path, monkeypatch):
    chains = []

    def watched(energy, start, **kwargs):
        chains.append((start.detach(), langevin(energy, start, **kwargs)))
        return chains[-1][1]

    monkeypatch.setattr(energy_objective, 'langevin', watched)
    train(with_pictures(pix2pix(tmp_path, iters=2), samples=1, states=3))
    drawn = pictures(tmp_path)
    assert list(drawn) == ['chain_generators_photo_1.png', 'chain_generators_photo_2.png']
    for image, (s, t_neg) in zip(drawn.values(), chains, strict=True):
        columns = np.split(image, 5, axis=1)  # three states, t~ and t; 32 px enlarged fourfold
        tiles = [column[CAPTION:-2, 1:-1][::4, ::4] for column in columns]
        assert np.array_equal(tiles[0], displayed(s[0], rgb=False))
        assert np.array_equal(tiles[3], displayed(t_neg[0], rgb=False))


def test_at_the_interval_one_picture_for_each_pair(tmp_path):
    cfg = with_pictures(cyclegan(tmp_path, iters=2))
    cfg.default_hooks.distill_pictures.interval = 2
    runner = train(cfg)
    assert list(pictures(tmp_path)) == ['chain_generators_summer_2.png', 'chain_generators_winter_2.png']
    assert not hook_of(runner).objectives['mi'].records


class Colours(Hook):
    """Makes the target of every step a known colour, red as it was loaded."""

    priority = 'HIGH'

    def __init__(self, name, index):
        self.name, self.index = name, index

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        samples = data_batch['data_samples']
        images = data_batch['inputs'][self.name] if self.name else [sample.gt_img for sample in samples]
        for image in images:
            image.zero_()[self.index] = 255


@pytest.mark.parametrize('family', ['pix2pix', 'edsr', 'edsr, turned by the preprocessor'])
def test_red_is_red(tmp_path, family):
    """The target of the data set, in both orders that the toolbox loads in, and turned by its preprocessor."""
    cfg = pix2pix(tmp_path, iters=1) if family == 'pix2pix' else edsr(tmp_path, iters=1)
    if 'turned' in family:
        for model in (cfg.model, cfg.default_hooks.distill.teacher.model):
            model.data_preprocessor.output_channel_order = 'BGR'
    cfg.default_hooks.distill.objectives.mi.target = 'ground_truth'
    runner = Runner.from_cfg(with_pictures(cfg, samples=1))
    runner.register_hook(Colours('img_photo', 2) if family == 'pix2pix' else Colours(None, 0))
    runner.train()
    (image,) = pictures(tmp_path).values()
    assert (image[CAPTION:-2, -50:-1] == (255, 0, 0)).all()


def test_a_colour_in_either_order_and_grey():
    red = torch.full((3, 4, 4), -1.0)
    red[0] = 1
    assert (displayed(red, rgb=True) == (255, 0, 0)).all() and (
        displayed(red, rgb=False) == (0, 0, 255)
    ).all()
    assert (displayed(torch.zeros(1, 4, 4), rgb=True) == 128).all()
    broken = torch.full((3, 4, 4), math.nan)
    assert displayed(broken, rgb=True).dtype == np.uint8 and (displayed(broken, rgb=True) == 128).all()


def test_the_order_is_what_the_preprocessor_makes_or_what_was_loaded():
    class Preprocessor:
        output_channel_order = None

    info = dict(gt_channel_order='rgb', img_channel_order='bgr')
    batch = dict(data_samples=[BaseDataElement(metainfo=info)])
    assert channel_order(Preprocessor, batch) == 'RGB'
    assert channel_order(Preprocessor, dict(inputs=None)) == channel_order(None, None) == 'BGR'
    Preprocessor.output_channel_order = 'BGR'
    assert channel_order(Preprocessor, batch) == 'BGR'


def test_a_grey_label_map_says_nothing_of_the_colours_of_its_photograph():
    info = dict(img_mask_channel_order='bgr', img_photo_channel_order='rgb')
    batch = dict(
        inputs=dict(img_mask=torch.zeros(2, 1, 4, 4), img_photo=torch.zeros(2, 3, 4, 4)),
        data_samples=[BaseDataElement(metainfo=info)],
    )
    assert channel_order(None, batch) == 'RGB'


def states(count, samples=2):
    names = ['s', *(f'step {number}' for number in range(1, count)), 't~', 't']
    return [State(name, torch.zeros(samples, 3, 8, 120), torch.zeros(samples)) for name in names]


def test_evenly_spaced_states_and_both_ends():
    assert [state.name for state in shown(states(10), 4)] == ['s', 'step 3', 'step 6', 'step 9', 't~', 't']
    assert [state.name for state in shown(states(2), 4)] == ['s', 'step 1', 't~', 't']
    assert [state.name for state in shown(states(0)[1:], 4)] == ['t~', 't']


def test_one_column_for_a_state_and_one_row_for_a_sample():
    assert picture(states(2), rgb=True).shape == (2 * (8 + CAPTION + 2), 4 * 122, 3)


def test_a_record_keeps_what_the_chain_asked_and_changes_nothing():
    def energy(t):
        return (t**2).flatten(1).sum(1)

    start, record = torch.linspace(-1, 1, 24).view(2, 3, 2, 2), ChainRecord(samples=1)

    def chain(energy):
        return langevin(energy, start, steps=3, step_size=0.1, generator=torch.Generator().manual_seed(0))

    for _ in range(2):  # of two chains in one iteration the last
        t_neg = chain(record.watching(energy, 's'))
        record.end(t_neg, -start, Energies(energy(-start), energy(t_neg)))
    assert torch.equal(t_neg, chain(energy))
    assert [state.name for state in record.states] == ['s', 'step 1', 'step 2', 't~', 't']
    assert torch.equal(record.states[0].images, start[:1])
    assert torch.equal(record.states[3].images, t_neg[:1])
    assert torch.equal(record.states[4].energies, energy(-start)[:1])
    assert all(torch.equal(energy(state.images), state.energies) for state in record.states)


def test_energies_gap_and_picture_reach_tensorboard_as_the_page_says(tmp_path):
    lines = re.search(r'```python\n(.*?)```', (ROOT / 'docs' / 'seeing.md').read_text(), re.S)[1]
    cfg = pix2pix(tmp_path, iters=2)
    cfg.merge_from_dict(Config.fromstring(lines, '.py')._cfg_dict.to_dict())
    cfg.default_hooks.distill_pictures.interval = 1
    log = scalars(train(cfg))
    (folder,) = tmp_path.glob('*/vis_data')
    events = EventAccumulator(str(folder))
    events.Reload()
    for name in (
        *(
            'loss_distill_mi',
            'loss_critic',
            'energy_t',
            'energy_neg',
            'energy_gap',
            'chain_drift',
            'distance',
        ),
        *('mi_learner_norm', 'mi_grad_ratio'),
    ):
        assert len(events.Scalars(name)) == 2 and log[name].size == 2
    assert events.Scalars('energy_gap')[0].value == pytest.approx(log['energy_gap'][0], rel=1e-5)
    np.testing.assert_allclose(log['energy_gap'], log['energy_neg'] - log['energy_t'], atol=1e-6)
    assert [event.step for event in events.Images('chain_generators_photo')] == [1, 2]
    assert len(pictures(tmp_path)) == 2 and (folder / 'scalars.json').is_file()


@pytest.mark.parametrize('settings', [dict(interval=0), dict(samples=0), dict(states=1.5)])
def test_settings_that_cannot_work_are_named(settings):
    (name,) = settings
    with pytest.raises(ConfigError, match=f'DistillPictures: {name}='):
        DistillPictures(**settings)


def test_without_an_objective_there_is_nothing_to_draw(tmp_path):
    cfg = with_pictures(pix2pix(tmp_path, iters=1))
    cfg.default_hooks.distill.objectives = dict(mi=None)
    for wrong in (without_distillation(cfg), cfg):
        with pytest.raises(ConfigError, match=r'draws what default_hooks\.distill distils, which is nothing'):
            train(wrong)


class Watching(Hook):
    """Calls back with what both networks made, in every iteration."""

    def __init__(self, callback):
        self.callback = callback

    def before_train(self, runner):
        hook_of(runner).iteration.watchers.append(self.callback)


@pytest.mark.parametrize('family', [pix2pix, edsr, narrow_stylegan2])
def test_any_objective_has_a_picture_of_what_it_compares(tmp_path, family):
    """Input, student, teacher and target where there are such, under the old name of the hook, too."""
    cfg, seen = family(tmp_path, iters=1), []
    cfg.default_hooks.distill.objectives = dict(l1=dict(type='L1Loss'))
    cfg.default_hooks.chain_pictures = dict(type='ChainPictures', interval=1, samples=1)
    runner = Runner.from_cfg(cfg)
    runner.register_hook(Watching(seen.extend), priority='VERY_LOW')
    runner.train()
    (image,) = pictures(tmp_path, 'distill').values()
    assert not pictures(tmp_path)
    (view,) = seen
    made = dict(input=view.x, student=view.s, teacher=view.t, target=view.ground_truth)
    shown_here = ['student', 'teacher'] if family is narrow_stylegan2 else list(made)
    columns = np.split(image, len(shown_here), axis=1)
    for name, column in zip(shown_here, columns, strict=True):
        pixels = displayed(view.images.mapped(made[name][0:1], (-1, 1))[0].detach(), rgb=family is edsr)
        factor = (column.shape[1] - 2) // pixels.shape[1]
        assert np.array_equal(column[CAPTION:-2, 1:-1][::factor, ::factor], pixels)


@pytest.mark.parametrize('repeated', [False, True])
def test_a_photograph_of_another_place_is_no_target(tmp_path, repeated):
    cfg = with_pictures(cyclegan(tmp_path, iters=1))
    cfg.default_hooks.distill.objectives = dict(l1=dict(type='L1Loss'))
    if repeated:
        cfg.train_dataloader.dataset = dict(
            type='RepeatDataset', times=2, dataset=cfg.train_dataloader.dataset
        )
    train(cfg)
    drawn = pictures(tmp_path, 'distill')
    assert len(drawn) == 2
    assert all(list(cut(sheet)) == ['input', 'student', 'teacher'] for sheet in drawn.values())


def test_only_the_first_process_draws(tmp_path, monkeypatch):
    monkeypatch.setattr(module, 'is_main_process', lambda: False)
    runner = Runner.from_cfg(with_pictures(pix2pix(tmp_path, iters=1)))
    records = []
    runner.register_hook(Observer(lambda hook: records.append(dict(hook.objectives['mi'].records))))
    runner.train()
    assert records == [{}] and not pictures(tmp_path)


@pytest.mark.parametrize('names', COLUMNS)
@pytest.mark.parametrize('side', [16, 120])
def test_a_picture_is_cut_into_what_it_was_made_of(names, side):
    images = {name: torch.rand(2, 3, side, side + 4) * 2 - 1 for name in names}
    images[names[0]][:] = 1  # as white as what is between them
    sheet = picture([State(name, image, None) for name, image in images.items()], rgb=True)
    found, factor = cut(sheet), -(-module.NARROWEST // (side + 4))
    assert list(found) == list(names)
    for name, image in images.items():
        wanted = [displayed(each, rgb=True).repeat(factor, 0).repeat(factor, 1) for each in image]
        np.testing.assert_array_equal(np.stack(found[name]), np.stack(wanted))
    assert cut(sheet[:, 1:]) is None and cut(np.full((200, 480, 3), 255, np.uint8)) is None
