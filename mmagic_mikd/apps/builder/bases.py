"""How a config inherits its teacher's: by `_base_`, or in MMEngine's new style by `read_base`."""

import os
from pathlib import Path
from typing import NamedTuple

from mmengine.config import Config

from ...utils.errors import ConfigError
from ...utils.escape import literal

NEW_STYLE = """\
from mmengine.config import read_base

with read_base():
    from {module} import *
"""


class Style(NamedTuple):
    """What the two kinds of config write in different ways.

    Attributes:
        head: the lines that inherit.
        teacher: the teacher's `model`.
        inherited: what stands before other inherited values.
        new: whether it is the new style, in which nothing is merged by itself.
    """

    head: str
    teacher: str = '_base_.model'
    inherited: str = '_base_.'
    new: bool = False

    def student(self, changes: str) -> str:
        """The statement that changes settings, ``name=value, ...``, of the generator."""
        if not self.new:
            comment = f'# the student; `{self.teacher}` is still the teacher'
            return f'model = dict(generator=dict({changes}))  {comment}\n'
        generator = f"dict(model['generator'], {changes})"
        return f'{self.teacher} = model\nmodel = dict(model, generator={generator})  # the student\n'

    def hooks(self, entries: list[str], any_inherited: bool) -> str:
        """The statement that adds entries, ``name=value``, to the hooks."""
        first = ['default_hooks'] if self.new and any_inherited else []
        return f'default_hooks = {call("dict", [*first, *entries], 0)}\n'


def call(name: str, arguments: list[str], indent: int) -> str:
    """A call with one argument a line."""
    lines = ''.join(f'{" " * (indent + 4)}{argument},\n' for argument in arguments)
    return f'{name}(\n{lines}{" " * indent})'


def style_of(teacher: str, out: Path) -> Style:
    """How a config at ``out`` inherits the file ``teacher``, which must be of the same kind.

    Raises:
        ConfigError: a new-style config whose name no import statement can have.
    """
    if '::' in teacher:
        return Style(f'_base_ = [{literal(teacher)}]')
    path = os.path.relpath(Path(teacher).resolve(), out.resolve().parent)
    if not Config._is_lazy_import(teacher):
        return Style(f'_base_ = [{literal(path)}]')
    parts = Path(path).with_suffix('').parts
    names = [part for part in parts if part != '..']
    if not all(name.isidentifier() for name in names):
        raise ConfigError(
            f'{teacher} is a config of the new style, which is inherited by an import, and {path} cannot '
            'be imported: give files and folders names of letters, digits and _, or put --out elsewhere'
        )
    module = '.' * (1 + len(parts) - len(names)) + '.'.join(names)
    return Style(NEW_STYLE.format(module=module), 'teacher_model', '', True)
