"""A Frechet distance on a backbone of one's choice, in MMagic's evaluator. It is not FID."""

from collections.abc import Sequence

import numpy as np
import torch
from mmagic.evaluation.metrics.base_gen_metric import GenerativeMetric
from mmengine.dist import (
    broadcast_object_list,
    collect_results,
    get_dist_info,
    is_main_process,
)
from mmengine.logging import print_log
from mmengine.registry import METRICS
from torch import Tensor, nn
from torch.utils.data import DataLoader

from ..backbones.weights import load_backbone
from ..utils.checks import require_number
from ..utils.errors import ConfigError
from .backbone import BackboneFeatures
from .frechet import frechet_distance, gaussian_of
from .neighbours import density_and_coverage

KEY = 'BackboneFrechetDistance'


@METRICS.register_module()
class BackboneFrechetDistance(GenerativeMetric):
    """Frechet distance of real and generated images in a named backbone's features; lower is better.

    Reported as ``frechet_<name>``. **It is not FID and not comparable with any published FID**: the
    features, their number and the image size are others. Compare it only with itself: same ``name``,
    same data, same number of images. With fewer images than features it is biased upwards.

    The same images give the same number, whatever the batch size and the number of processes, up to
    rounding (about six digits). Pix2Pix and CycleGAN generate with active dropout and batch
    statistics also in evaluation, as their authors did, so their *images* differ from one evaluation
    to the next; the hook ``SeededEvaluation`` makes them repeat.

    Args:
        backbone: config of any registered backbone, such as ``dict(type='mmpretrain.ResNet', depth=50)``
            or ``dict(type='CifarResNet')``; the last stage is averaged over its positions.
        checkpoint: local file with its weights; nothing is ever downloaded.
        name: names backbone and training data in the report, for instance 'resnet56-cifar10'.
        real_key, fake_key: fields of the data samples with real and generated images, such as
            'img_photo' and 'fake_photo' of a translation model, 'gt_img' and 'pred_img' of a
            super-resolution model, 'gt_img' and 'fake_img' of an unconditional model.
        real_nums, fake_nums: number of images; -1 takes all of the dataset. An unpaired dataset
            repeats images of its smaller domain: give that domain's number.
        from_noise: generate from noise (unconditional models) in place of the dataset's inputs;
            ``fake_nums`` has to be given.
        sample_model: 'orig' or 'ema', the generator to sample from (``from_noise`` only).
        input_size: side or (height, width) of the backbone's input.
        mean, std: RGB normalisation of the backbone in [0, 255].
        neighbours: if given, ``density_<name>`` and ``coverage_<name>`` of the same images are reported too,
            with balls up to that neighbour (5 in the paper; see :func:`density_and_coverage`).
        prefix: put before the reported name, with a slash.

    Raises:
        ConfigError: when the evaluator is built: the checkpoint is absent or does not fit, the name
            invites confusion with FID, or ``fake_nums`` is missing; when evaluation starts: there are
            no such images.
        FloatingPointError: generated images contain NaN or infinity.
    """

    default_prefix = ''  # the name says it all; None would be warned about

    def __init__(
        self,
        backbone: dict | nn.Module,
        checkpoint: str | None,
        name: str,
        real_key: str = 'gt_img',
        fake_key: str = 'fake_img',
        real_nums: int = -1,
        fake_nums: int = -1,
        from_noise: bool = False,
        sample_model: str = 'orig',
        input_size: int | tuple[int, int] = 224,
        mean: Sequence[float] = (123.675, 116.28, 103.53),
        std: Sequence[float] = (58.395, 57.12, 57.375),
        neighbours: int | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        _check(name, neighbours, from_noise, fake_nums)
        super().__init__(
            fake_nums,
            real_nums,
            fake_key,
            real_key,
            sample_model=sample_model,
            collect_device=collect_device,
            prefix=prefix,
        )
        # MMagic's two ways to evaluate: the dataset's inputs, or noise
        self.SAMPLER_MODE = 'Generative' if from_noise else 'normal'
        self.name, self.neighbours = name, neighbours
        self.features = BackboneFeatures(backbone, input_size, mean, std)
        if checkpoint is None and isinstance(backbone, dict):
            raise ConfigError(f'{KEY}.checkpoint is missing: give the file with the weights')
        if checkpoint is not None:
            load_backbone(self.features.backbone, checkpoint, f'{KEY}.checkpoint')

    def prepare(self, module: nn.Module, dataloader: DataLoader) -> None:
        """Settle how many images there are and take the features of the real ones, once per run."""
        super().prepare(module, dataloader)
        self.features.to(self.data_preprocessor.device)
        self.real_nums = self._number('real_nums', self.real_nums, dataloader)
        if self.SAMPLER_MODE == 'normal':
            self.fake_nums = self._number('fake_nums', self.fake_nums, dataloader)
        real = self._collect(self._real_features(dataloader), self.real_nums)
        if is_main_process():
            self._real, self._real_gaussian = real, gaussian_of(real)
            if self.neighbours is not None and len(real) <= self.neighbours:
                raise ConfigError(
                    f'{KEY}.neighbours={self.neighbours} needs more real images than {len(real)}'
                )

    def get_metric_sampler(self, model: nn.Module, dataloader: DataLoader, metrics: list):
        if self.SAMPLER_MODE == 'normal':
            return dataloader
        return super().get_metric_sampler(model, dataloader, metrics)

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Take the features of generated images; BGR in [0, 255], of any size."""
        if len(self.fake_results) >= self.fake_nums_per_device:
            return
        images = [self._fake(sample) for sample in data_samples]
        if len({image.shape for image in images}) == 1:
            self.fake_results += self._rows(torch.stack(images))
        else:
            for image in images:
                self.fake_results += self._rows(image[None])

    def evaluate(self) -> dict:
        """``{'frechet_<name>': distance}`` and so on, on every process; forgets the generated images."""
        fake = self._collect(self.fake_results, self.fake_nums)
        self.fake_results.clear()
        metrics = [self.compute_metrics(fake) if is_main_process() else None]
        broadcast_object_list(metrics)
        return metrics[0]

    def compute_metrics(self, results: np.ndarray) -> dict:
        broken = (~np.isfinite(results)).any(axis=1).sum()
        if broken:
            raise FloatingPointError(
                f'{KEY}: {broken} of {len(results)} generated images are not finite; the model diverged'
            )
        values = dict(frechet=frechet_distance(*gaussian_of(results), *self._real_gaussian))
        if self.neighbours is not None:
            density, coverage = density_and_coverage(self._real, results, self.neighbours)
            values |= dict(density=density, coverage=coverage)
        named = {f'{self.prefix}/' * bool(self.prefix) + f'{k}_{self.name}': v for k, v in values.items()}
        name, value = next(iter(named.items()))
        backbone, dimension = type(self.features.backbone).__name__, results.shape[1]
        print_log(
            f'{name}: {value:.4f} is the Frechet distance of {dimension}-dimensional features of '
            f'{backbone} ({self.real_nums} real, {self.fake_nums} generated images); it is not FID',
            'current',
        )
        return named

    def _number(self, key: str, wanted: int, dataloader: DataLoader) -> int:
        available = len(dataloader.dataset)
        if wanted > available:
            raise ConfigError(f'{KEY}.{key}={wanted}, the dataset has {available} images; -1 takes them all')
        number = available if wanted == -1 else wanted
        if number < 2:
            raise ConfigError(f'{KEY}.{key} is {number}, and a covariance needs at least two images')
        return number

    def _real_features(self, dataloader: DataLoader) -> list[np.ndarray]:
        rank, world_size = get_dist_info()
        loader = DataLoader(
            dataloader.dataset,
            batch_size=dataloader.batch_size,
            sampler=range(rank, self.real_nums, world_size),
            collate_fn=dataloader.collate_fn,
            num_workers=dataloader.num_workers,
            generator=torch.Generator(),  # a loader without its own draws from the global stream
        )
        rows: list[np.ndarray] = []
        for batch in loader:
            samples = self.data_preprocessor(batch)['data_samples']
            if self.real_key not in samples:
                raise ConfigError(
                    f'{KEY}.real_key={self.real_key!r} is not in the data samples, which have '
                    f'{", ".join(samples.keys())}'
                )
            rows += self._rows(samples.get(self.real_key))
        return rows

    def _fake(self, sample: dict) -> Tensor:
        # unconditional models may return both generators, super-resolution models nest their output
        for place in (sample.get(self.sample_model), sample.get('output'), sample):
            if place and self.fake_key in place:
                return place[self.fake_key]
        raise ConfigError(
            f"{KEY}.fake_key={self.fake_key!r} is not in the model's output, which has "
            f'{", ".join([*sample, *sample.get("output", ())])}'
        )

    def _rows(self, images: Tensor) -> list[np.ndarray]:
        return list(self.features(images).cpu().numpy())

    def _collect(self, rows: list[np.ndarray], size: int) -> np.ndarray | None:
        """All rows in the order of the dataset, on the main process, without the sampler's padding."""
        rows = collect_results(rows, size, self.collect_device)
        if not is_main_process():
            return None
        if len(rows) != size:
            raise ConfigError(f'{KEY}: {size} images are wanted and the loop gave {len(rows)}')
        return np.stack(rows)


def _check(name: str, neighbours: int | None, from_noise: bool, fake_nums: int) -> None:
    """Refuse settings that cannot be, or that invite confusion."""
    if neighbours is not None:
        require_number(f'{KEY}.neighbours', neighbours, least=1, whole=True)
    if from_noise and fake_nums < 1:
        raise ConfigError(f'{KEY}.fake_nums must be given where images are made from noise')
    if 'fid' in name.lower() or 'inception' in name.lower():
        raise ConfigError(f'{KEY}.name={name!r} would be mistaken for FID; name the backbone')
