"""Several Pix2Pix generators that learn the same task against one discriminator."""

import torch
import torch.nn.functional as F
from mmagic.models.utils import set_requires_grad
from mmengine.model import BaseModel, ModuleDict
from mmengine.optim import OptimWrapperDict
from mmengine.registry import MODELS
from torch import Tensor

from ..utils.checks import require_number
from ..utils.errors import ConfigError

Outputs = dict[str, Tensor]


class JointPix2Pix(BaseModel):
    """The teachers of OMGD (Ren et al., ICCV 2021): Pix2Pix with a hinge loss, generator by generator.

    Args:
        generators: their configs, by a name of your choice.
        discriminator: config of a ``SharedPatchDiscriminator`` with a head for each name.
        source, target: the domains, as in the names of the batch, such as 'edges' and 'photo'.
        pixel_loss_weight: of the mean |difference| to the target image.
        data_preprocessor: of the images.

    Raises:
        ConfigError: the discriminator cannot take what the generators are given beside what they make.
    """

    def __init__(
        self,
        generators: dict[str, dict],
        discriminator: dict,
        source: str,
        target: str,
        pixel_loss_weight: float = 100.0,
        data_preprocessor: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor)
        require_number('model.teachers.pixel_loss_weight', pixel_loss_weight, least=0)
        _require_channels(generators, discriminator)
        self.generators = ModuleDict({name: MODELS.build(cfg) for name, cfg in generators.items()})
        self.discriminators = ModuleDict({target: MODELS.build(dict(heads=list(generators)) | discriminator)})
        self.source, self.target, self.pixel_loss_weight = source, target, pixel_loss_weight

    def forward(self, inputs: Tensor, name: str) -> Tensor:
        return self.generators[name](inputs)

    def train_step(self, data: dict, optim_wrapper: OptimWrapperDict) -> dict[str, Tensor]:
        """One step of the discriminator, then one of every generator."""
        inputs = self.data_preprocessor(data, True)['inputs']
        x, real = inputs[f'img_{self.source}'], inputs[f'img_{self.target}']
        learns_d, learns_g = optim_wrapper['discriminators'], optim_wrapper['generators']
        with learns_d.optim_context(self.discriminators):
            fakes = {name: generator(x) for name, generator in self.generators.items()}
            loss_d = self._discriminator_loss(x, real, fakes)
        learns_d.update_params(loss_d)
        set_requires_grad(self.discriminators, False)
        with learns_g.optim_context(self.generators):
            losses = self._generator_losses(x, real, fakes)
        learns_g.update_params(sum(losses.values()))
        set_requires_grad(self.discriminators, True)
        return dict(loss_gan_d=loss_d.detach(), **{name: loss.detach() for name, loss in losses.items()})

    def _discriminator_loss(self, x: Tensor, real: Tensor, fakes: Outputs) -> Tensor:
        """Half of the hinge losses of both, and the sum over the heads."""
        total = 0.0
        for name, fake in fakes.items():
            on_fake, on_real = self._judged(x, fake.detach(), name), self._judged(x, real, name)
            total = total + 0.5 * (F.relu(1 + on_fake).mean() + F.relu(1 - on_real).mean())
        return total

    def _generator_losses(self, x: Tensor, real: Tensor, fakes: Outputs) -> Outputs:
        losses = {}
        for name, fake in fakes.items():
            losses[f'loss_gan_g_{name}'] = -self._judged(x, fake, name).mean()
            losses[f'loss_pixel_{name}'] = self.pixel_loss_weight * F.l1_loss(fake, real)
        return losses

    def _judged(self, x: Tensor, image: Tensor, name: str) -> Tensor:
        return self.discriminators[self.target](torch.cat([x, image], 1), name)


def _require_channels(generators: dict[str, dict], discriminator: dict) -> None:
    given = discriminator.get('in_channels')
    for name, cfg in generators.items():
        seen = [cfg.get(key) for key in ('in_channels', 'out_channels')]
        if isinstance(given, int) and None not in seen and given != sum(seen):
            raise ConfigError(
                f'model.teachers.discriminator.in_channels={given}, and it sees the input of {name!r} with '
                f'{seen[0]} channels beside its image with {seen[1]}: set it to {sum(seen)}'
            )
