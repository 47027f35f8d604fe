"""A teacher's images on disk: the same bits, by input and weights, bounded, shared, whole after a kill."""

import copy
import multiprocessing
import os
import signal
from pathlib import Path

import families
import pytest
import torch
from families import equal, train
from torch import nn

from mmagic_mikd.teachers import tensor_store
from mmagic_mikd.teachers.image_cache import ImageCache
from mmagic_mikd.teachers.tensor_store import TensorStore
from mmagic_mikd.utils.errors import ConfigError

FORK = multiprocessing.get_context('fork')


class Counted(nn.Module):
    """A network that knows on how many samples it ran."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.ran = 0
        self.eval().requires_grad_(False)

    def forward(self, x):
        self.ran += len(x)
        return self.conv(x)


def cache_of(folder: Path, network: nn.Module, **settings):
    cfg = dict(cache=dict(folder=str(folder), **settings))
    cache = ImageCache.from_config(cfg, network, 'generator')
    return lambda x: cache(lambda args, kwargs: network(*args, **kwargs), (x,), {})


def images(count: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(seed))


def patches(cfg):
    """Fixed ones, so that inputs come again."""
    pipeline = cfg.train_dataloader.dataset.pipeline
    kept = [step for step in pipeline if step.type not in ('PairedRandomCrop', 'Flip', 'RandomTransposeHW')]
    kept.insert(-1, dict(type='Crop', keys=['img'], crop_size=(8, 8), random_crop=False))
    kept.insert(-1, dict(type='Crop', keys=['gt'], crop_size=(32, 32), random_crop=False))
    cfg.train_dataloader.dataset.update(pipeline=kept, indices=4)
    return cfg


def test_a_run_is_bit_identical_to_one_without_a_cold_and_a_warm_one(tmp_path, monkeypatch):
    states, samples, call = [], [], ImageCache.__call__
    monkeypatch.setattr(ImageCache, '__call__', lambda self, *args: samples.append(self) or call(self, *args))
    cfg = patches(families.super_resolution('edsr', tmp_path / 'run', iters=6))
    for cache in (None, 'images', 'images'):
        run = copy.deepcopy(cfg)
        run.default_hooks.distill.teacher.cache = cache and str(tmp_path / cache)
        run.default_hooks.distill.objectives = dict(l1=dict(type='L1Loss', loss_weight=1.0))
        states.append(train(run).model.state_dict())
    assert equal(states[0], states[1]) and equal(states[0], states[2])
    cold, warm = samples[0], samples[-1]
    assert cold is not warm and cold.hits + cold.misses == warm.hits + warm.misses == 12
    # four photographs; the batch of the trial is always made
    assert cold.misses < 8 and warm.misses == 2 and warm.hits == 10


FLAGS = [
    (torch.backends.cuda.matmul, 'allow_tf32'),
    (torch.backends.cudnn, 'allow_tf32'),
    (torch.backends.cudnn, 'deterministic'),
    (torch.backends.mkldnn, 'enabled'),
]


@pytest.mark.parametrize('where', FLAGS, ids=lambda where: f'{type(where[0]).__name__}-{where[1]}')
def test_an_image_is_of_the_arithmetic_that_made_it(tmp_path, where):
    network = Counted()
    cached, x, before = cache_of(tmp_path, network), images(1), getattr(*where)
    try:
        for ran, value in ((1, before), (2, not before), (2, before)):
            setattr(*where, value)
            cached(x)
            assert network.ran == ran
    finally:
        setattr(*where, before)


@pytest.mark.parametrize('count', [2, 3])
def test_a_teacher_that_normalises_by_the_batch_makes_every_batch_anew(tmp_path, count):
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)).eval()
    network.requires_grad_(False)
    cached, x = (
        cache_of(tmp_path, network),
        images(2 * count) * torch.arange(1.0, 2 * count + 1).view(-1, 1, 1, 1),
    )
    cached(x[:count]), cached(x[count:])
    mixed = x[::2]
    assert torch.equal(cached(mixed), network(mixed))


def test_what_was_made_is_not_made_again_in_any_other_batch(tmp_path):
    network, x = Counted(), images(6)
    expected = network(x)
    cached = cache_of(tmp_path, network)
    assert torch.equal(cached(x), expected)
    network.ran = 0
    other = torch.tensor([5, 0, 3, 3, 1, 2])
    assert torch.equal(cached(x[other]), expected[other]) and network.ran == 0
    new = torch.cat([x[:5], images(1, seed=1)])
    assert torch.equal(cached(new), Counted()(new)) and network.ran == 2  # a pair, never alone
    assert torch.equal(cached(x[:1]), network(x[:1]))  # which is of another kind


def test_other_weights_inputs_kinds_and_networks_have_other_images(tmp_path):
    x = images(4)
    cache_of(tmp_path, Counted(0))(x)
    other = Counted(1)
    assert torch.equal(cache_of(tmp_path, other)(x), other(x))
    network = Counted(0)
    cached = cache_of(tmp_path, network)
    cached(x)
    changed = x.clone()
    changed[2, 0, 4, 4] += 1e-6
    assert torch.equal(cached(changed), network(changed))
    with torch.autocast('cpu', torch.bfloat16):
        assert cached(x).dtype == torch.bfloat16
    network.ran = 0
    assert torch.equal(cached(x), Counted(0)(x)) and network.ran == 0


def test_a_network_that_mixes_its_batch_is_kept_by_batch(tmp_path):
    class Mixing(Counted):
        def forward(self, x):
            return super().forward(x) - x.mean()

    network, x = Mixing(), images(4)
    cached = cache_of(tmp_path, network)
    for batch in (x, x.flip(0), x[[0, 1, 0, 1]], x):
        assert torch.equal(cached(batch), Mixing()(batch))
    network.ran = 0
    assert torch.equal(cached(x), Mixing()(x)) and network.ran == 0


def test_it_takes_no_more_than_it_may_and_stays_right(tmp_path):
    network = Counted()
    cached = cache_of(tmp_path, network, gigabytes=4000e-9)  # three images of 1 kB and what belongs to them
    for seed in range(4):
        x = images(4, seed)
        assert torch.equal(cached(x), Counted()(x))
    files = list(tmp_path.glob('*/*.image'))
    assert len(files) == 3 and sum(path.stat().st_size for path in files) <= 4000


def write(folder, number, done):
    store = TensorStore(folder, 60_000, 'cache')
    kept = [
        store.put(f'{index:02d}', torch.full((250,), float(index))) for index in range(number, number + 40)
    ]
    done.put(sum(kept))


def test_several_processes_keep_the_bound_and_each_other_s_images(tmp_path):
    done = FORK.Queue()
    processes = [FORK.Process(target=write, args=(tmp_path, 20 * n, done)) for n in range(4)]
    for process in processes:
        process.start()
    kept = [done.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    files = list(tmp_path.glob('*/*.image'))
    assert sum(kept) >= len(files) > 40 and sum(path.stat().st_size for path in files) <= 60_000
    assert int((tmp_path / 'bytes').read_text()) == sum(path.stat().st_size for path in files)
    store = TensorStore(tmp_path, 60_000, 'cache')
    found = {path.stem: store.get(path.stem) for path in files}
    assert all(torch.equal(value, torch.full((250,), float(key))) for key, value in found.items())


def killed_while_writing(folder):
    def half(path, content):
        with path.open('wb') as file:
            file.write(content[: len(content) // 2])
        os.kill(os.getpid(), signal.SIGKILL)

    Path.write_bytes = half
    TensorStore(folder, 10**6, 'cache').put('aa', torch.ones(100))


def test_a_killed_writer_leaves_nothing_that_is_taken_for_an_image(tmp_path):
    TensorStore(tmp_path, 10**6, 'cache').put('bb', torch.zeros(100))
    process = FORK.Process(target=killed_while_writing, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL and list(tmp_path.glob('*/*.part'))
    store = TensorStore(tmp_path, 10**6, 'cache')
    assert store.get('aa') is None and not list(tmp_path.glob('*/*.part'))
    assert store.put('aa', torch.ones(100)) and torch.equal(store.get('aa'), torch.ones(100))
    assert torch.equal(store.get('bb'), torch.zeros(100))


@pytest.mark.parametrize('harm', ['cut', 'changed', 'empty'])
def test_a_damaged_file_is_made_again(tmp_path, harm):
    network, x = Counted(), images(4)
    cached = cache_of(tmp_path, network)
    cached(x)
    for path in tmp_path.glob('*/*.image'):
        content = path.read_bytes()
        harmed = dict(cut=content[:-9], changed=content[:-1] + bytes([content[-1] ^ 1]), empty=b'')[harm]
        path.write_bytes(harmed)
    network.ran = 0
    assert torch.equal(cached(x), Counted()(x)) and network.ran == 4
    assert torch.equal(cached(x), Counted()(x)) and network.ran == 4


class Drawing(Counted):
    def forward(self, x):
        return super().forward(x) + torch.rand(())


@pytest.mark.parametrize(
    ('network', 'cache', 'message'),
    [
        (Drawing(), None, 'draws random numbers'),
        (Counted().train(), None, "in mode 'train'"),
        (Counted(), dict(gigabytes=3), 'cache.folder=None must be the name of a folder'),
        (Counted(), dict(folder='x', gigabyte=3), "did you mean 'gigabytes'"),
        (Counted(), dict(folder='x', gigabytes=0), 'gigabytes=0 must be a number of more than'),
        (Counted(), '/proc/no/such', 'cannot be used'),
    ],
)
def test_what_is_refused(tmp_path, network, cache, message):
    wanted = str(tmp_path) if cache is None else cache
    with pytest.raises(ConfigError, match=message):
        built = ImageCache.from_config(dict(cache=wanted), network, 'generator')
        built(lambda args, kwargs: network(*args), (images(2),), {})


def test_features_of_a_layer_are_not_in_it(tmp_path):
    cfg = families.super_resolution('edsr', tmp_path / 'run', iters=1)
    distill = cfg.default_hooks.distill
    distill.teacher.cache = str(tmp_path / 'images')
    distill.objectives = dict(at=dict(type='AttentionTransferLoss', layer='conv_first'))
    with pytest.raises(ConfigError, match=r'keeps images, .*at\.layer asks for features'):
        train(cfg)


def test_a_full_disk_is_a_full_cache(tmp_path, monkeypatch):
    network, x = Counted(), images(4)
    cached = cache_of(tmp_path, network)

    def full(self, content):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(tensor_store.Path, 'write_bytes', full)
    assert torch.equal(cached(x), Counted()(x)) and torch.equal(cached(x), Counted()(x))
