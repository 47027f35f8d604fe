"""One student generator, its teacher, and what both make in the current step."""

import traceback
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from ..host.features import Features, LayerTap
from ..host.locate import image_of
from ..host.styles import StyleTap
from ..host.taps import Call, ForwardTap, for_this, resolve, unwrap
from ..host.train_mode import statistics_kept
from ..teachers.image_cache import ImageCache
from ..teachers.resize import resized
from ..utils.checks import proposal, quoted, require_range, require_switch
from ..utils.errors import ConfigError
from ..utils.rng import replayed
from .image_range import ImageRange
from .moved_styles import MovedStyles
from .view import View

KEYS = ('student', 'teacher', 'output', 'value_range', 'residual')


def source_of(error: BaseException) -> str:
    """The line that raised it, for an assertion that says nothing."""
    return traceback.extract_tb(error.__traceback__)[-1].line or ''


def ground_truth_key(path: str) -> str:
    """Where the toolbox's data preprocessor leaves the target of the generator at ``path``."""
    domain = path.partition('generators.')[2]
    return f'inputs.img_{domain}' if domain else 'data_samples.gt_img'


def layer_of(key: str, network: nn.Module, whose: str, path: str) -> nn.Module:
    """A layer by its path, or what may have been meant.

    Raises:
        ConfigError: the network has no such layer.
    """
    layers = dict(network.named_modules(remove_duplicate=False))
    if path not in layers:
        remedy = proposal(path, filter(None, layers), 'print(model) shows the names')
        raise ConfigError(f'{key}={path!r} is no layer of {whose}: {remedy}')
    return layers[path]


