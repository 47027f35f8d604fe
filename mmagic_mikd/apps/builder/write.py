"""From a teacher's config to the text of its student's: an ordinary MMagic config with the differences only."""

from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config

from ...host.hooks import distillation_of
from ...host.locate import passed_on
from ...utils.errors import ConfigError
from ...utils.escape import line as one_line
from ...utils.escape import literal
from ..launch.checkpoints import checkpoint_folder, out_dir_of
from ..launch.launch import read_config
from .advice import advice, unknown
from .bases import Style, call, style_of
from .budget import Budget, Sizes, amount, widest_within
from .widths import TEACHER_SETTINGS, Narrowing

PACKAGE = 'mmagic_mikd'


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

    def within(self, budget: Budget) -> str:
        """What is used of the budget by this one, by one step more of width, and by the teacher."""
        narrowing = self.sizes.narrowing
        widths = (self.width, self.width + narrowing.widths.step, narrowing.full)
        own, wider, teacher = (amount(self.sizes.of(budget, width)) for width in widths)
        return f'It has {own} {budget.unit}, the next wider one {wider}, the teacher {teacher}.'


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
    sizes = Sizes(narrowing, shape, passed_on(model))
    return Student(sizes, narrowing.at(factor) if budget is None else widest_within(sizes, budget))


def write(student: Student, cfg: Config, teacher: str, out: Path, checkpoint: str, command: str) -> None:
    """Write the student's config to ``out``, and read it once: a file that cannot be read is not left.

    Args:
        cfg, teacher: the teacher's config, and its name or file, which the student's inherits.
        checkpoint: file or URL of the teacher's weights.
        command: how this was asked for, a comment in the file.

    Raises:
        ConfigError: ``out`` exists, or what was written is no config of this student.
    """
    if out.exists():
        raise ConfigError(f'--out {out} exists; remove it or choose another name')
    style = style_of(teacher, out)
    parts = [
        _header(student, teacher, out, command),
        style.head,
        *_imports(cfg),
        '',
        _model(student, style),
        *_resets(cfg, out.stem),
        *_comment(student, cfg),
        _hooks(student, cfg, checkpoint, style),
    ]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text('\n'.join(parts))
    try:
        _require_student(student, read_config(str(out)), out)
    except ConfigError:
        out.unlink()
        raise


def _require_student(student: Student, cfg: Config, out: Path) -> None:
    """Refuse what was written if it is not read as it is meant."""
    narrowing = student.sizes.narrowing
    width = ((cfg.get('model') or {}).get('generator') or {}).get(narrowing.key)
    hook = distillation_of(cfg)
    if width != student.width or not hook.get('teacher', {}).get('model'):
        raise ConfigError(
            f'--out {out} cannot be written as a config that inherits the teacher: read again, it has '
            f'model.generator.{narrowing.key}={width}; write it by hand, as docs/students.md shows'
        )


def last_checkpoint(cfg: Config, teacher: str) -> str:
    """Where `tools/train.py TEACHER` leaves its last checkpoint.

    Raises:
        ConfigError: the config does not say how long the teacher is trained.
    """
    iters = (cfg.get('train_cfg') or {}).get('max_iters')
    if not iters:
        raise ConfigError(f'{teacher} has no train_cfg.max_iters: give --teacher-checkpoint')
    work_dir = cfg.get('work_dir') or f'work_dirs/{Path(teacher.rpartition("::")[2]).stem}'
    folder = checkpoint_folder(cfg, work_dir)
    return f'{folder.removeprefix("./").rstrip("/")}/iter_{iters}.pth'


def _header(student: Student, teacher: str, out: Path, command: str) -> str:
    lines = [f'The student of {teacher}.', '', *(f'    {line}' for line in student.table), '']
    lines += [f'    mikd train {out}    # on 8 GPUs: tools/dist_train.sh {out} 8', '']
    lines += [f'Written by {command}; edit it as you like.']
    return '\n'.join(f'# {one_line(line)}'.rstrip() for line in lines)


def _imports(cfg: Config) -> list[str]:
    """The config's own imports and this package, without which nobody knows the hook."""
    own = cfg.get('custom_imports') or {}
    imports = own.get('imports') or []
    imports = [imports] if isinstance(imports, str) else list(imports)
    if PACKAGE in imports:
        return []
    settings = dict(own or dict(imports=[], allow_failed_imports=False), imports=[*imports, PACKAGE])
    return [f'custom_imports = {_code(settings)}']


def _model(student: Student, style: Style) -> str:
    changes = student.sizes.narrowing.changes(student.width)
    return style.student(', '.join(f'{key}={_code(value)}' for key, value in changes.items()))


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


def _comment(student: Student, cfg: Config) -> list[str]:
    """What the studies leave open about such a student."""
    text = unknown(student.sizes.narrowing.type, cfg.model)
    return [f'# {text[0].upper()}{text[1:]}.'] if text else []


def _hooks(student: Student, cfg: Config, checkpoint: str, style: Style) -> str:
    narrowing = student.sizes.narrowing
    teacher = [f'model={style.teacher}', f'checkpoint={literal(checkpoint)}']
    teacher += TEACHER_SETTINGS.get(narrowing.type, [])
    entries = ["type='DistillRunner'", call('teacher=dict', teacher, 8)]
    hooks = cfg.get('default_hooks') or {}
    theirs = hooks.get('distill')
    if theirs is not None:  # the teacher's own distillation gives way; what does not depend on it stays
        entries[:0] = [] if style.new else ['_delete_=True']
        entries += [
            f'{key}={style.inherited}default_hooks.distill.{key}'
            for key in ('pairs', 'guard', 'frozen_statistics')
            if key in theirs
        ]
    advised = advice(narrowing.type, student.width / narrowing.full, cfg.model)
    entries += [f'{name}={_code(value)}' for name, value in advised.items()]
    written = [call('distill=dict', entries, 4)]
    if out_dir_of(cfg) is not None:  # the student's checkpoints go where its log goes
        theirs = ["default_hooks['checkpoint']"] if style.new else []
        written.insert(0, f'checkpoint=dict({", ".join([*theirs, "out_dir=None"])})')
    return style.hooks(written, bool(hooks))


def _code(value: Any) -> str:
    if isinstance(value, dict) and all(key.isidentifier() for key in value):
        return f'dict({", ".join(f"{k}={_code(v)}" for k, v in value.items())})'
    return literal(value)
