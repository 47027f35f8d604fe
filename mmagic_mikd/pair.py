"""One student generator, its teacher, and the images of the current step."""

from typing import Any

import torch
from torch import Tensor, nn

from .errors import ConfigError
from .rng import replayed
from .tap import Call, ForwardTap, resolve, unwrap


def image_of(output: Any) -> Tensor:
    """The image in what a generator returns: a tensor, a dict with 'fake_img', or a tuple led by it."""
    if isinstance(output, dict):
        return output['fake_img']
    return output[0] if isinstance(output, (tuple, list)) else output


def find_generators(model: nn.Module) -> list[str]:
    """Paths of all generators that MMagic trains: 'generator', or 'generators.<domain>' for each domain."""
    inner = unwrap(model)
    if hasattr(inner, 'generators'):
        return [f'generators.{domain}' for domain in unwrap(inner.generators)]
    if hasattr(inner, 'generator'):
        return ['generator']
    raise ConfigError(
        f'{type(inner).__name__} has neither `generator` nor `generators`; set '
        'default_hooks.distill.pairs=[dict(student=<module path>, teacher=<module path>)]'
    )


def ground_truth_key(path: str) -> str:
    """Where the toolbox's data preprocessor leaves the target of the generator at ``path``."""
    domain = path.partition('generators.')[2]
    return f'inputs.img_{domain}' if domain else 'data_samples.gt_img'


class Pair:
    """Runs the teacher on exactly what the student was given, at the call that trains the student.

    Attributes:
        student: the generator in the toolbox's model, without wrappers.
        teacher: the frozen network; None where nothing looks at its images.
        s: the student's image, with its graph; (N, C, H, W) in the network's value range.
        t: the teacher's image for the same inputs and the same random draws; None without a teacher.
        ground_truth: the target image of the data set; None unless the batch has one.
    """

    def __init__(self, path: str, model: nn.Module, teacher: nn.Module | None = None) -> None:
        student = resolve(model, path)
        if student is None:
            raise ConfigError(
                f'default_hooks.distill.pairs: {type(unwrap(model)).__name__} has no module {path!r}; '
                'give the path of the generator in `student`'
            )
        self.path = path
        self.name = path.replace('.', '_')
        self.student, self.teacher = student, teacher
        self._tap = ForwardTap(student, self._on_student_call)
        self._preprocessor = unwrap(model).data_preprocessor
        self._preprocessor_handle = self._preprocessor.register_forward_hook(self._on_preprocessed)
        self.release()

    def arm(self) -> None:
        """Wait for the next call that trains the student."""
        self.s: Tensor | None = None
        self.t: Tensor | None = None
        self._tap.arm()

    def release(self) -> None:
        """Drop the images of this step, and with them the graph that hangs on them."""
        self._tap.disarm()
        self.s = self.t = None
        self.ground_truth: Tensor | None = None

    def remove(self) -> None:
        self.release()
        self._tap.remove()
        self._preprocessor_handle.remove()

    def target(self, kind: str) -> Tensor:
        """What the student is compared with: 'teacher' or 'ground_truth', as a constant."""
        self._require_student()
        target = self.t if kind == 'teacher' else self.ground_truth
        if target is None:
            raise ConfigError(
                f'default_hooks.distill.loss.target={kind!r}, but the batch has no '
                f"'{ground_truth_key(self.path)}'; use target='teacher'"
            )
        if target.shape != self.s.shape:
            raise ConfigError(
                f'{kind} image {tuple(target.shape)} and student image {tuple(self.s.shape)} of '
                f'{self.path!r} differ in shape; teacher and student need the same output size'
            )
        return target

    def to_unit(self, image: Tensor) -> Tensor:
        """Map to [-1, 1], float32, by undoing the toolbox's normalisation (x - mean) / std of [0, 255].

        Frames of a video, (N, T, C, H, W), become samples of their own.
        """
        mean, std = getattr(self._preprocessor, 'mean', 0.0), getattr(self._preprocessor, 'std', 1.0)
        image = (image.float() * std + mean) / 127.5 - 1
        return image.flatten(0, -4) if image.ndim > 4 else image

    def _require_student(self) -> None:
        if self.s is None:
            seen = ', '.join(self._tap.seen) or 'no call at all'
            raise ConfigError(
                f'{self.path!r} is updated without a training call on real inputs in this step '
                f'(seen: {seen}); set default_hooks.distill.pairs to the generator that is trained'
            )

    def _on_student_call(self, call: Call) -> None:
        self.s = image_of(call.output)
        if self.teacher is not None:
            # the same draws, injected noise and style-mixing cut included: equal weights give t == s
            with torch.no_grad(), replayed(call.random_state):
                self.t = image_of(self.teacher(*call.args, **call.kwargs))

    def _on_preprocessed(self, module: nn.Module, args: tuple, data: Any) -> None:
        for name in ground_truth_key(self.path).split('.'):
            data = data.get(name) if hasattr(data, 'get') else None
        self.ground_truth = data if isinstance(data, Tensor) else None
