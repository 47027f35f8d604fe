"""A student whose every convolution is refitted, layer by layer, to what its teacher makes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine import dist
from mmengine.logging import print_log
from torch import Tensor, nn

from ..host.training_calls import Given, on_first_call, unchanged_buffers
from .least_squares import Fitted, fit
from .slices import Slices


class LayerwiseFit:
    """Gives a student's layers, one after the other, the weights that bring them nearest to the teacher's.

    From the first layer to the last, the weights W of least |X W - Y|^2 + ridge |W - W_now|^2 take the place of
    W_now, X being the student's own input and Y the teacher's output, as in the reconstruction of He et al.,
    "Channel Pruning for Accelerating Very Deep Neural Networks", ICCV 2017, equation 4. Convolutions in groups,
    modulated ones and linear layers stay.

    Args:
        path: of the layer within the generator to which it is confined, '' for all of it.
        kept: name of a weight, the teacher's and the student's, and a dimension -> the teacher's entries along
            it that the student has.
    """

    def __init__(
        self,
        student: nn.Module,
        teacher: nn.Module,
        path: str,
        kept: Callable[[str, Tensor, Tensor, int], Tensor],
    ) -> None:
        self._student, self._teacher, self._kept = student, teacher, kept
        teachers = dict(teacher.named_modules())
        self._layers = {
            name: (layer, teachers[name])
            for name, layer in student.named_modules()
            if name in teachers and f'{name}.'.startswith(f'{path}.' if path else '') and Fitted.knows(layer)
        }

    def to(self, call: Callable[[nn.Module], Any]) -> list[tuple[float, float]]:
        """Refit to what both make in a call; the misfit of each layer, before and after."""
        device = next(self._student.parameters()).device
        with torch.no_grad(), torch.autocast(device.type, enabled=False):
            with self._recording() as made:
                call(self._teacher)
            with self._refitting(made) as errors, unchanged_buffers(self._student):
                call(self._student)
        for parameter in self._student.parameters():  # each process has seen a batch of its own
            dist.broadcast(parameter.data, src=0)
        return errors

    @contextmanager
    def _recording(self) -> Iterator[dict[str, list[Tensor]]]:
        """What the teacher's layers make, in order, as often as they are called."""
        made: dict[str, list[Tensor]] = {name: [] for name in self._layers}
        handles = [
            teacher.register_forward_hook(lambda m, args, out, name=name: made[name].append(out.clone()))
            for name, (_, teacher) in self._layers.items()
        ]
        try:
            yield made
        finally:
            for handle in handles:
                handle.remove()

    @contextmanager
    def _refitting(self, made: dict[str, list[Tensor]]) -> Iterator[list[tuple[float, float]]]:
        """Refit each of the student's layers as it is called, so that the next one sees what it now makes."""
        errors: list[tuple[float, float]] = []

        def refit(name: str, layer: nn.Module, args: tuple, out: Tensor) -> Tensor:
            targets = made[name]
            if len(targets) != 1 or not args:  # called twice, it has no one output; or called by keyword
                return out
            wide = self._layers[name][1].weight
            kept = self._kept(f'{name}.weight', wide, layer.weight, Fitted.out_dimension(layer))
            target = targets[0][:, kept.to(out.device)]
            if target.shape != out.shape:
                return out
            errors.append(fit(layer, args[0], target))
            return type(layer).forward(layer, *args)

        handles = [
            layer.register_forward_hook(lambda m, args, out, name=name: refit(name, m, args, out))
            for name, (layer, _) in self._layers.items()
        ]
        try:
            yield errors
        finally:
            for handle in handles:
                handle.remove()


class Refit:
    """Refits a sliced student, once, to what its teacher makes of the first batch that trains it.

    A slice sums over fewer channels than its weights were trained for, so that the last layer, which no
    normalisation follows, makes a pale picture, and training may stay there.

    Args:
        pair: of student and teacher.
        path: of the layer within the generator to which it is confined, '' for all of it.
        log_key: where the start stands in the config, for the log.
    """

    def __init__(self, pair: Any, path: str, log_key: str) -> None:
        self._pair, self._log_key = pair, log_key
        channels = Slices(pair.student, pair.teacher).channels
        self._fit = LayerwiseFit(pair.student, pair.teacher, path, channels)
        self._handle = on_first_call(pair.student, self._refit)

    def remove(self) -> None:
        self._handle.remove()

    def _refit(self, call: Given) -> None:
        tell(self._fit.to(call.to), self._pair.path, self._log_key)


def tell(errors: list[tuple[float, float]], path: str, log_key: str) -> None:
    """What the fit has brought, in the log."""
    if errors:
        before, after = (sum(e[i] for e in errors) / len(errors) for i in (0, 1))
        print_log(
            f'{log_key}: {len(errors)} convolutions of {path} refitted; what they lack of '
            f"the teacher's is {after:.0%} of its variance on average, {before:.0%} before",
            'current',
        )
