"""One bad input of the catalogue."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bad_input_world import World

DISTILL = 'default_hooks.distill'


@dataclass(frozen=True)
class Case:
    """One bad input.

    Attributes:
        name: what is wrong, in a few words; the row of the table in docs/bad_input.md.
        names: the config key, argument or file that the sentence must name.
        remedy: words of the remedy.
        changes: values at dotted keys of the config.
        prepare: what is done to the folder before the tool is called.
        tool: its name, as in `python -m mmagic_mikd NAME`.
        arguments: of the tool, after the config; in place of everything if ``whole``.
    """

    name: str
    names: str
    remedy: str
    changes: dict[str, Any] = field(default_factory=dict)
    prepare: Callable[[World], object] = lambda world: None
    tool: str = 'train'
    arguments: tuple[str, ...] = ()
    whole: bool = False
