"""Starts a tool by its name, for the command `mikd` and `python -m mmagic_mikd`."""

import sys
from importlib import import_module

from mikd import TOOLS

from ..utils.checks import proposal
from ..utils.errors import ConfigError
from .launch.launch import user_errors


@user_errors()
def start(name: str, arguments: list[str]) -> None:
    """Call the tool's `main` and end with its exit code.

    Raises:
        ConfigError: there is no such tool.
    """
    known = name.replace('-', '_')
    if known not in TOOLS:
        raise ConfigError(f'there is no tool {name!r}: {proposal(known, TOOLS)}')
    sys.argv = [f'mikd {known.replace("_", "-")}', *arguments]
    sys.exit(import_module(f'mmagic_mikd.apps.{TOOLS[known][0]}').main())
