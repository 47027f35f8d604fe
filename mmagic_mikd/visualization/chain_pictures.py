"""Pictures of the chain: what the critic makes of the student's images on the way to the teacher's."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from ..engine.energy_objective import MutualInformation
from ..engine.hook import DistillRunner
from ..host.taps import unwrap
from ..objectives.energy.chain_record import ChainRecord, State
from ..utils.checks import require_number
from ..utils.errors import ConfigError

KEY = 'default_hooks.chain_pictures'
NARROWEST, CAPTION = 112, 14  # pixels: what a caption needs


class ChainPictures(Hook):
    """Draws chains of the training through the visualizer, to wherever its ``vis_backends`` write.

    Goes beside ``default_hooks.distill`` as ``chain_pictures=dict(type='ChainPictures')``. One picture
    ``chain_<pair>`` with a row per image: the start of the chain, s or t', states of the chain that this
    iteration trained on, its end t~ and the target t, each with its energy. Nothing is computed for it, so the
    training is the same with it and without.

    Args:
        interval: iterations from one picture to the next.
        samples: rows, at most the batch of one process.
        states: how many states of the chain are shown, its start included, evenly spaced.

    Raises:
        ConfigError: a setting is no whole number of at least 1; in ``before_train``, no chain is run.
    """

    priority = 'BELOW_NORMAL'  # after the hook that runs the chain

    def __init__(self, interval: int = 1000, samples: int = 4, states: int = 4) -> None:
        for name in ('interval', 'samples', 'states'):
            require_number(f'{KEY}.{name}', locals()[name], least=1, whole=True)
        self.interval, self._samples, self._states = interval, samples, states
        self._mi: MutualInformation | None = None

    def before_train(self, runner: Runner) -> None:
        hooks = (hook for hook in runner.hooks if isinstance(hook, DistillRunner))
        self._mi = getattr(next(hooks, None), 'mi', None)
        if self._mi is None:
            raise ConfigError(
                f'{KEY} draws the chain of default_hooks.distill.loss, which is not set: set it, or leave '
                'chain_pictures out'
            )

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: object = None) -> None:
        self._mi.records.clear()
        if self.every_n_train_iters(runner, self.interval) and is_main_process():
            self._mi.records.update({name: ChainRecord(self._samples) for name in self._mi.critics})

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None, outputs: object = None
    ) -> None:
        for name, record in self._mi.records.items():
            if record.states:  # the guard may have kept the chain from running
                rgb = channel_order(unwrap(runner.model).data_preprocessor, data_batch) == 'RGB'
                image = picture(shown(record.states, self._states), rgb)
                runner.visualizer.add_image(f'chain_{name}', image, runner.iter + 1)

    def after_train(self, runner: Runner) -> None:
        self._mi.records.clear()
        self._mi = None


def shown(states: Sequence[State], count: int) -> list[State]:
    """Of the chain ``count`` states, evenly spaced, then t~ and t."""
    *chain, last, target = states
    places = np.linspace(0, len(chain) - 1, min(count, len(chain))).round().astype(int)
    return [*(chain[place] for place in places), last, target]


def channel_order(preprocessor: object, data_batch: object) -> str:
    """'RGB' or 'BGR', as the toolbox finds it: what the preprocessor makes, else what was loaded, else BGR."""
    samples = data_batch.get('data_samples') if isinstance(data_batch, dict) else None
    info: dict[str, Any] = dict(getattr(samples[0], 'metainfo', {})) if isinstance(samples, list) else {}
    loaded = [info[key] for key in sorted(info) if key.endswith('channel_order')]  # that of gt before img's
    return (getattr(preprocessor, 'output_channel_order', None) or next(iter(loaded), 'BGR')).upper()


def picture(states: Sequence[State], rgb: bool) -> np.ndarray:
    """A column for each state, a row for each sample: RGB, (height, width, 3), uint8."""
    columns = [
        np.concatenate([tile(state.name, *sample, rgb) for sample in zip(*state[1:], strict=True)])
        for state in states
    ]
    return np.concatenate(columns, axis=1)


def tile(name: str, image: Tensor, energy: Tensor, rgb: bool) -> np.ndarray:
    """One image, enlarged by a whole number if a caption needs it, under its name and energy."""
    pixels = displayed(image, rgb)
    factor = -(-NARROWEST // pixels.shape[1])
    pixels = pixels.repeat(factor, axis=0).repeat(factor, axis=1)
    canvas = np.pad(pixels, ((CAPTION, 2), (1, 1), (0, 0)), constant_values=255)
    text = f'{name}: E={energy.item():.3g}'
    cv2.putText(canvas, text, (3, CAPTION - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.35, (0, 0, 0), 1, cv2.LINE_AA)
    return canvas


def displayed(image: Tensor, rgb: bool) -> np.ndarray:
    """(C, H, W) in [-1, 1] as RGB, (H, W, 3), uint8; what has no three channels is grey, by its first."""
    image = image[:3] if len(image) >= 3 else image[:1].expand(3, -1, -1)
    image = image if rgb else image.flip(0)
    pixels = (127.5 * (image.nan_to_num().clamp(-1, 1) + 1)).round()
    return np.ascontiguousarray(pixels.to(torch.uint8).permute(1, 2, 0).numpy())
