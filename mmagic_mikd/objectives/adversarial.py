"""A discriminator of teacher and student: the divergence of the student's images from the teacher's."""

from collections.abc import Sequence
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ..utils.checks import quoted, require_number
from ..utils.errors import ConfigError
from .energy.estimators import nce

INPUT, STUDENT = 'input', 'student'


class AdversarialLoss(nn.Module):
    """Mean energy E(s) of the student's images, where E learns to tell them from the teacher's.

    E is learned by noise-contrastive estimation with the student's images as noise, so its best value at a
    place is log p_s - log p_t of the patch there, and its mean over the student's images the
    Kullback-Leibler divergence of p_s from p_t (Goodfellow et al., NeurIPS 2014, proposition 1). The student
    lowers it: patches are to be as likely as those of the teacher. A teacher as the real data of a
    discriminator is the student's discriminator of Chen et al., "Distilling Portable Generative Adversarial
    Networks for Image Translation", AAAI 2020. It does not see which image belongs to which, so it bounds no
    mutual information, and alone it is no distillation: it is meant to stand beside a bound.

    With ``sees`` it has conditions c, constants that are concatenated with the image, and does know the pairs:

    - 'input': E(t, x) against E(s, x), of the densities given x, which the generator was given;
    - 'student': E(t, s) against E(s, s), the energy of a pair whose negatives are the student's own images;
    - both: E(t, x, s) against E(s, x, s).

    Given s, the image s is a point, and no ratio of densities is: what keeps E finite is its spectral norms,
    as in a Wasserstein critic. The student has the gradient of E in its first place alone, at (s, s): the
    direction in which the teacher's image is to be looked for from s, and on average little where t - s is as
    often this as its opposite. Through the condition it has none, for there it would only blind E.

    Args:
        loss_weight: its weight in the student's loss.
        channels: of the images, or of the features of a `layer` or `backbone`, for which it is found out.
        base_channels: of the first of three convolutions, each spectrally normalised; the energies are of
            patches of 18 pixels, every fourth.
        sees: its conditions; none as published. An input of another size is resized, bilinearly.
        input_channels: of x, where it sees that.
    """

    learner: ClassVar[dict] = dict(optimizer=dict(type='Adam', lr=1e-3, betas=(0.5, 0.999)))

    def __init__(
        self,
        loss_weight: float = 1.0,
        channels: int = 3,
        base_channels: int = 32,
        sees: Sequence[str] = (),
        input_channels: int = 3,
    ) -> None:
        super().__init__()
        require_number('AdversarialLoss: loss_weight', loss_weight, least=0)
        counts = dict(channels=channels, base_channels=base_channels, input_channels=input_channels)
        for name, value in counts.items():
            require_number(f'AdversarialLoss: {name}', value, least=1, most=65536, whole=True)
        if isinstance(sees, str) or not set(sees) <= {INPUT, STUDENT}:
            raise ConfigError(f"AdversarialLoss: sees={quoted(sees)} must be a list of 'input' and 'student'")
        self.loss_weight, self.channels, self.input_channels = loss_weight, channels, input_channels
        self.asks_input, self._asks_student = INPUT in sees, STUDENT in sees
        self.cannot_have = dict(adapter='would learn with the discriminator, against the student')
        if self.asks_input:
            reason = 'has no features of the input to stand beside'
            self.cannot_have |= dict(layer=reason, backbone=reason)
        seen = channels * (1 + self._asks_student) + input_channels * self.asks_input
        self.energies = nn.Sequential(
            spectral_norm(nn.Conv2d(seen, base_channels, 4, stride=2, padding=1)),
            nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(base_channels, 2 * base_channels, 4, stride=2, padding=1)),
            nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(2 * base_channels, 1, 3, padding=1)),
        )

    def forward(self, student: Tensor, teacher: Tensor, x: Tensor | None = None) -> Tensor:
        """Scalar from images (N, C, H, W) or clips (N, T, C, H, W), and the input if it sees that.

        Of a student that is a constant it is what E lowers, of another one what the student lowers.

        Raises:
            ConfigError: they have another number of channels, or there is no such input.
        """
        s, t = student.flatten(0, -4), teacher.detach().flatten(0, -4)
        if any(image.shape[1] != self.channels for image in (s, t)):
            raise ConfigError(
                f'AdversarialLoss: {tuple(student.shape)} and {tuple(teacher.shape)} are not both of '
                f'{self.channels} channels; set `channels` of this entry of default_hooks.distill.objectives'
            )
        beside = self._conditions(s, x)
        energies = self.energies(torch.cat([s, *beside], 1))
        if student.requires_grad:
            return self.loss_weight * energies.mean()
        return self.loss_weight * nce(self.energies(torch.cat([t, *beside], 1)), [energies])

    def _conditions(self, s: Tensor, x: Tensor | None) -> list[Tensor]:
        """What stands beside an image (N, C, H, W), constants of the same N, H and W."""
        beside = [s.detach()] if self._asks_student else []
        if not self.asks_input:
            return beside
        x = x.detach().flatten(0, -4) if isinstance(x, Tensor) and x.ndim >= 4 else None
        if x is None or x.shape[:2] != (len(s), self.input_channels):
            found = 'no image' if x is None else f'of shape {tuple(x.shape)}'
            raise ConfigError(
                f'AdversarialLoss: what the generator is given is {found}, and `sees` wants images of '
                f"{self.input_channels} channels: set `input_channels`, or leave 'input' out of `sees`"
            )
        return [F.interpolate(x.float(), s.shape[2:], mode='bilinear'), *beside]
