"""What a generator makes of the first batch has to have the size and the channels of the target.

Else the toolbox's pixel loss dies of "The size of tensor a must match", or, where one channel meets three,
compares each of the three with the one and says nothing.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from mmengine.runner import Runner
from torch import Tensor, nn

from ...engine.pair import ground_truth_key
from ...host.locate import find_generators, image_of
from ...host.taps import for_this, resolve, unwrap
from ...utils.errors import ConfigError

SCALES = ('upscale_factor', 'upscale', 'scale')  # what generators of the toolbox call it


def require_same_images(runner: Runner) -> None:
    """Look at the first training call of every generator that is given images, and at no later one."""
    try:
        paths = find_generators(runner.model)
    except ConfigError:  # a model without one is no matter of ours
        return
    for path in paths:
        FirstImages(runner, path)


class FirstImages:
    """Hooks on one generator and on the data preprocessor, which go with the first look."""

    def __init__(self, runner: Runner, path: str) -> None:
        self._cfg, self._path = runner.cfg, path
        self._truth: Tensor | None = None
        preprocessor, network = unwrap(runner.model).data_preprocessor, resolve(runner.model, path)
        self._handles = [
            preprocessor.register_forward_hook(for_this(preprocessor, partial(FirstImages._keep, self))),
            network.register_forward_hook(for_this(network, partial(FirstImages._look, self))),
        ]

    def _keep(self, module: nn.Module, args: tuple, data: Any) -> None:
        for name in ground_truth_key(self._path).split('.'):
            data = data.get(name) if hasattr(data, 'get') else None
        self._truth = data if isinstance(data, Tensor) else None

    def _look(self, network: nn.Module, args: tuple, output: Any) -> None:
        if not torch.is_grad_enabled() or self._truth is None:
            return
        for handle in self._handles:
            handle.remove()
        truth, self._truth = self._truth, None
        try:
            made = image_of(output)
        except ConfigError:
            return
        given = next((x for x in args if isinstance(x, Tensor)), None)
        # what is made of noise, or of a video, the model itself brings to a size
        if given is not None and given.ndim == made.ndim == truth.ndim == 4:
            self._require_channels(made.shape[1], truth.shape[1])
            if made.shape[2:] != truth.shape[2:]:
                raise ConfigError(self._about_size(given, made, truth))

    def _require_channels(self, made: int, wanted: int) -> None:
        generator = self._cfg.model.get('generator') or {}
        # EDSR adds a mean of three channels to one that it has made
        own = generator.get('out_channels', made)
        if made != wanted or own != made:
            raise ConfigError(
                f'{self._path!r} makes images of {min(own, made)} channel(s), and the targets of '
                f'train_dataloader have {wanted}: set model.generator.out_channels={wanted}, or load the '
                "pictures with color_type='grayscale' (1 channel) or 'color' (3)"
            )

    def _about_size(self, given: Tensor, made: Tensor, truth: Tensor) -> str:
        generator = self._cfg.model.get('generator') or {}
        own = next((f'model.generator.{key}={generator[key]}' for key in SCALES if key in generator), None)
        theirs = dict.fromkeys(_scales(self._cfg.train_dataloader))
        of_data = f' (scale={", ".join(map(str, theirs))} in its pipeline)' if theirs else ''
        which = f'{self._path!r} ({own})' if own else repr(self._path)
        return (
            f'{which} makes {_size(made)} of images of {_size(given)}, and the targets of train_dataloader are '
            f'{_size(truth)}{of_data}: give both one scale, student and teacher alike'
        )


def _size(image: Tensor) -> str:
    return 'x'.join(map(str, image.shape[-2:]))


def _scales(value: Any) -> Iterator[Any]:
    """Of every `SetValues` of a pipeline, which tells the crop how much larger the target is."""
    if isinstance(value, dict):
        settings = value.get('dictionary')
        if isinstance(settings, dict) and 'scale' in settings:
            yield settings['scale']
        value = value.values()
    elif not isinstance(value, list | tuple):
        return
    for inner in value:
        yield from _scales(inner)
