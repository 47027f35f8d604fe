"""What one pair of networks made in the call that trains the student, as the objectives look at it."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from ..host.features import Features, Joined
from ..objectives.objective import Place
from ..utils.errors import ConfigError
from .image_range import ImageRange

# of a range [-1, 1]: where no picture is, and where not even an untrained network's images are
FAR_FOR_DATA, FAR_FOR_NETWORKS = 3.0, 100.0
Gate = Callable[[str, Tensor, Tensor, Callable], Tensor]  # pair, s, t, who is told the whole gradient -> s


class View(NamedTuple):
    """One pair in one step.

    Attributes:
        name, path, taught_by: of the pair.
        x: the first tensor that the student was given.
        s: the student's image, with its graph; (N, C, H, W) in the network's range.
        t: the teacher's image for the same inputs and the same random draws; None where it was not asked.
        ground_truth: the target image of the data set; None unless the batch has one.
        features: of each watched layer, what it made in student and teacher.
        images: the range of the images.
        truth_key: where a ground truth would be in the batch.
        moved: what the layers make at styles moved by so much; None where nothing looks there.
    """

    name: str
    path: str
    x: Tensor | None
    s: Tensor
    t: Tensor | None
    ground_truth: Tensor | None
    features: Features
    images: ImageRange
    truth_key: str
    taught_by: str = ''
    moved: Callable[[float], Features] | None = None

    def at(self, place: Place, gate: Gate | None = None) -> tuple[Tensor, Tensor]:
        """What the student made there, and what it is compared with, a constant.

        Args:
            gate: what the student's gradient passes on its way back; None for a look alone.

        Raises:
            ConfigError: there is no such target in this batch, or it has another shape; or the layer has not
                run, or no gradient passes through what it has made.
        """
        if place.layer is not None:
            student, teacher = self.features[place.layer]
            if student is None or teacher is None:
                path = place.layer[0] if student is None else place.layer[1]
                raise ConfigError(
                    f'{place.key}.layer={path!r} of {self.path!r} does not run when its network does: name a '
                    'layer within it'
                )
            if place.moved is not None:
                aside = self.moved(place.moved)[place.layer]
                student, teacher = Joined(student, aside[0]), Joined(teacher, aside[1])
            s, t, on_all = student.tensor, teacher.tensor.detach(), student.on_gradient
        else:
            s, t, on_all = self.s, self._target(place), self.s.register_hook
        if gate is not None:
            self._require_gradient(place, s)
            s = gate(self.name, s, t, on_all)
        if place.mask is not None:
            s, t = place.mask.of(s), place.mask.of(t)
        if place.range is not None:
            s, t = (self.images.seen(image, place.range, self.x) for image in (s, t))
        return s, t

    def require_pictures(self, place: Place) -> None:
        """Whether the images lie about where their range says, for a first batch."""
        if place.layer is not None or place.range is None:
            return
        self.images.require_pictures(self._target(place), FAR_FOR_NETWORKS)
        if self.ground_truth is not None and self.ground_truth.shape == self.s.shape:
            self.images.require_pictures(self.ground_truth, FAR_FOR_DATA)
            self.images.warn_of_black(self.ground_truth)

    def require_one_run(self, place: Place) -> None:
        """Whether a gradient is known as a whole when it arrives, for one that is to be weighed by that.

        Raises:
            ConfigError: the layer runs several times, and its gradients arrive one after the other.
        """
        if place.layer is not None and isinstance(self.features[place.layer][0], Joined):
            raise ConfigError(
                f'{place.key}.gradient_ratio cannot be held at layer={place.layer[0]!r}, which runs several '
                f'times within {self.path!r}: set `loss_weight` in its place'
            )

    def _require_gradient(self, place: Place, s: Tensor) -> None:
        if s.requires_grad:
            return
        where = 'the images' if place.layer is None else f'what layer={place.layer[0]!r} makes'
        raise ConfigError(
            f'{place.key}: no gradient passes through {where} of {self.path!r}: its weights are frozen, or it '
            'runs in a reentrant checkpoint (activation_checkpointing, use_checkpoint, with_cp); '
            + ('leave that out' if place.layer is None else 'name another layer, or leave that out')
        )

    def _target(self, place: Place) -> Tensor:
        target = self.t if place.target == 'teacher' else self.ground_truth
        if target is None:
            raise ConfigError(
                f"{place.key}.target={place.target!r}, but the batch has no '{self.truth_key}'; use "
                "target='teacher'"
            )
        if target.shape != self.s.shape:
            raise ConfigError(
                f'{place.target} image {tuple(target.shape)} and student image {tuple(self.s.shape)} of '
                f'{self.path!r} differ in shape; teacher and student need the same output size'
                + (', or default_hooks.distill.teacher.resize=True' if place.target == 'teacher' else '')
            )
        return target
