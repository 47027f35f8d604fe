"""The contrastive bound on mutual information, on patches: which patch of the teacher belongs to this one?"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..utils.checks import require_number
from ..utils.errors import ConfigError


def info_nce(queries: Tensor, keys: Tensor, temperature: float) -> Tensor:
    """Mean of -log(exp(q_i k_i / T) / sum_j exp(q_i k_j / T)), for unit vectors in the rows (n, d)."""
    logits = queries @ keys.t() / temperature
    return F.cross_entropy(logits, torch.arange(len(logits), device=logits.device))


class InfoNCELoss(nn.Module):
    """Picks each student patch's counterpart among the teacher's patches, n in all.

    van den Oord et al., "Representation Learning with Contrastive Predictive Coding", 2018, equation 4, on
    patches as in Park et al., "Contrastive Learning for Unpaired Image-to-Image Translation", ECCV 2020,
    equation 3: a query is a patch of the student, its positive the teacher's patch at the same place, its
    negatives the teacher's other patches. Negatives come from the whole batch of this process.

    log(n) minus it is at most log(n), and bounds from below what one patch of the student says about the
    teacher's patch at its place, where the place is drawn at random and counts as information, too. That is
    not I(T;S) of the images: of one image that is always the same I(T;S) is 0, while patches that differ
    from each other are all found, and the bound is log(n). The theorem is for patches that are drawn
    independently; those of one image are not.

    The score is the cosine of embedded patches. The embedding, shared by student and teacher, is the
    latter paper's network of two layers of 256, on pixels; it is learned, because the bound is only as
    tight as its score is good.

    Args:
        loss_weight: its weight in the student's loss.
        patch_size: side of the patches, in pixels; they do not overlap, what is left over at the right and
            lower border is not used.
        num_patches: n; of more patches in the batch, as many are drawn, without replacement and from torch's
            CPU generator, which a distillation gives a state of its own.
        temperature: T, 0.07 as published.
        channels: of the images, or of the features of ``layer``.
        dim: width of the embedding.
    """

    def __init__(
        self,
        loss_weight: float = 1.0,
        patch_size: int = 8,
        num_patches: int = 256,
        temperature: float = 0.07,
        channels: int = 3,
        dim: int = 256,
    ) -> None:
        super().__init__()
        require_number('InfoNCELoss: loss_weight', loss_weight, least=0)
        require_number('InfoNCELoss: temperature', temperature, least=1e-4)
        require_number('InfoNCELoss: num_patches', num_patches, least=2, whole=True)
        for name, value in dict(patch_size=patch_size, channels=channels, dim=dim).items():
            require_number(f'InfoNCELoss: {name}', value, least=1, most=65536, whole=True)
        self.loss_weight, self.temperature = loss_weight, temperature
        self.patch_size, self.num_patches, self.channels = patch_size, num_patches, channels
        pixels = channels * patch_size**2
        self.embed = nn.Sequential(nn.Linear(pixels, dim), nn.ReLU(), nn.Linear(dim, dim))

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Scalar from images (N, C, H, W) or clips (N, T, C, H, W); differentiable in student and embedding.

        Raises:
            ConfigError: they differ in shape, have another number of channels, or no two patches.
        """
        self._check(student, teacher)
        patches = torch.stack([self._patches(student), self._patches(teacher.detach())])
        places = torch.randperm(patches.shape[1])[: self.num_patches].to(patches.device)
        queries, keys = F.normalize(self.embed(patches[:, places]), dim=-1)
        return self.loss_weight * info_nce(queries, keys, self.temperature)

    def _patches(self, images: Tensor) -> Tensor:
        """All patches of the batch, (n, C p^2)."""
        patches = F.unfold(images.flatten(0, -4), self.patch_size, stride=self.patch_size)
        return patches.transpose(1, 2).flatten(0, 1)

    def _check(self, student: Tensor, teacher: Tensor) -> None:
        shape, side = student.shape, self.patch_size
        fits = shape == teacher.shape and student.ndim >= 4 and shape[-3] == self.channels
        if not fits or shape[:-3].numel() * (shape[-2] // side) * (shape[-1] // side) < 2:
            raise ConfigError(
                f'InfoNCELoss: {tuple(shape)} and {tuple(teacher.shape)} are not both (N, C, H, W) of '
                f'{self.channels} channels with two patches of {side} pixels; set `channels` and `patch_size` '
                'of this entry of default_hooks.distill.objectives'
            )
