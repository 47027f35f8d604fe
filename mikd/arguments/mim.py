"""Let `mim train mmagic CONFIG` and `mim test mmagic CONFIG` start in this environment.

mikd mim on      write one file beside the installed packages
mikd mim off     remove it

MIM starts MMagic's own scripts, which import MMagic before they read a config: too early for `custom_imports`
where MMagic needs repairs to be imported at all (`mikd doctor` tells). The file has Python import
mmagic_mikd first where such a script is started, and does nothing in any other program.
"""

import argparse

from . import Parser


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('state', choices=['on', 'off'])
    return parser.parse_args(argv)
