"""One student generator, its teacher, and the images of the current step."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from ..host.locate import image_of
from ..host.taps import Call, ForwardTap, LayerTap, for_this, resolve, unwrap
from ..utils.errors import ConfigError
from ..utils.rng import replayed


def ground_truth_key(path: str) -> str:
    """Where the toolbox's data preprocessor leaves the target of the generator at ``path``."""
    domain = path.partition('generators.')[2]
    return f'inputs.img_{domain}' if domain else 'data_samples.gt_img'


class Pair:
    """Runs the teacher on exactly what the student was given, at the call that trains the student.

    Args:
        path: module path of the student in the toolbox's ``model``, such as 'generator'.
        output: where the image is in what both networks return, see :func:`image_of`.
        value_range: lowest and highest value of the images; by default the data preprocessor's
            normalisation of [0, 255], as the images that the toolbox's models make.
        residual: whether the critic sees what the network adds to its input, resized to the image, in
            place of the image.

    Attributes:
        student: the generator in the toolbox's model, without wrappers.
        teacher: the frozen network; None where nothing looks at its images.
        s: the student's image, with its graph; (N, C, H, W) in the network's value range.
        t: the teacher's image for the same inputs and the same random draws; None without a teacher.
        ground_truth: the target image of the data set; None unless the batch has one.
        features: of each watched layer, what it made in student and teacher.
    """

    def __init__(
        self,
        path: str,
        model: nn.Module,
        teacher: nn.Module | None = None,
        output: int | str | None = None,
        value_range: tuple[float, float] | None = None,
        residual: bool = False,
    ) -> None:
        student = resolve(model, path)
        if student is None:
            raise ConfigError(
                f'default_hooks.distill.pairs: {type(unwrap(model)).__name__} has no module {path!r}; '
                'give the path of the generator in `student`'
            )
        self.path = path
        self.name = path.replace('.', '_')
        self.student, self.teacher = student, teacher
        self._output, self._value_range, self._residual = output, value_range, residual
        self._tap = ForwardTap(student, self._on_student_call)
        self._layer_taps: dict[str, tuple[LayerTap, LayerTap]] = {}
        self._preprocessor = unwrap(model).data_preprocessor
        on_preprocessed = for_this(self._preprocessor, self._on_preprocessed)
        self._preprocessor_handle = self._preprocessor.register_forward_hook(on_preprocessed)
        self.release()

    @classmethod
    def from_config(cls, cfg: dict, model: nn.Module) -> 'Pair':
        """From one entry of ``default_hooks.distill.pairs``, still without a teacher."""
        settings = {key: cfg[key] for key in ('output', 'value_range', 'residual') if key in cfg}
        if 'student' not in cfg or cfg.keys() - {'student', 'teacher', *settings}:
            raise ConfigError(
                f'default_hooks.distill.pairs holds {dict(cfg)}: each is a dict of `student` and, if needed, '
                '`teacher`, `output`, `value_range` and `residual`'
            )
        return cls(cfg['student'], model, **settings)

    def watch(self, layer: str) -> None:
        """Keep, from now on, what the layer of this name makes in student and teacher.

        Raises:
            ConfigError: one of the two networks has no such layer.
        """
        if layer in self._layer_taps:
            return
        try:
            student, teacher = self.student.get_submodule(layer), self.teacher.get_submodule(layer)
        except AttributeError as error:
            raise ConfigError(
                f'default_hooks.distill.terms: no layer {layer!r} in both networks of {self.path!r} ({error}); '
                'print(model) shows the names'
            ) from None
        always = LayerTap(teacher, lambda: True)  # nobody but us calls the teacher
        self._layer_taps[layer] = LayerTap(student, lambda: self._tap.counting), always

    def outputs(self, layer: str | None) -> tuple[Tensor, Tensor]:
        """What student and teacher made: their images, or the features of a watched layer."""
        if layer is None:
            target = self.target('teacher')  # says so if the student has not run
            return self.s, target
        self._require_student()
        return self.features[layer]

    def arm(self, ask_teacher: bool = True) -> None:
        """Wait for the next call that trains the student, and give what it is given to the teacher too."""
        self._ask = ask_teacher and self.teacher is not None
        self.s: Tensor | None = None
        self.t: Tensor | None = None
        self.features: dict[str, tuple[Tensor, Tensor]] = {}
        self._tap.arm()

    def release(self) -> None:
        """Drop the images of this step, and with them the graph that hangs on them."""
        self._tap.disarm()
        self.s = self.t = self._input = None
        self.features = {}
        self.ground_truth: Tensor | None = None

    def remove(self) -> None:
        self.release()
        self._preprocessor_handle.remove()
        for tap in (self._tap, *tree_leaves(list(self._layer_taps.values()))):
            tap.remove()

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
        """Map to [-1, 1], float32; frames of a video, (N, T, C, H, W), become samples of their own.

        Raises:
            ConfigError: these are no images, or their range is unknown.
        """
        if image.ndim not in (4, 5):
            raise ConfigError(
                f'{self.path!r} makes tensors of shape {tuple(image.shape)}, not images (N, C, H, W) or clips '
                '(N, T, C, H, W), so there is no mutual information of images to raise; set '
                'default_hooks.distill.loss=None and use default_hooks.distill.terms'
            )
        lowest, span = self._range(image.shape[-3])
        image = 2 * (image.float() - lowest) / span - 1
        if self._residual:
            image = image - (2 * (self._input_like(image) - lowest) / span - 1)
        return image.flatten(0, -4)

    def _input_like(self, image: Tensor) -> Tensor:
        """The network's input at the size of ``image``."""
        shape = () if self._input is None else tuple(self._input.shape)
        if image.ndim != 4 or shape[:-2] != image.shape[:-2]:
            raise ConfigError(
                f'default_hooks.distill.pairs: {self.path!r} makes {tuple(image.shape)} of {shape}, so there '
                'is no image to subtract; leave `residual` out'
            )
        return F.interpolate(self._input.float(), image.shape[-2:], mode='bicubic')

    def _range(self, channels: int) -> tuple[Tensor | float, Tensor | float]:
        """Where the images' values start, and how far they reach."""
        if self._value_range is not None:
            lowest, highest = self._value_range
            return lowest, highest - lowest
        mean = torch.as_tensor(getattr(self._preprocessor, 'mean', 0.0))
        std = torch.as_tensor(getattr(self._preprocessor, 'std', 1.0))
        if std.numel() not in (1, channels):
            raise ConfigError(
                f'the data preprocessor normalises {std.numel()} channels, the images of {self.path!r} have '
                f'{channels}; set `value_range` in default_hooks.distill.pairs to (lowest, highest)'
            )
        return -mean / std, 255 / std

    def _require_student(self) -> None:
        if self.s is not None:
            return
        if 'a call on generated inputs' in self._tap.seen:
            raise ConfigError(
                f'{self.path!r} is given what other trained networks make of the data, which its teacher '
                'cannot be given; set `student` in default_hooks.distill.pairs to one that takes the data'
            )
        seen = ', '.join(self._tap.seen) or 'no call at all'
        raise ConfigError(
            f'{self.path!r} is updated without a training call on real inputs in this step (seen: {seen}); '
            'set default_hooks.distill.pairs to the generator that is trained'
        )

    def _on_student_call(self, call: Call) -> None:
        self.s = image_of(call.output, self._output)
        if self._residual:
            tensors = (x for x in tree_leaves((call.args, call.kwargs)) if isinstance(x, Tensor))
            self._input = next(tensors, None)
        if self._ask:
            self.t = image_of(self._ask_teacher(call), self._output)
        self.features = {
            layer: (student.take(), teacher.take()) for layer, (student, teacher) in self._layer_taps.items()
        }

    @torch.no_grad()
    def _ask_teacher(self, call: Call) -> Any:
        """With the same draws, injected noise and style-mixing cut included: equal weights give t == s."""
        try:
            with replayed(call.random_state):
                return self.teacher(*call.args, **call.kwargs)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:
            tensors = tree_leaves((call.args, call.kwargs))
            shapes = ', '.join(str(tuple(x.shape)) for x in tensors if isinstance(x, Tensor))
            raise ConfigError(
                f'the teacher of {self.path!r} cannot take what the student is given, tensors of shape '
                f'{shapes} ({type(error).__name__}: {" ".join(str(error).split())}); teacher and student '
                'need the same inputs'
            ) from error

    def _on_preprocessed(self, module: nn.Module, args: tuple, data: Any) -> None:
        for name in ground_truth_key(self.path).split('.'):
            data = data.get(name) if hasattr(data, 'get') else None
        self.ground_truth = data if isinstance(data, Tensor) else None
