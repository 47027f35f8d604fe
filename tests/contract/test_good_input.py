"""Good but unusual input: it trains, and the networks are given the numbers that are in the files."""

from pathlib import Path

import families
import good_input
import numpy as np
import pytest
from bad_input_world import World, model
from good_input import DISTILL, by_opencv, by_pillow, decoded, given, grey, loaded, one_channel, pictures
from mmengine.registry import TRANSFORMS
from places import ROOT

GREY16 = {**loaded(color_type='unchanged'), **one_channel(65535.0)}
COLOUR16 = {
    **loaded(color_type='unchanged', channel_order='bgr'),
    **{f'{place}.data_preprocessor.std': [65535.0] * 3 for place in ('model', f'{DISTILL}.teacher.model')},
}


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv('MIKD_TRACEBACK', raising=False)
    monkeypatch.setenv('LOCAL_RANK', '0')
    return World(tmp_path)


def one_channel_teacher(world):
    world.save('teacher.pth', model(8), in_channels=1, out_channels=1, rgb_mean=[0.0], rgb_std=[1.0])


@pytest.mark.parametrize(
    ('extension', 'write', 'settings', 'within'),
    [
        pytest.param('.png', by_pillow(), dict(turned=grey), 0, id='grey'),
        pytest.param('.png', by_pillow('P'), {}, 0, id='palette'),
        pytest.param('.jpg', by_pillow('CMYK', quality=100, subsampling=0), {}, 4, id='CMYK'),
        pytest.param('.jpg', good_input.rotated, {}, 4, id='EXIF-rotated'),
        pytest.param('.tif', by_pillow(), {}, 0, id='TIFF'),
        pytest.param('.tiff', by_pillow(compression='tiff_lzw'), {}, 0, id='LZW TIFF'),
        pytest.param('.bmp', by_pillow(), {}, 0, id='BMP'),
        pytest.param('.webp', by_pillow(lossless=True), {}, 0, id='WebP'),
        pytest.param('.JPG', by_pillow(format='JPEG', quality=100, subsampling=0), {}, 4, id='JPG'),
    ],
)
def test_files_of_every_kind(world, extension, write, settings, within):
    pictures(world, write, extension, **settings)
    # of the files that cv2 reads, only WebP has to be asked for by its ending
    endings = {'train_dataloader.dataset.img_suffix': extension} if extension == '.webp' else {}
    seen = given(world, endings)
    assert len(seen) == 4
    for path, _, target in seen:
        expected = decoded(Path(path)).astype(float)
        assert np.abs(target[..., ::-1] - expected).max() <= within + 1e-3  # loaded as BGR


def test_grey_pictures_as_one_channel(world):
    one_channel_teacher(world)
    made = pictures(world, by_pillow(), '.png', turned=grey)
    for path, small, target in given(world, {**loaded(color_type='grayscale'), **one_channel(255.0)}):
        assert small.shape == (8, 8, 1)
        np.testing.assert_allclose(target, made[Path(path).name], atol=1e-3)


@pytest.mark.parametrize('colour', [False, True])
def test_sixteen_bit(world, colour, monkeypatch):
    """The critic, too, sees black and white at -1 and 1."""
    from mmagic_mikd import MIDistillLoss

    units, critic_loss = [], MIDistillLoss.critic_loss
    monkeypatch.setattr(
        MIDistillLoss, 'critic_loss', lambda self, *args: units.append(args[1]) or critic_loss(self, *args)
    )
    if colour:
        made = pictures(world, by_opencv, '.png', white=65535)
    else:
        one_channel_teacher(world)
        made = pictures(world, by_opencv, '.png', white=65535, turned=grey)
    target = {f'{DISTILL}.objectives.mi.target': 'ground_truth'}
    seen = given(world, {**(COLOUR16 if colour else GREY16), **target})
    for path, _, image in seen:
        expected = made[Path(path).name]
        np.testing.assert_allclose(image[..., ::-1] if colour else image, expected, atol=0.1)
    images = np.stack([image for _, _, image in seen])
    for unit, image in zip(np.concatenate(units), images, strict=True):
        np.testing.assert_allclose(unit.transpose(1, 2, 0), 2 * image / 65535 - 1, atol=1e-4)


