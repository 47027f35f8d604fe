"""Calls of a generator in the toolbox's own evaluation: the inputs that it gets, and what it makes of them."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import torch
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from ..host.locate import image_of
from ..utils.errors import ConfigError
from .form import takes_latents


class Calls(NamedTuple):
    """Inputs (N, C, H, W) and images that the toolbox made of them, one by one; and the order of channels."""

    inputs: list[Tensor]
    images: list[Tensor]
    order: str


@torch.no_grad()
def of_evaluation(runner: Runner, generator: nn.Module, most: int, output: int | str | None = None) -> Calls:
    """The first ``most`` of the test set, in the batches of its loader.

    Of a generator from noise: seeded latents, and what it makes of them with the noise of its buffers.
    """
    if takes_latents(generator):
        latents = torch.randn(most, generator.noise_size, generator=torch.Generator().manual_seed(0))
        return Calls([latent[None] for latent in latents], [], 'BGR')
    inputs, images, orders = [], [], set()

    def keep(module: nn.Module, args: tuple, made: object) -> None:
        x = next(leaf for leaf in tree_leaves(args) if isinstance(leaf, Tensor))
        inputs.extend(x.detach().cpu().float().split(1))
        images.extend(image_of(made, output).detach().cpu().float().split(1))

    handle = generator.register_forward_hook(keep)
    try:
        for data in batches(runner):
            for sample in runner.model.test_step(data):
                orders.update(input_orders(sample.metainfo))
            if len(inputs) >= most:
                break
    finally:
        handle.remove()
    if not inputs:
        raise ConfigError(
            f'--generator: the test of this config does not call that {type(generator).__name__}; name the '
            'generator that it evaluates'
        )
    if len(orders) > 1:
        raise ConfigError(
            f"test_dataloader: the generator's inputs are in the orders {' and '.join(sorted(orders))}, but a"
            ' file has one: give every input the same `channel_order` in its LoadImageFromFile'
        )
    order = orders.pop() if orders else 'BGR'
    return Calls(inputs[:most], images[:most], 'GREY' if inputs[0].shape[1] == 1 else order)


def input_orders(metainfo: Mapping[str, object]) -> set[str]:
    """Orders of channels that the data preprocessor left the inputs of a sample in, in capitals.

    The target's label is not asked: the toolbox calls it BGR where it is RGB, and the keys of ``metainfo``
    come in another order in every process.
    """
    ending = '_output_channel_order'
    return {str(v).upper() for k, v in metainfo.items() if k.endswith(ending) and not k.startswith('gt_')}


def batches(runner: Runner) -> Iterator:
    """Of the first test set; without the loop, whose metrics may want files that nobody needs here."""
    loaders = runner.cfg.test_dataloader
    loader = loaders[0] if isinstance(loaders, list | tuple) else loaders
    loader = {**loader, 'num_workers': 0, 'persistent_workers': False}
    yield from runner.build_dataloader(loader, seed=0)