class Pair:
    """Runs the teacher on exactly what the student was given, at the call that trains the student.

    Args:
        path: module path of the student in the toolbox's ``model``, such as 'generator'.
        output: where the image is in what both networks return, see :func:`image_of`.
        value_range: lowest and highest value of the images; by default the data preprocessor's
            normalisation of [0, 255], as the images that the toolbox's models make.
        residual: whether objectives with a `range` see what the network adds to its input in place of the
            image.
        taught_by: the name of the teacher, where there are several.

    Attributes:
        student: the generator in the toolbox's model, without wrappers.
        teacher: a network that nothing here changes; None where nothing looks at its images.
        cache: of its images; None for none.
        resize: whether the teacher's images are brought to the size of the student's, antialiased.
        s, t: the images of this step; None before the call, t also where the teacher is not asked.
    """

    def __init__(
        self,
        path: str,
        model: nn.Module,
        teacher: nn.Module | None = None,
        output: int | str | None = None,
        value_range: tuple[float, float] | None = None,
        residual: bool = False,
        taught_by: str = '',
    ) -> None:
        student = resolve(model, path)
        if student is None:
            raise ConfigError(
                f'default_hooks.distill.pairs: {type(unwrap(model)).__name__} has no module {path!r}; '
                'give the path of the generator in `student`'
            )
        self.path, self.taught_by = path, taught_by
        self.name = '_'.join(filter(None, (path.replace('.', '_'), taught_by)))
        self.student, self.teacher, self.output = student, teacher, output
        self.resize = False
        self.cache: ImageCache | None = None
        preprocessor = unwrap(model).data_preprocessor
        self.images = ImageRange(path, preprocessor, value_range, residual)
        self._asking = False
        self._tap = ForwardTap(student, self._on_student_call)
        self._layer_taps: dict[tuple[str, str], tuple[LayerTap, LayerTap]] = {}
        self._moved: MovedStyles | None = None
        on_preprocessed = for_this(preprocessor, self._on_preprocessed)
        self._preprocessor_handle = preprocessor.register_forward_hook(on_preprocessed)
        self.release()

    @classmethod
    def from_config(cls, cfg: dict, model: nn.Module, taught_by: str = '') -> 'Pair':
        """From one entry of ``default_hooks.distill.pairs``, still without a teacher."""
        if 'student' not in cfg or cfg.keys() - set(KEYS):
            raise ConfigError(
                f'default_hooks.distill.pairs holds {dict(cfg)}: each is a dict of `student` and, if needed, '
                '`teacher`, `output`, `value_range` and `residual`'
            )
        require_range('default_hooks.distill.pairs: value_range', cfg.get('value_range'))
        require_switch('default_hooks.distill.pairs: residual', cfg.get('residual', False))
        own = {key: cfg[key] for key in KEYS[2:] if key in cfg}
        return cls(cfg['student'], model, taught_by=taught_by, **own)

    def watch(self, layer: tuple[str, str], key: str, moved: bool = False) -> None:
        """Keep, from now on, what the layer of these names makes in student and teacher.

        Args:
            key: of the objective, for messages.
            moved: whether also at styles that are moved, of a StyleGAN2 generator.

        Raises:
            ConfigError: one of the two networks has no such layer, or no styles.
        """
        whose = f'the student {self.path!r}', f'the teacher of {self.path!r}'
        student = layer_of(f'{key}.layer', self.student, whose[0], layer[0])
        teacher = layer_of(f'{key}.layer', self.teacher, whose[1], layer[1])
        # a teacher that is in training is called by others, too
        counts = (lambda: self._tap.counting and self._ask), (lambda: self._asking)
        if layer not in self._layer_taps:
            self._layer_taps[layer] = LayerTap(student, counts[0]), LayerTap(teacher, counts[1])
        if not moved:
            return
        if self._moved is None:
            networks = self.student, self.teacher
            taps = [
                StyleTap(*each) for each in zip(networks, counts, [f'{key}: {w}' for w in whose], strict=True)
            ]
            self._moved = MovedStyles(*taps, networks, self.path, key)
        self._moved.watch(layer, student, teacher)

    def arm(self, ask_teacher: bool = True) -> None:
        """Wait for the next call that trains the student, and give what it is given to the teacher too."""
        self._ask = ask_teacher and self.teacher is not None
        self.s = self.t = self._x = None
        self._features: Features = {}
        if self._moved is not None:
            self._moved.release()
        self._tap.arm()

    def release(self) -> None:
        """Drop the images of this step, and with them the graph that hangs on them."""
        self._tap.disarm()
        self.s: Tensor | None = None
        self.t: Tensor | None = None
        self._x: Tensor | None = None
        self._features = {}
        if self._moved is not None:
            self._moved.release()
        self.ground_truth: Tensor | None = None

    def remove(self) -> None:
        self.release()
        self._preprocessor_handle.remove()
        for tap in (self._tap, *tree_leaves(list(self._layer_taps.values())), self._moved):
            if tap is not None:
                tap.remove()

    def view(self) -> View:
        """What both networks made.

        Raises:
            ConfigError: the student has not run.
        """
        self._require_student()
        return View(
            name=self.name,
            path=self.path,
            x=self._x,
            s=self.s,
            t=self.t,
            ground_truth=self.ground_truth,
            features=self._features,
            images=self.images,
            truth_key=ground_truth_key(self.path),
            taught_by=self.taught_by,
            moved=self._moved,
        )

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
        self.s = image_of(call.output, self.output)
        self._x = next((x for x in tree_leaves((call.args, call.kwargs)) if isinstance(x, Tensor)), None)
        if self._ask:
            t = self._ask_teacher(call)
            self.t = resized(t, self.s.shape[-2:]) if self.resize else t
            self._features = {
                layer: (student.take(), teacher.take())
                for layer, (student, teacher) in self._layer_taps.items()
            }

    @torch.no_grad()
    def _ask_teacher(self, call: Call) -> Tensor:
        """With the same draws, injected noise and style-mixing cut included: equal weights give t == s."""
        self._asking = True
        try:
            with replayed(call.random_state), statistics_kept(self.teacher):
                if self.cache is None:
                    return self._teachers_image(call.args, call.kwargs)
                return self.cache(self._teachers_image, call.args, call.kwargs)
        except (torch.OutOfMemoryError, ConfigError):
            raise
        except Exception as error:
            tensors = tree_leaves((call.args, call.kwargs))
            shapes = ', '.join(str(tuple(x.shape)) for x in tensors if isinstance(x, Tensor))
            reason = f'{type(error).__name__}: {quoted(str(error) or source_of(error))}'
            raise ConfigError(
                f'the teacher of {self.path!r} cannot take what the student is given, tensors of shape '
                f'{shapes} ({reason}); teacher and student need the same inputs'
            ) from error
        finally:
            self._asking = False

    def _teachers_image(self, args: tuple, kwargs: dict) -> Tensor:
        return image_of(self.teacher(*args, **kwargs), self.output)

    def _on_preprocessed(self, module: nn.Module, args: tuple, data: Any) -> None:
        for name in ground_truth_key(self.path).split('.'):
            data = data.get(name) if hasattr(data, 'get') else None
        self.ground_truth = data if isinstance(data, Tensor) else None