@pytest.mark.parametrize(('bits', 'channels'), [(8, 1), (8, 3), (16, 1), (16, 3)])
def test_super_resolution_from_photographs_alone(world, bits, channels):
    """The pipeline of configs/_base_/sr_x4.py, small enough for these pictures."""
    from mmengine.config import Config

    white = 2**bits - 1
    turned = grey if channels == 1 else np.asarray
    for path in (world.root / 'data/large').iterdir():
        path.unlink()
    made = {}
    for number in range(4):
        picture = turned(good_input.scene(35, 33, number, white))
        by_opencv(picture, world.root / f'data/large/{number}.png')
        made[f'{number}.png'] = picture[:32, :32]
    pipelines = Config.fromfile(ROOT / 'configs/_base_/sr_x4.py').sr_x4
    deep = channels == 1 or bits == 16
    load, *rest = pipelines.deep_train_pipeline if deep else pipelines.train_pipeline
    still = [t for t in rest if t['type'] not in ('Flip', 'RandomTransposeHW')]
    still = [t | dict(gt_patch_size=32) if t['type'] == 'PairedRandomCrop' else t for t in still]
    changes = {'train_dataloader.dataset.data_prefix': dict(gt='large')}
    changes['train_dataloader.dataset.pipeline'] = [load.to_dict(), *(t.to_dict() for t in still)]
    for place in ('model', f'{DISTILL}.teacher.model'):
        changes[f'{place}.generator.upscale_factor'] = 4
        if channels == 1:
            changes |= one_channel(float(white))
        else:
            changes[f'{place}.data_preprocessor.std'] = [float(white)] * 3
            changes[f'{place}.data_preprocessor.output_channel_order'] = 'RGB'
    small = dict(in_channels=1, out_channels=1, rgb_mean=[0.0], rgb_std=[1.0]) if channels == 1 else {}
    world.save('teacher.pth', model(8), upscale_factor=4, **small)
    for path, image, target in given(world, changes):
        expected = made[Path(path).name].astype(np.float64)
        np.testing.assert_allclose(target, expected, atol=white * 1e-6)
        assert image.shape == (8, 8, channels) and image.min() >= 0 and image.max() <= white
        means = expected.reshape(8, 4, 8, 4, channels).mean((1, 3))
        assert np.corrcoef(image.flatten(), means.flatten())[0, 1] > 0.95
        assert abs(image.mean() - means.mean()) < 0.05 * white


def test_both_pipelines_of_photographs_give_the_same_for_8_bit():
    """The one by `Clip` and a `Normalize` that only makes float32."""
    gt, made = np.zeros((4, 4, 3), np.uint8), np.random.default_rng(0).uniform(-60, 320, (1, 1, 3))
    steps = [
        dict(type='mmagic.Clip', keys=['img']),
        dict(type='mmagic.Normalize', keys=['img'], mean=[0, 0, 0], std=[1, 1, 1]),
    ]
    before = dict(gt=gt, img=made.copy())
    for step in steps:
        before = TRANSFORMS.build(step)(before)
    after = TRANSFORMS.build(dict(type='ClipToDepth', key='img', like='gt'))(dict(gt=gt, img=made.copy()))
    assert after['img'].dtype == np.float32 and np.array_equal(before['img'], after['img'])
    assert after['gt'] is gt


