"""The toolbox's sliced Wasserstein distance for models whose real images have another name."""

from collections.abc import Sequence

from mmagic.evaluation.metrics import SlicedWassersteinDistance
from mmengine.registry import METRICS
from torch import Tensor

from ..utils.errors import ConfigError


@METRICS.register_module()
class SlicedWasserstein(SlicedWassersteinDistance):
    """MMagic's ``SlicedWassersteinDistance``, with its ``real_key`` obeyed; lower is better.

    The toolbox's own takes ``gt_img`` whatever ``real_key`` says, so it dies on Pix2Pix and CycleGAN.
    Reported as ``<prefix>/<resolution>`` of each level of the Laplacian pyramid and ``<prefix>/avg``, times
    1000. Patches and directions are drawn at random: the hook ``SeededEvaluation`` makes the value repeat.

    Args:
        image_shape: (3, H, W) of the images; levels down to 16 pixels are compared.
        real_key, fake_key: fields with real and generated images, BGR in [0, 255], such as 'img_photo'
            and 'fake_photo' of a translation model, 'gt_img' and 'fake_img' of an unconditional one.
        nums: number of images; -1 takes all of the dataset.
    """

    # as our other metrics, so that one pass over the dataset serves them all
    need_cond_input = False

    def __init__(
        self,
        image_shape: Sequence[int],
        real_key: str = 'gt_img',
        fake_key: str = 'fake_img',
        nums: int = -1,
        sample_model: str = 'orig',
        collect_device: str = 'cpu',
        prefix: str = 'swd',
    ) -> None:
        super().__init__(nums, tuple(image_shape), fake_key, real_key, sample_model, collect_device, prefix)

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        for sample in data_samples:
            if self.real_key not in sample:
                raise ConfigError(
                    f'SlicedWasserstein.real_key={self.real_key!r} is not in the data samples, which have '
                    f'{", ".join(sample)}'
                )
            made = sample.get(self.sample_model, sample)
            if self.fake_key not in made and 'fake_img' not in made:
                found = sorted(name for name, value in made.items() if isinstance(value, Tensor | dict))
                raise ConfigError(
                    f"SlicedWasserstein.fake_key={self.fake_key!r} is not in the model's output, which has "
                    f'{", ".join(found)}'
                )
        if self.fake_nums != -1:  # the toolbox takes all of the last batch
            data_samples = data_samples[: max(0, self.fake_nums_per_device - self._num_processed)]
        super().process(data_batch, [{**sample, 'gt_img': sample[self.real_key]} for sample in data_samples])
