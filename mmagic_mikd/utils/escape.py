"""Names from configs, files and errors on their way into files that we write: what they are, nothing more."""

import html
import re
from typing import Any


def literal(value: Any) -> str:
    """A value in a config file of MMEngine, which fills in ``{{ ... }}`` even within texts."""
    return repr(value).replace('{{', '{\\x7b')


def line(text: object) -> str:
    """Text on one line, such as a comment: what would end the line, or steer a terminal, is spelled out."""
    return ''.join(
        character if character.isprintable() else character.encode('unicode_escape').decode()
        for character in str(text)
    )


def cell(text: object) -> str:
    """Text in a table of Markdown: no cell ends early, no HTML, no link."""
    return re.sub(r'([\\|\[\]])', r'\\\1', html.escape(line(text), quote=False))


def code(text: object) -> str:
    """Text in a table of Markdown as a code span, in which only the end of the cell needs a backslash."""
    text = line(text)
    if '\\|' in text:  # which no code span in a table can hold
        return cell(text)
    fence = '`' * (1 + max(map(len, re.findall('`+', text)), default=0))
    return f'{fence} {text} {fence}'.replace('|', r'\|')