def test_pairs_in_two_folders_are_those_side_by_side(tmp_path):
    """What the sentence about single pictures given to PairedImageDataset advises."""
    together, apart = (families.pix2pix(tmp_path / name, 2) for name in ('together', 'apart'))
    for folder in ('train', 'left', 'right'):
        (tmp_path / folder).mkdir()
    halves = [good_input.scene(40, 40, number) for number in (1, 2)]
    by_opencv(np.concatenate(halves, axis=1), tmp_path / 'train/a pair.png')
    for folder, half in zip(('left', 'right'), halves, strict=True):
        by_opencv(half, tmp_path / folder / 'a pair.png')
    load, *rest = together.train_dataloader.dataset.pipeline
    together.train_dataloader.dataset.data_root = str(tmp_path)
    keys = [f'img_{load[domain]}' for domain in ('domain_a', 'domain_b')]
    loads = [dict(type='LoadImageFromFile', key=key, color_type='color') for key in keys]
    prefix = dict(zip(keys, ('left', 'right'), strict=True))
    apart.train_dataloader.dataset = dict(
        type='BasicImageDataset', data_root=str(tmp_path), data_prefix=prefix, pipeline=[*loads, *rest]
    )
    states = [families.train(cfg).model.state_dict() for cfg in (together, apart)]
    assert families.equal(*states)


@pytest.mark.parametrize('listed', [False, True])
def test_names_with_blanks_and_letters_of_other_languages(world, listed):
    """In a folder, and in a list in which a size follows each name."""
    changes, names = {}, ['kg t 0', 'Zürich 東京', "it's (1)", 'naïve.v2']
    made = {}
    for number, name in enumerate(names):
        for folder, side in (('small', 8), ('large', 16)):
            (world.root / f'data/{folder}/{number}.png').unlink()
            picture = good_input.scene(side, side, number)
            by_pillow()(picture, world.root / f'data/{folder}/{name}.png')
            made[f'{name}.png'] = picture
    if listed:
        world.write('data/list.txt', ''.join(f'{name}.png (16,16,3)\n' for name in names))
        changes['train_dataloader.dataset.ann_file'] = 'list.txt'
    seen = given(world, changes)
    assert {Path(path).name for path, *_ in seen} == set(made)
    for path, _, target in seen:
        np.testing.assert_allclose(target[..., ::-1], made[Path(path).name], atol=1e-3)


def test_a_folder_with_partners_that_nobody_needs(world):
    for number in range(4, 9):
        world.picture(f'data/large/{number}.png', 16)
    seen = given(world, {})
    assert {Path(path).stem for path, *_ in seen} == set('0123')


def test_odd_sizes_whole(world):
    """Pictures of odd sides, one to a batch, without a crop."""
    sizes = [(9, 7), (11, 13), (8, 15), (7, 7)]
    for number, (height, width) in enumerate(sizes):
        for folder, factor in (('small', 1), ('large', 2)):
            picture = good_input.scene(factor * height, factor * width, number)
            by_opencv(picture, world.root / f'data/{folder}/{number}.png')
    pipeline = [step for step in loaded()['train_dataloader.dataset.pipeline'] if 'Crop' not in step['type']]
    changes = {
        'train_dataloader.dataset.pipeline': pipeline,
        'train_dataloader.batch_size': 1,
        f'{DISTILL}.objectives.mi.critic': dict(type='EnergyCritic', base_channels=2),
        'train_dataloader.sampler': dict(type='InfiniteSampler', shuffle=False),
        'train_cfg.max_iters': 4,
        'default_hooks.checkpoint.interval': 2,
    }
    seen = given(world, changes)
    assert len(seen) == 4
    for path, small, target in seen:
        height, width = sizes[int(Path(path).stem)]
        assert small.shape[:2] == (height, width)
        np.testing.assert_allclose(target[..., ::-1], decoded(Path(path)), atol=1e-3)


def test_a_batch_of_one_at_an_epochs_end(world):
    """Three pictures in batches of two; the rule for chains that start at others is in test_last_batch.py."""
    for folder in ('small', 'large'):
        (world.root / f'data/{folder}/3.png').unlink()
    changes = {
        'train_cfg': dict(type='EpochBasedTrainLoop', max_epochs=1),
        'train_dataloader.sampler': dict(type='DefaultSampler', shuffle=False),
        f'{DISTILL}.objectives.mi.chain.start': 'shuffled',
    }
    seen = given(world, changes)
    assert sorted(Path(path).stem for path, *_ in seen) == ['0', '1', '2']
    for path, _, target in seen:
        np.testing.assert_allclose(target[..., ::-1], decoded(Path(path)), atol=1e-3)
