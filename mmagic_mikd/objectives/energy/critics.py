"""An objective with a critic for each pair: when the critics are built, and for which images."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ..objective import Objective, Place, View
from .bound import MIDistillLoss

COLOURS = 3  # what a critic is built for before it has seen images


class CriticObjective(Objective):
    """A learned energy-based q(t|s), whatever it is learned from.

    Args:
        name, place, options: see :class:`Objective`.
        bound: its settings.
        pairs: names of the pairs, each of which gets a critic.
        make_critic: builds one, from the shortest side of the images and their channels, each None where
            these are not yet known.
        noise: source of the draws.
        waits_for_batch: whether the critics' depth follows the images of the first batch.
        follows_channels: whether their channels do; critics for colours are built anew for other images.
    """

    waits = True  # a learned energy can say anything
    title, learned = 'mutual information', 'the critic'

    def __init__(
        self,
        name: str,
        bound: MIDistillLoss,
        pairs: Sequence[str],
        make_critic: Callable[..., nn.Module],
        noise: torch.Generator,
        place: Place,
        waits_for_batch: bool = False,
        follows_channels: bool = False,
        **options: object,
    ) -> None:
        super().__init__(name, {}, place, bound.loss_weight, **options)
        self.bound, self._make_critic, self._noise = bound, make_critic, noise
        self._pairs, self._follows_channels = tuple(pairs), follows_channels
        self.critics = nn.ModuleDict()
        self.built = None
        if not waits_for_batch:
            self.build()

    @property
    def kind(self) -> str:
        return type(self.bound).__name__

    @property
    def network(self) -> nn.ModuleDict:
        return self.critics

    @property
    def learns(self) -> bool:
        return True

    def sizes(self, views: Sequence[View]) -> tuple[int, ...]:
        """The shortest side of this batch's images, and the channels of each pair's."""
        images = {view.name: view.at(self.place)[0] for view in views}
        channels = {name: image.shape[-3] for name, image in images.items()}
        default = next(iter(channels.values()))
        side = min(min(image.shape[-2:]) for image in images.values())
        return side, *(channels.get(pair, default) for pair in self._pairs)

    def constants(self, view: View) -> tuple[Tensor, Tensor, int]:
        """s and t as images (N, C, H, W) without a graph, and how many in a row are frames of one sample."""
        s, t = (x.detach() for x in view.at(self.place))
        return s.flatten(0, -4), t.flatten(0, -4), s[0, ..., 0, 0, 0].numel()

    def energy(self, pair: str, t: Tensor, s: Tensor) -> Tensor:
        """-log q(t|s) of each image, (N,), up to log Z(s): nats of images (N, C, H, W)."""
        return self.critics[pair](t, s)

    def fits(self, views: Sequence[View]) -> bool:
        """Critics that knew nothing of the images are for three channels."""
        return not self._follows_channels or self.built != () or set(self.sizes(views)[1:]) == {COLOURS}

    def build(self, *sizes: int) -> None:
        """Make the critics, for images of this side and more, and of these channels."""
        self.built = sizes
        side, *channels = sizes or (None,)
        channels = channels or [None] * len(self._pairs)  # an old checkpoint has the side alone
        critics = map(self._make_critic, [side] * len(channels), channels)
        self.critics.update(dict(zip(self._pairs, critics, strict=True)))
        self.critics.to(self._noise.device)
