"""An objective on a layer's features that a frozen network sees as if they were images."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from .calls import comparing
from .objective import Objective, Place, scalar


class ConnectedObjective(Objective):
    """Features of a layer, made into images by connectors that learn, as the layers of a backbone see them.

    Hu et al., "Discriminator-Cooperated Feature Map Distillation for GAN Compression", CVPR 2023, of one
    layer: |D(A_s(f_s)) - D(A_t(f_t))|_1, where D is the teacher's discriminator up to its last feature map. As
    published both connectors, A_s of the student's features and A_t of the teacher's, are trained to lower it.
    A_t is so only by a loss that lets a gradient reach the teacher's side, as the toolbox's L1Loss and MSELoss
    do; the closed forms here take that side as a constant, and A_t stays as it was initialised.

    Args:
        name, losses, place, options: see :class:`Objective`.
        backbones: D of each pair, by its name.
        make_adapter: builds a connector from the channels of features and those that a backbone takes.
    """

    def __init__(
        self,
        name: str,
        losses: Mapping[str, nn.Module],
        backbones: Mapping[str, Any],
        place: Place,
        make_adapter: Callable[[int, int], nn.Module],
        **options: Any,
    ) -> None:
        super().__init__(name, losses, place, make_adapter=make_adapter, **options)
        self.backbones = backbones

    def build(self, *sizes: int) -> None:
        """Make the connectors, for features of so many channels in student and teacher."""
        self.built = sizes
        for pair, backbone in self.backbones.items():
            made = [self._make_adapter(channels, backbone.channels or 3) for channels in sizes]
            self.adapters[pair] = nn.ModuleDict(dict(zip(('student', 'teacher'), made, strict=True)))

    def _value(self, pair: str, student: Tensor, teacher: Tensor, x: Tensor | None = None) -> Tensor:
        """The mean over the layers of the backbone."""
        with comparing(self.keys.objective, True, student, teacher):
            each = [
                scalar(self.losses[pair](s, t))
                for s, t in zip(*self._seen(pair, student, teacher), strict=True)
            ]
            return sum(each) / len(each)

    def _seen(self, pair: str, student: Tensor, teacher: Tensor) -> Sequence[list[Tensor]]:
        own, backbone = self.adapters[pair], self.backbones[pair]
        return backbone(own['student'](student.float())), backbone(own['teacher'](teacher.float()))
