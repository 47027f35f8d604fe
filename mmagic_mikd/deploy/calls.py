"""Calls of a generator in the toolbox's own evaluation: the inputs that it gets, and what it makes of them."""

import contextlib
import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import torch
from mmengine.config import Config, ConfigDict
from mmengine.runner import Runner, set_random_seed
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from ..host.loaders import without_workers
from ..host.locate import image_of
from ..host.taps import unwrap
from ..utils.errors import ConfigError
from .form import takes_latents
from .orders import Orders
from .precision import Calibration

ONE_INPUT = 'cannot be a file, which takes one image or one latent'


class Calls(NamedTuple):
    """Inputs (N, C, H, W) and images that the toolbox made of them, one by one; the channels' order in each."""

    inputs: list[Tensor]
    images: list[Tensor]
    order: str = 'BGR'
    output_order: str = 'BGR'


@torch.no_grad()
def of_evaluation(runner: Runner, generator: nn.Module, most: int, output: int | str | None = None) -> Calls:
    """The first ``most`` of the test set, in the batches of its loader.

    Of a generator from noise: seeded latents, and what it makes of them with the noise of its buffers.
    """
    if takes_latents(generator):
        return Calls(latents(generator, most, seed=0), [])
    inputs, images, orders = _recorded(runner, generator, most, batches(runner), output)
    if not inputs:
        raise ConfigError(
            f'--generator: the test of this config does not call that {type(generator).__name__}; name the '
            'generator that it evaluates'
        )
    order = orders.of_input(inputs[0].shape[1])
    return Calls(inputs[:most], images[:most], order, orders.of_output(images[0].shape[1], order))


@torch.no_grad()
def of_training(runner: Runner, generator: nn.Module, most: int) -> Calibration:
    """Inputs that no test shows, for a calibration: of the training set, or latents of another seed.

    None where the config has no training set whose files are there.
    """
    if takes_latents(generator):
        return Calibration(latents(generator, most, seed=1), 'another seed')
    inputs: list[Tensor] = []
    for dataset in training_sets(runner.cfg):
        set_random_seed(0)  # the same file from the same command
        with contextlib.suppress(Exception):  # of the data sets of others, whose errors are of every class
            inputs = inputs or _recorded(runner, generator, most, batches(runner, dataset))[0][:most]
    return Calibration(inputs, 'the training set')


def training_sets(cfg: Config) -> list[dict]:
    """The training set through the pipeline of the test, which shows whole pictures, else through its own.

    Small pictures that the training makes of large ones are no files, and the pipeline of the test wants some.
    """
    train, test = (_innermost(cfg.get(f'{split}_dataloader')) for split in ('train', 'test'))
    if not (train and test):
        return []
    return [{**train, 'pipeline': test['pipeline']}] * bool(test.get('pipeline')) + [train]


def _innermost(loader: Mapping | list | None) -> dict | None:
    """The data set in a loader, out of those that repeat or join it."""
    loader = loader[0] if isinstance(loader, list | tuple) and loader else loader
    found = loader.get('dataset') if isinstance(loader, Mapping) else None
    while isinstance(found, Mapping) and isinstance(found.get('dataset'), Mapping):
        found = found['dataset']
    return dict(found) if isinstance(found, Mapping) else None


def latents(generator: nn.Module, most: int, seed: int) -> list[Tensor]:
    """Standard normal vectors (1, D).

    Raises:
        ConfigError: it makes pictures of a class, too.
    """
    if getattr(generator, 'num_classes', 0):
        raise ConfigError(f'{type(generator).__name__} {ONE_INPUT}: it takes a class beside the latent')
    drawn = torch.randn(most, generator.noise_size, generator=torch.Generator().manual_seed(seed))
    return list(drawn.split(1))


def one_input(generator: nn.Module, args: tuple, kwargs: Mapping) -> Tensor:
    """The only tensor that a call gives a generator.

    Raises:
        ConfigError: there are several, or it is no image and no latent.
    """
    tensors = [leaf for leaf in tree_leaves((args, dict(kwargs))) if isinstance(leaf, Tensor)]
    name = type(generator).__name__
    if len(tensors) != 1:
        raise ConfigError(f'{name} {ONE_INPUT}: it takes {len(tensors)} tensors')
    if tensors[0].ndim not in (2, 4):
        raise ConfigError(f'{name} {ONE_INPUT}: it takes frames, a tensor of {tensors[0].ndim} dimensions')
    return tensors[0]


def _recorded(
    runner: Runner, generator: nn.Module, most: int, data: Iterable, output: int | str | None = None
) -> tuple[list[Tensor], list[Tensor], Orders]:
    """Inputs, images and orders of channels, one by one, until there are ``most``.

    The toolbox tests Pix2Pix in training mode, which moves running statistics: they are put back.
    """
    inputs, images, orders = [], [], Orders(unwrap(runner.model).data_preprocessor)
    state = copy.deepcopy(generator.state_dict())

    def keep(module: nn.Module, args: tuple, kwargs: dict, made: object) -> None:
        x = one_input(module, args, kwargs)
        inputs.extend(x.detach().cpu().float().split(1))
        orders.called(x)
        images.extend(image_of(made, output).detach().cpu().float().split(1))

    handle = generator.register_forward_hook(keep, with_kwargs=True)
    try:
        for batch in data:
            for sample in runner.model.test_step(batch):
                orders.see(sample.metainfo)
            if len(inputs) >= most:
                break
    finally:
        handle.remove()
        orders.remove()
        generator.load_state_dict(state)
    return inputs, images, orders


def batches(runner: Runner, dataset: Mapping | None = None) -> Iterator:
    """Of the first test set, or of another data set in its place.

    Without the loop, whose metrics may want files that nobody needs here.
    """
    loaders = runner.cfg.test_dataloader
    loader = loaders[0] if isinstance(loaders, list | tuple) else loaders
    changes = {} if dataset is None else dict(dataset=dataset)
    # still a ConfigDict, of which MMEngine takes a loader without a sampler
    yield from runner.build_dataloader(ConfigDict({**without_workers(loader), **changes}), seed=0)
