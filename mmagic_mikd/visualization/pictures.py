"""Pictures of a training: what student and teacher make of the same input, and the chain between them."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from mmagic.datasets import UnpairedImageDataset
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from ..engine.hook import distillation_in
from ..engine.image_range import UNIT
from ..engine.view import View
from ..host.taps import unwrap
from ..objectives.energy.chain_record import ChainRecord, State
from ..objectives.energy.objective import EnergyObjective
from ..utils.checks import require_number
from ..utils.errors import ConfigError

NARROWEST, CAPTION = 112, 14  # pixels: what a caption needs
CHANNELS = (1, 3, 4)  # of what can be drawn
COLUMNS = (  # what `columns` may make
    ('input', 'student', 'teacher', 'target'),
    ('input', 'student', 'teacher'),
    ('input', 'student', 'target'),
    ('student', 'teacher'),
)


class DistillPictures(Hook):
    """Draws what a training sees through the visualizer, to wherever its ``vis_backends`` write.

    Goes beside ``default_hooks.distill`` as ``distill_pictures=dict(type='DistillPictures')``. A picture
    ``distill_<pair>`` has a row per image: the input where it is one, the images of student and teacher, and
    the target of the data set where there is one; photographs of an unpaired one are no targets. With a
    Langevin chain there is a picture ``chain_<pair>`` as well: its start, s or t', states of the chain that
    this iteration trained on, its end t~ and the target t, each with its energy. Nothing is computed for it,
    so the training is the same with it and without.

    Args:
        interval: iterations from one picture to the next.
        samples: rows, at most the batch of one process.
        states: how many states of a chain are shown, its start included, evenly spaced.

    Raises:
        ConfigError: a setting is no whole number of at least 1; in ``before_train``, there is no objective.
    """

    priority = 'BELOW_NORMAL'  # after the hook that distils

    def __init__(self, interval: int = 1000, samples: int = 4, states: int = 4) -> None:
        for name in ('interval', 'samples', 'states'):
            require_number(f'DistillPictures: {name}', locals()[name], least=1, whole=True)
        self.interval, self._samples, self._states = interval, samples, states
        self._seen: dict[str, list[State]] = {}
        self._due = False

    def before_train(self, runner: Runner) -> None:
        hook = distillation_in(runner)
        if hook is None or not hook.objectives:
            raise ConfigError(
                'DistillPictures draws what default_hooks.distill distils, which is nothing: set its '
                '`objectives`, or leave the pictures out'
            )
        self._chains = [o for o in hook.objectives.values() if isinstance(o, EnergyObjective)]
        self._pairs = [pair.name for pair in hook.pairs]
        self._paired = not is_unpaired(runner.train_dataloader.dataset)
        hook.iteration.watchers.append(self._see)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: object = None) -> None:
        self._seen.clear()
        self._due = self.every_n_train_iters(runner, self.interval) and is_main_process()
        for objective in self._chains:
            objective.records.clear()
            if self._due:
                objective.records.update({name: ChainRecord(self._samples) for name in self._pairs})

    def _see(self, views: Sequence[View]) -> None:
        if self._due:
            self._seen.update({view.name: columns(view, self._samples, self._paired) for view in views})

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None, outputs: object = None
    ) -> None:
        pictures = {f'distill_{name}': states for name, states in self._seen.items()}
        for objective in self._chains:
            title = f'chain_{objective.name}' if len(self._chains) > 1 else 'chain'
            for name, record in objective.records.items():
                if record.states:  # the guard may have kept the chain from running
                    pictures[f'{title}_{name}'] = shown(record.states, self._states)
        if pictures:
            rgb = channel_order(unwrap(runner.model).data_preprocessor, data_batch) == 'RGB'
        for name, states in pictures.items():
            runner.visualizer.add_image(name, picture(states, rgb), runner.iter + 1)

    def after_train(self, runner: Runner) -> None:
        for objective in self._chains:
            objective.records.clear()
        self._seen.clear()


def drawable(image: Tensor | None, view: View) -> bool:
    return image is not None and image.ndim == view.s.ndim and image.shape[-3] in CHANNELS


def is_unpaired(dataset: Any) -> bool:
    """Whether it brings inputs together with photographs of other places, be it repeated or one of several."""
    inner = [getattr(dataset, 'dataset', None), *getattr(dataset, 'datasets', ())]
    return isinstance(dataset, UnpairedImageDataset) or any(map(is_unpaired, filter(None, inner)))


def columns(view: View, samples: int, paired: bool = True) -> list[State]:
    """Input, student, teacher and target of one pair, as far as they are images, on the CPU.

    Args:
        samples: how many of the batch.
        paired: whether what the data set has beside an input is its target.

    Raises:
        ConfigError: the range of the images is unknown.
    """
    images = dict(student=view.s, teacher=view.t)
    if drawable(view.x, view):  # what is made from noise has no target: the photographs are others
        images = dict(input=view.x, **images, target=view.ground_truth if paired else None)
    made = []
    for name, image in images.items():
        if not drawable(image, view):
            continue
        unit = view.images.mapped(image.detach()[:samples], UNIT).flatten(0, -4)[:samples]
        made.append(State(name, F.interpolate(unit, view.s.shape[-2:]).cpu(), None))
    return made


def shown(states: Sequence[State], count: int) -> list[State]:
    """Of the chain ``count`` states, evenly spaced, then t~ and t."""
    *chain, last, target = states
    places = np.linspace(0, len(chain) - 1, min(count, len(chain))).round().astype(int)
    return [*(chain[place] for place in places), last, target]


def channel_order(preprocessor: object, data_batch: object) -> str:
    """'RGB' or 'BGR', as the toolbox finds it: what the preprocessor makes, else what was loaded, else BGR."""
    batch = data_batch if isinstance(data_batch, dict) else {}
    samples, inputs = batch.get('data_samples'), batch.get('inputs')
    info: dict[str, Any] = dict(getattr(samples[0], 'metainfo', {})) if isinstance(samples, list) else {}
    # a grey image has a label too, which says nothing
    images = inputs.items() if isinstance(inputs, dict) else ()
    grey = {f'{k}_channel_order' for k, v in images if isinstance(v, Sequence | Tensor) and grey_image(v)}
    keys = sorted(key for key in info if key.endswith('channel_order') and key not in grey)
    loaded = [info[key] for key in keys]  # that of gt before img's
    return (getattr(preprocessor, 'output_channel_order', None) or next(iter(loaded), 'BGR')).upper()


def grey_image(batch: Sequence[Tensor] | Tensor) -> bool:
    return len(batch) > 0 and tuple(batch[0].shape[-3:-2]) == (1,)


def picture(states: Sequence[State], rgb: bool) -> np.ndarray:
    """A column for each state, a row for each sample: RGB, (height, width, 3), uint8."""
    columns = []
    for name, images, energies in states:
        energies = [None] * len(images) if energies is None else energies
        tiles = [tile(name, *sample, rgb) for sample in zip(images, energies, strict=True)]
        columns.append(np.concatenate(tiles))
    return np.concatenate(columns, axis=1)


def tile(name: str, image: Tensor, energy: Tensor | None, rgb: bool) -> np.ndarray:
    """One image, enlarged by a whole number if a caption needs it, under its name and energy."""
    pixels = displayed(image, rgb)
    factor = -(-NARROWEST // pixels.shape[1])
    pixels = pixels.repeat(factor, axis=0).repeat(factor, axis=1)
    canvas = np.pad(pixels, ((CAPTION, 2), (1, 1), (0, 0)), constant_values=255)
    text = name if energy is None else f'{name}: E={energy.item():.3g}'
    cv2.putText(canvas, text, (3, CAPTION - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.35, (0, 0, 0), 1, cv2.LINE_AA)
    return canvas


def cut(sheet: np.ndarray) -> dict[str, list[np.ndarray]] | None:
    """The images of a picture ``distill_<pair>``, by the names above its columns; None if it is none."""
    for names in COLUMNS:
        width, rest = divmod(sheet.shape[1], len(names))
        if rest or width < NARROWEST + 2:
            continue
        blank = torch.zeros(3, 1, width - 2)
        captions = np.concatenate([tile(name, blank, None, True)[:CAPTION] for name in names], axis=1)
        starts = [
            top
            for top in range(len(sheet) - CAPTION)
            if sheet[top, 0].min() == 255 and np.array_equal(sheet[top : top + CAPTION], captions)
        ]
        if starts[:1] == [0]:
            ends = [*starts[1:], len(sheet)]
            rows = [sheet[a + CAPTION : b - 2] for a, b in zip(starts, ends, strict=True)]
            edges = range(0, sheet.shape[1], width)
            return {
                name: [row[:, edge + 1 : edge + width - 1] for row in rows]
                for name, edge in zip(names, edges, strict=True)
            }
    return None


def displayed(image: Tensor, rgb: bool) -> np.ndarray:
    """(C, H, W) in [-1, 1] as RGB, (H, W, 3), uint8; what has no three channels is grey, by its first."""
    image = image[:3] if len(image) >= 3 else image[:1].expand(3, -1, -1)
    image = image if rgb else image.flip(0)
    pixels = (127.5 * (image.nan_to_num().clamp(-1, 1) + 1)).round()
    return np.ascontiguousarray(pixels.to(torch.uint8).permute(1, 2, 0).numpy())
