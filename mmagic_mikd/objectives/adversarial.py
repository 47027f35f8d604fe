"""A discriminator of teacher and student: the divergence of the student's images from the teacher's."""

from typing import ClassVar

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ..utils.checks import require_number
from ..utils.errors import ConfigError
from .energy.estimators import nce


class AdversarialLoss(nn.Module):
    """Mean energy E(s) of the student's images, where E learns to tell them from the teacher's.

    E is learned by noise-contrastive estimation with the student's images as noise, so its best value at a
    place is log p_s - log p_t of the patch there, and its mean over the student's images the
    Kullback-Leibler divergence of p_s from p_t (Goodfellow et al., NeurIPS 2014, proposition 1). The student
    lowers it: patches are to be as likely as those of the teacher. A teacher as the real data of a
    discriminator is the student's discriminator of Chen et al., "Distilling Portable Generative Adversarial
    Networks for Image Translation", AAAI 2020. It does not see which image belongs to which, so it bounds no
    mutual information, and alone it is no distillation: it is meant to stand beside a bound.

    Args:
        loss_weight: its weight in the student's loss.
        channels: of the images, or of the features; set by a `backbone`.
        base_channels: of the first of three convolutions, each spectrally normalised; the energies are of
            patches of 18 pixels, every fourth.
    """

    learner: ClassVar[dict] = dict(optimizer=dict(type='Adam', lr=1e-3, betas=(0.5, 0.999)))
    cannot_have: ClassVar[dict] = dict(adapter='would learn with the discriminator, against the student')

    def __init__(self, loss_weight: float = 1.0, channels: int = 3, base_channels: int = 32) -> None:
        super().__init__()
        require_number('AdversarialLoss: loss_weight', loss_weight, least=0)
        for name, value in dict(channels=channels, base_channels=base_channels).items():
            require_number(f'AdversarialLoss: {name}', value, least=1, most=65536, whole=True)
        self.loss_weight, self.channels = loss_weight, channels
        self.energies = nn.Sequential(
            spectral_norm(nn.Conv2d(channels, base_channels, 4, stride=2, padding=1)),
            nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(base_channels, 2 * base_channels, 4, stride=2, padding=1)),
            nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(2 * base_channels, 1, 3, padding=1)),
        )

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Scalar from images (N, C, H, W) or clips (N, T, C, H, W).

        Of a student that is a constant it is what E lowers, of another one what the student lowers.

        Raises:
            ConfigError: they have another number of channels.
        """
        s, t = student.flatten(0, -4), teacher.detach().flatten(0, -4)
        if any(image.shape[1] != self.channels for image in (s, t)):
            raise ConfigError(
                f'AdversarialLoss: {tuple(student.shape)} and {tuple(teacher.shape)} are not both of '
                f'{self.channels} channels; set `channels` of this entry of default_hooks.distill.objectives'
            )
        energies = self.energies(s)
        value = energies.mean() if student.requires_grad else nce(self.energies(t), [energies])
        return self.loss_weight * value
