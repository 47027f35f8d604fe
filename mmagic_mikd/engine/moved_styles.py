"""What layers of student and teacher make of the styles of a step, moved a little, the same way in both."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..host.features import Features, LayerTap
from ..host.styles import StyleTap, directions, resolution_of
from ..host.train_mode import statistics_kept
from ..utils.errors import ConfigError
from ..utils.rng import RandomState, replayed

Layer = tuple[str, str]
LEAST_COSINE = 0.5  # of the styles that the two networks make of one input


class MovedStyles:
    """Runs both networks again, once a step, at w + offset, each with the w that it has made itself.

    The offset of a sample is a direction of the teacher's, drawn among those of the resolutions up to the last
    layer that is looked at, times a normal number and a size (Xu et al., "Mind the Gap in Distilling
    StyleGANs", ECCV 2022). Both networks get the same offsets and the same noise. What is drawn comes from
    the random stream of the iteration.

    Args:
        student, teacher: taps of StyleGAN2 generators with styles of one width.
        path: of the student, for messages.
        key: of the objective that asks first.

    Raises:
        ConfigError: the styles differ in width.
    """

    def __init__(
        self, student: StyleTap, teacher: StyleTap, networks: tuple[nn.Module, nn.Module], path: str, key: str
    ) -> None:
        self._taps, self._networks, self._path, self._key = (student, teacher), networks, path, key
        self._layers: dict[Layer, tuple[LayerTap, LayerTap]] = {}
        self._made: dict[float, Features] = {}
        self._running, self._of_one_kind = False, False
        self._directions: Tensor | None = None
        widths = [network.style_channels for network in networks]
        if widths[0] != widths[1]:
            raise ConfigError(
                f'{key} moves the styles of student and teacher the same way, and they are {widths[0]} and '
                f'{widths[1]} wide: give both one `style_channels`'
            )

    def watch(self, layer: Layer, student: nn.Module, teacher: nn.Module) -> None:
        """Keep what these two make at moved styles, under this name."""
        if layer not in self._layers:
            self._layers[layer] = tuple(LayerTap(each, lambda: self._running) for each in (student, teacher))
            self._directions = None

    def __call__(self, size: float) -> Features:
        """Features of every watched layer in student and teacher, at styles moved by offsets of this size.

        Raises:
            ConfigError: the two networks make unrelated styles of the same input.
        """
        if size not in self._made:
            self._require_one_mapping()
            self._made[size] = self._run(self._offsets(size))
        return self._made[size]

    def _run(self, offsets: Tensor) -> Features:
        student, teacher = self._taps
        noise = RandomState.capture(offsets.device)
        self._running = True
        try:
            student.call(student.w + offsets)
            with replayed(noise), torch.no_grad(), statistics_kept(self._networks[1]):
                teacher.call(teacher.w + offsets)
        finally:
            self._running = False
        return {layer: (s.take(), t.take()) for layer, (s, t) in self._layers.items()}

    def _offsets(self, size: float) -> Tensor:
        """(N, 1, C): one of all layers."""
        w = self._taps[1].w
        if self._directions is None:
            last = max(resolution_of(teacher) for _, teacher in self._layers)
            self._directions = directions(self._networks[1], last).to(w.device)
        chosen = torch.randint(len(self._directions), (len(w),), device=w.device)
        lengths = size * torch.randn(len(w), 1, device=w.device)
        return (lengths * self._directions[chosen])[:, None]

    def _require_one_mapping(self) -> None:
        """Once: a direction means the same to both only if w does."""
        if self._of_one_kind:
            return
        cosine = F.cosine_similarity(*(tap.w.detach().float() for tap in self._taps), dim=-1).mean().item()
        if cosine < LEAST_COSINE:
            raise ConfigError(
                f'{self._key} moves the styles of {self._path!r} along directions of its teacher, whose styles '
                f'are others (mean cosine {cosine:.2f}): start with its mapping network, '
                "default_hooks.distill.start=dict(style_mapping='inherited')"
            )
        self._of_one_kind = True

    def release(self) -> None:
        """Drop what was made in this step."""
        self._made = {}
        for tap in self._taps:
            tap.w = None

    def remove(self) -> None:
        self.release()
        for taps in (self._taps, *self._layers.values()):
            for tap in taps:
                tap.remove()
