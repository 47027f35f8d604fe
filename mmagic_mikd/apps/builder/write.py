"""From a teacher's config to the text of its student's: an ordinary MMagic config with the differences only."""

import os
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config

from ...utils.errors import ConfigError
from ...utils.escape import line as one_line
from ...utils.escape import literal
from .advice import advice
from .budget import Budget, Sizes, amount, widest_within
from .widths import TEACHER_SETTINGS, Narrowing

# what configs/_base_/mikd.py takes the images to be
BASE_IMAGE_SIZE = 256
BASE_CHANNELS = 3


class Student(NamedTuple):
    """A width, and what is known about it."""

    sizes: Sizes
    width: int

    @property
    def table(self) -> list[str]:
        """Lines that compare teacher and student."""
        rows = [('', 'width', 'parameters', 'MACs', 'MACs (paper)')]
        for name, width in (('teacher', self.sizes.narrowing.full), ('student', self.width)):
            rows.append((name, str(width), *map(amount, self.sizes.at(width))))
        return [f'{row[0]:<8}' + ''.join(f'{cell:>14}' for cell in row[1:]) for row in rows]

    def next_wider(self, budget: Budget) -> str:
        """What one step more of width would take of the budget."""
        width = self.width + self.sizes.narrowing.widths.step
        return f'{amount(budget.of(self.sizes.at(width)))} {budget.unit}'


def choose(
    model: dict,
    narrowing: Narrowing,
    shape: tuple[int, ...],
    factor: float | None = None,
    budget: Budget | None = None,
) -> Student:
    """The student of a width factor or of a budget; ``shape`` is that of one input without the batch.

    Raises:
        ConfigError: a factor outside 0 to 1, or a budget that cannot be met.
    """
    # what BaseGAN passes on to its generator
    defaults = {key: model[key] for key in ('noise_size', 'num_classes') if model.get(key)}
    sizes = Sizes(narrowing, shape, defaults)
    return Student(sizes, narrowing.at(factor) if budget is None else widest_within(sizes, budget))


def write(
    student: Student, cfg: Config, teacher: str, out: Path, base: Path, checkpoint: str, command: str
) -> None:
    """Write the student's config to ``out``.

    Args:
        cfg, teacher: the teacher's config, and its name or file, which the student's inherits.
        base: configs/_base_/mikd.py; left out where the teacher's config has inherited it already.
        checkpoint: file or URL of the teacher's weights.
        command: how this was asked for, a comment in the file.

    Raises:
        ConfigError: ``out`` exists.
    """
    if out.exists():
        raise ConfigError(f'--out {out} exists; remove it or choose another name')
    distils = 'distill' in cfg.get('default_hooks', {})
    bases = [_reference(teacher, out)]
    if not distils and 'distill' not in cfg:
        bases.append(_reference(str(base), out))
    parts = [
        _header(student, teacher, out, command),
        f'_base_ = {_code(bases)}\n',
        _model(student),
        *_resets(cfg, out.stem),
        _hooks(student, cfg, checkpoint, distils),
    ]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text('\n'.join(parts))


def last_checkpoint(cfg: Config, teacher: str) -> str:
    """Where `tools/train.py TEACHER` leaves its last checkpoint.

    Raises:
        ConfigError: the config does not say how long the teacher is trained.
    """
    iters = cfg.get('train_cfg', {}).get('max_iters')
    if not iters:
        raise ConfigError(f'{teacher} has no train_cfg.max_iters: give --teacher-checkpoint')
    return f'{_work_dir(cfg, teacher)}/iter_{iters}.pth'


def _work_dir(cfg: Config, teacher: str) -> str:
    folder = cfg.get('work_dir') or f'work_dirs/{Path(teacher.rpartition("::")[2]).stem}'
    return folder.removeprefix('./').rstrip('/')


def _reference(base: str, out: Path) -> str:
    return base if '::' in base else os.path.relpath(Path(base).resolve(), out.resolve().parent)


def _header(student: Student, teacher: str, out: Path, command: str) -> str:
    lines = [f'The student of {teacher}.', '', *(f'    {line}' for line in student.table), '']
    lines += [f'    tools/dist_train.sh {out} 8', '', f'Written by {command}; edit it as you like.']
    return '\n'.join(f'# {one_line(line)}'.rstrip() for line in lines)


def _model(student: Student) -> str:
    changes = student.sizes.narrowing.changes(student.width)
    return f'model = dict(generator={_code(changes)})  # the student; `_base_.model` is still the teacher\n'


def _resets(cfg: Config, name: str) -> list[str]:
    """What belongs to the teacher's run and must not be inherited: its folder, its name, its weights."""
    lines = []
    if cfg.get('experiment_name'):
        lines.append(f'experiment_name = {literal(name)}')
    if cfg.get('work_dir'):
        lines.append(f'work_dir = {literal(f"./work_dirs/{name}")}')
    if cfg.get('load_from'):
        lines.append('load_from = None')
    return ['\n'.join(lines) + '\n'] if lines else []


def _hooks(student: Student, cfg: Config, checkpoint: str, distils: bool) -> str:
    narrowing = student.sizes.narrowing
    teacher = ['model=_base_.model', f'checkpoint={literal(checkpoint)}']
    teacher += TEACHER_SETTINGS.get(narrowing.type, [])
    advised = advice(narrowing.type, student.width / narrowing.full, cfg.model)
    if distils:  # the teacher's own teacher gives way, and so does what it handed on
        layers = {'_delete_': True, **advised.get('layers', {})}
        entries = [_call('teacher=dict', ['_delete_=True', *teacher], 8), f'layers={layers!r}']
    else:
        entries = ['_base_.distill', _call('teacher=dict', teacher, 8)]
        entries += [f'{name}={_code(value)}' for name, value in advised.items()]
        entries += _critic(student)
    return f'default_hooks = {_call("dict", [_call("distill=dict", entries, 4)], 0)}\n'


def _critic(student: Student) -> list[str]:
    """What the critic has to know of the images, where it is not what the base says."""
    channels, *size = student.sizes.output_shape()
    settings: dict[str, Any] = {}
    if min(size) != BASE_IMAGE_SIZE:
        settings['image_size'] = min(size)
    if channels != BASE_CHANNELS:
        settings.update(t_channels=channels, s_channels=channels)
    if not settings:
        return []
    return [f'critic=dict(_base_.distill.critic, {", ".join(f"{k}={v!r}" for k, v in settings.items())})']


def _call(name: str, arguments: list[str], indent: int) -> str:
    """A call with one argument a line."""
    lines = ''.join(f'{" " * (indent + 4)}{argument},\n' for argument in arguments)
    return f'{name}(\n{lines}{" " * indent})'


def _code(value: Any) -> str:
    if isinstance(value, dict) and all(key.isidentifier() for key in value):
        return f'dict({", ".join(f"{k}={_code(v)}" for k, v in value.items())})'
    return literal(value)
