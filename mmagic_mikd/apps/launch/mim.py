"""Let `mim train mmagic CONFIG` and `mim test mmagic CONFIG` start in this environment."""

import sysconfig
from pathlib import Path

from mikd.arguments.mim import parse_args

from ...utils.errors import ConfigError
from .launch import user_errors

NAME = 'zz_mmagic_mikd_for_mim.pth'  # the last, after those through which packages are found
LINE = (
    "import sys; '/mmagic/.mim/tools/' in ' '.join(sys.orig_argv).replace('\\\\', '/')"
    " and __import__('mmagic_mikd')\n"
)


@user_errors()
def main(argv: list[str] | None = None) -> None:
    state, path = parse_args(argv).state, startup_file()
    if state == 'on':
        try:
            path.write_text(LINE)
        except OSError as error:
            raise ConfigError(
                f'{path} cannot be written ({error.strerror}): use an environment of yours'
            ) from error
        print(f'{path} is written: `mim train mmagic CONFIG` starts with the repairs.')
    else:
        path.unlink(missing_ok=True)
        print(f'{path} is gone: `mim train mmagic CONFIG` starts as MMagic has it.')


def startup_file() -> Path:
    """Where Python reads such files when it starts: beside the environment's packages."""
    return Path(sysconfig.get_path('purelib')) / NAME
