"""The critic's depth follows the first batch where the config sets neither `image_size` nor `num_blocks`."""

import copy
import os
from pathlib import Path

import families
import pytest
from families import load, train
from interruption import difference, elsewhere, end, output, start
from objective_rows import objective
from processes import free_port


def tiny(folder: Path, size: int, iters: int = 2, **critic):
    """Pix2Pix on crops of ``size`` pixels, by mutual information alone."""
    cfg = families.pix2pix(folder, iters)
    for transform in cfg.train_dataloader.dataset.pipeline:
        sizes = dict(Resize=dict(scale=(size + 4, size + 4)), FixedCrop=dict(crop_size=(size, size)))
        transform.update(sizes.get(transform.type, {}))
    mi = objective('mi', 'pix2pix')
    mi['critic'].update(critic)
    cfg.default_hooks.distill = dict(
        type='DistillRunner', teacher=cfg.default_hooks.distill.teacher, objectives=dict(mi=mi)
    )
    cfg.default_hooks.checkpoint.interval = 1
    return cfg


def depth(checkpoint: dict) -> int:
    """The blocks of the critic in a checkpoint."""
    names = checkpoint['mikd']['objectives']['mi']['network']
    return len({name.partition('.blocks.')[2].partition('.')[0] for name in names} - {''})


@pytest.mark.parametrize(('size', 'blocks'), [(64, 5), (32, 4)])
def test_the_depth_is_that_of_the_images(tmp_path, size, blocks):
    train(tiny(tmp_path, size, 1))
    left = load(tmp_path / 'iter_1.pth')
    assert depth(left) == blocks and left['mikd']['objectives']['mi']['built'] == (size, 3)


@pytest.mark.parametrize('critic', [dict(image_size=16), dict(num_blocks=3)])
def test_a_depth_that_is_set_is_kept(tmp_path, critic):
    train(tiny(tmp_path, 64, 1, **critic))
    assert depth(load(tmp_path / 'iter_1.pth')) == 3


def test_a_resumed_critic_keeps_its_depth_whatever_the_next_batch_is(tmp_path):
    cfg = tiny(tmp_path / 'whole', 32, 2)
    train(cfg)
    again = elsewhere(cfg, 'iter_1.pth', tmp_path / 'again')
    train(again)
    whole, resumed = (load(f'{each.work_dir}/iter_2.pth') for each in (cfg, again))
    assert difference(whole, resumed) is None
    larger = elsewhere(cfg, 'iter_1.pth', tmp_path / 'larger')
    larger.train_dataloader.dataset.pipeline = tiny(
        tmp_path / 'pipeline', 64
    ).train_dataloader.dataset.pipeline
    train(larger)
    assert depth(load(tmp_path / 'larger' / 'iter_2.pth')) == 4


@pytest.mark.slow
def test_two_processes_build_one_critic_for_their_smallest_images(tmp_path):
    """Each with a crop of its own: another depth on either would end in unequal messages."""
    address = dict(WORLD_SIZE='2', MASTER_ADDR='127.0.0.1', MASTER_PORT=str(free_port()))
    configs = [tiny(tmp_path / f'rank {rank}', size) for rank, size in enumerate((64, 32))]
    teacher = configs[0].default_hooks.distill.teacher
    ranks = []
    for rank, cfg in enumerate(configs):
        cfg = copy.deepcopy(cfg)
        cfg.launcher, cfg.default_hooks.distill.teacher = 'pytorch', teacher
        ranks.append(start(cfg, None, RANK=str(rank), LOCAL_RANK=str(rank), **address))
    assert [end(pid) for pid in ranks] == [0, 0], output(configs[0])[-3000:] + output(configs[1])[-3000:]
    assert depth(load(tmp_path / 'rank 0' / 'iter_2.pth')) == 4
    assert not os.path.exists(tmp_path / 'rank 1' / 'iter_2.pth')  # one process writes for both
