"""What a user can repair, in one sentence, before PyTorch and the toolbox are imported."""

import os
import sys
import time
from typing import NoReturn


def refuse(sentence: str, code: int = 2) -> NoReturn:
    """End as every tool ends where something is wrong.

    Of processes that train together the first says it, and the launcher ends the others meanwhile.
    """
    if os.environ.get('LOCAL_RANK', '0') != '0':
        time.sleep(10)
    print(f'Error: {line(sentence)}', file=sys.stderr)
    sys.exit(code)


def line(text: str) -> str:
    """Text on one line that steers no terminal, as `mmagic_mikd.utils.escape.line` has it."""
    return ''.join(c if c.isprintable() else c.encode('unicode_escape').decode() for c in text)
