"""PSNR, SSIM and L1 of generated images against their target or against the teacher's images."""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import torch
from mmagic.evaluation.metrics import MAE, psnr, ssim
from mmagic.evaluation.metrics.base_sample_wise_metric import BaseSampleWiseMetric
from mmengine.registry import METRICS
from torch import Tensor, nn
from torch.utils.data import DataLoader

from ..host.locate import image_of
from ..teachers.resize import resized
from ..utils.checks import require_range, require_switch
from ..utils.errors import ConfigError, renamed
from ..utils.rng import RandomState, replayed, seeded

if TYPE_CHECKING:  # the registry imports this file first
    from ..teachers.image_cache import ImageCache

KEY = 'PairedImageQuality'
LEAST = 11  # pixels of the window of SSIM, which in smaller images has no place, and a mean that is no number
UNLIKE = dict(
    target="crop the target in the pipeline, as dict(type='ModCrop') does, or correct real_key and fake_key",
    teacher='set teacher.resize=True, or correct teacher_path and output',
)
# what is written for the hook, and is said of the metric
OWN_KEYS = {'default_hooks.distill.teacher': f'{KEY}.teacher', 'default_hooks.distill.pairs': KEY}


@METRICS.register_module()
class PairedImageQuality(BaseSampleWiseMetric):
    """Means of MMagic's own PSNR, SSIM and MAE over image pairs, all channels, no border cut.

    Reported as ``<against>/psnr`` (dB, higher is better; infinite for identical images),
    ``<against>/ssim`` (at most 1) and ``<against>/l1`` (mean absolute difference of images in
    **[0, 1]**, lower is better; MMagic calls it MAE).

    Against the teacher, both networks get the same preprocessed tensor. A teacher with dropout gives
    other images at each evaluation, as does the student, unless ``SeededEvaluation`` is on.

    Args:
        against: 'target' compares with the true image, 'teacher' with the teacher's output.
        fake_key: field with the generated image, such as 'fake_photo' of a translation model or
            'pred_img' of a super-resolution model.
        real_key: field with the true image, such as 'img_photo' or 'gt_img' ('target' only).
        input_key: name of the network's input where the batch has several, such as 'img_mask'
            ('teacher' only).
        teacher: as ``default_hooks.distill.teacher`` ('teacher' only); with ``cache`` its images of the test
            set are kept.
        teacher_path: the network in the teacher's model, such as 'generators.photo' ('teacher' only).
        output, value_range: as in ``default_hooks.distill.pairs`` ('teacher' only).
        prefix: put before the reported names, with a slash.

    Raises:
        ConfigError: when the evaluator is built: an unknown ``against``, no teacher or no such file;
            when evaluation starts: the teacher does not fit, or there are no such images.
    """

    default_prefix = ''  # the names say it all; None would be warned about
    metric = 'psnr'  # the base class wants one name; three are reported
    # as MMagic's generative metrics, so that one pass over the dataset serves them all
    need_cond_input = False

    def __init__(
        self,
        against: str = 'target',
        fake_key: str = 'pred_img',
        real_key: str = 'gt_img',
        input_key: str | None = None,
        teacher: dict | nn.Module | None = None,
        teacher_path: str = 'generator',
        output: int | str | None = None,
        value_range: tuple[float, float] | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(gt_key=real_key, pred_key=fake_key, collect_device=collect_device, prefix=prefix)
        if against not in ('target', 'teacher'):
            raise ConfigError(f"{KEY}.against must be 'target' or 'teacher', not {against!r}")
        if against == 'teacher':
            _check_teacher(teacher)
        require_range(f'{KEY}.value_range', value_range)
        self.output, self.value_range = output, value_range
        self.resize = isinstance(teacher, Mapping) and teacher.get('resize', False)
        require_switch(f'{KEY}.teacher.resize', self.resize)
        self.against, self.input_key = against, input_key
        self.teacher_cfg, self.teacher_path = teacher, teacher_path
        self.teacher: nn.Module | None = None
        self._cache: ImageCache | None = None
        self._mae = MAE(prefix='l1')

    def prepare(self, module: nn.Module, dataloader: DataLoader) -> None:
        super().prepare(module, dataloader)
        if self.against == 'teacher':
            with renamed(OWN_KEYS):
                self.teacher = self.teacher or self._build_teacher()
                self.teacher.to(self.data_preprocessor.device)
                self._cache = self._cache or self._build_cache()

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Compare a batch of generated images, BGR or grey in [0, 255]."""
        fakes = [_image(sample, self.pred_key, 'fake_key') for sample in data_samples]
        if self.against == 'teacher':
            references = self._teacher_images(data_batch, fakes[0].shape[-2:])
        else:
            references = [_image(sample, self.gt_key, 'real_key') for sample in data_samples]
        for fake, reference in zip(fakes, references, strict=True):
            self.results.append(self.process_image(reference.cpu(), fake.cpu(), None))

    def process_image(self, gt: Tensor, pred: Tensor, mask: None) -> dict:
        if gt.shape != pred.shape:
            raise ConfigError(
                f'{KEY}: a generated image is {tuple(pred.shape)} and that of the {self.against} '
                f'{tuple(gt.shape)}: {UNLIKE[self.against]}'
            )
        if min(gt.shape[-2:]) < LEAST:
            raise ConfigError(
                f'{KEY}: images of {gt.shape[-2]}x{gt.shape[-1]} are smaller than the window of SSIM, {LEAST} '
                "pixels: put the toolbox's PSNR and MAE in its place in the evaluator"
            )
        return dict(
            psnr=float(psnr(gt, pred, input_order='CHW')),
            ssim=float(ssim(gt, pred, input_order='CHW')),
            l1=float(self._mae.process_image(gt, pred, mask)),
        )

    def compute_metrics(self, results: list[dict]) -> dict:
        return {
            f'{self.against}/{name}': sum(result[name] for result in results) / len(results)
            for name in ('psnr', 'ssim', 'l1')
        }

    def _build_teacher(self) -> nn.Module:
        from ..teachers.build import build_teacher

        with seeded(0):  # initial weights, soon replaced, must not move the run's random stream
            return build_teacher(
                self.teacher_cfg, self.teacher_path, self.data_preprocessor, students_range=self.value_range
            )

    def _build_cache(self) -> 'ImageCache | None':
        from ..teachers.image_cache import ImageCache

        if not isinstance(self.teacher_cfg, Mapping):
            return None
        return ImageCache.from_config(self.teacher_cfg, self.teacher, [self.teacher_path, self.output])

    @torch.no_grad()
    def _teacher_images(self, data_batch: dict, size: Sequence[int]) -> list[Tensor]:
        """What it makes of the student's input, as :class:`mmagic_mikd.engine.pair.Pair` asks it for."""
        batch = self.data_preprocessor(data_batch)
        inputs, key = self._input(batch['inputs'])
        # the student's draws stay as they are
        with replayed(RandomState.capture(inputs.device)), renamed(OWN_KEYS):
            ask = self._made if self._cache is None else partial(self._cache, self._made)
            images = ask((inputs,), {})
        images = resized(images, size) if self.resize else images
        return list(self.data_preprocessor.destruct(images, batch['data_samples'], key))

    def _made(self, args: tuple, kwargs: dict) -> Tensor:
        return image_of(self.teacher(*args, **kwargs), self.output)

    def _input(self, inputs: Tensor | dict) -> tuple[Tensor, str]:
        """The tensor that the student's generator got, and its name."""
        if isinstance(inputs, Tensor):
            return inputs, 'img'
        key = next(iter(inputs)) if self.input_key is None and len(inputs) == 1 else self.input_key
        if key not in inputs:
            raise ConfigError(
                f'{KEY}.input_key={key!r} names no input of the batch, which has {", ".join(inputs)}'
            )
        return inputs[key], key


def _image(sample: dict, key: str, option: str) -> Tensor:
    for place in (sample.get('output'), sample):  # super-resolution models nest their output
        if place and key in place:
            return place[key]
    raise ConfigError(
        f"{KEY}.{option}={key!r} is not in the model's output, which has "
        f'{", ".join([*sample, *sample.get("output", ())])}'
    )


def _check_teacher(teacher: dict | nn.Module | None) -> None:
    """Find what is missing before training, not at the first evaluation."""
    if teacher is None:
        raise ConfigError(f"{KEY}.teacher is missing: against='teacher' needs model and checkpoint")
    checkpoint = teacher.get('checkpoint') if isinstance(teacher, dict) else None
    if checkpoint and '://' not in checkpoint and not os.path.isfile(os.path.expanduser(checkpoint)):
        raise ConfigError(
            f'{KEY}.teacher.checkpoint={checkpoint} does not exist: train the teacher first, correct '
            'the path, or take the metric out of the evaluator'
        )
