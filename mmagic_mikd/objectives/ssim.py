"""Structural similarity of student and teacher."""

from typing import ClassVar

from torch import Tensor, nn

from ..utils.checks import require_number, require_switch
from ..utils.errors import ConfigError

MISSING = "SSIMLoss needs the package pytorch-msssim: pip install 'pytorch-msssim>=1,<2'"


class SSIMLoss(nn.Module):
    """1 - SSIM, by the package pytorch-msssim: Gaussian window, without padding.

    Wang et al., "Image quality assessment: from error visibility to structural similarity", 2004, equation
    13; several scales: Wang et al., "Multiscale structural similarity", 2003. Its comparison of luminance is
    made for values of one sign, so it is given images in [0, 1]. OMGD (Ren et al., ICCV 2021) takes the same
    constants on images in [-1, 1]: that is the objective's ``range=(-1, 1)``.

    Args:
        loss_weight: its weight in the student's loss; 10 in OMGD.
        data_range: from black to white.
        window_size: side of the window, odd; 11 as published.
        sigma: of the window; 1.5 as published.
        multi_scale: MS-SSIM over five scales, which wants images of more than 16 (window_size - 1) pixels.
    """

    image_range: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def __init__(
        self,
        loss_weight: float = 1.0,
        data_range: float = 1.0,
        window_size: int = 11,
        sigma: float = 1.5,
        multi_scale: bool = False,
    ) -> None:
        super().__init__()
        require_number('SSIMLoss: loss_weight', loss_weight, least=0)
        require_number('SSIMLoss: data_range', data_range, above=0)
        require_number('SSIMLoss: window_size', window_size, least=3, most=255, whole=True)
        require_number('SSIMLoss: sigma', sigma, above=0)
        require_switch('SSIMLoss: multi_scale', multi_scale)
        if window_size % 2 == 0:
            raise ConfigError(f'SSIMLoss: window_size={window_size} must be odd')
        try:
            import pytorch_msssim
        except ImportError as error:
            raise ConfigError(MISSING) from error
        self.loss_weight, self.multi_scale = loss_weight, multi_scale
        self._similarity = pytorch_msssim.ms_ssim if multi_scale else pytorch_msssim.ssim
        self._settings = dict(data_range=data_range, win_size=window_size, win_sigma=sigma)

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Scalar from images (N, C, H, W), or clips (N, T, C, H, W) of which every frame counts.

        Raises:
            ConfigError: the images are smaller than the window.
        """
        images = [image.flatten(0, -4) for image in (student, teacher.detach())]
        side, smallest = self._settings['win_size'], min(images[0].shape[2:])
        least = 16 * (side - 1) + 1 if self.multi_scale else side
        if smallest < least:
            raise ConfigError(
                f'SSIMLoss: images of {smallest} pixels a side are too small for window_size={side}, which '
                f'wants {least}: lower it'
            )
        return self.loss_weight * (1 - self._similarity(*images, **self._settings))
