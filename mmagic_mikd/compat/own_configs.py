"""MMEngine finds a config by the name of its package, as in `mmagic::...`, for 19 packages only.

`_base_ = ['mmagic_mikd::_base_/mikd.py']` is refused. To register the name would not be enough: of a package
that was installed with `pip install -e` MMEngine searches a folder that does not exist, and it takes the name
for the scope of a registry, which there is not. Ours lie in `.mim/configs`, as MIM wants them. No upstream
thread. Delete this file when MMEngine asks `importlib` where a package is.
"""

from pathlib import Path

from ..utils.checks import proposal
from ..utils.errors import ConfigError
from . import on_import

SCOPE = 'mmagic_mikd::'
FOLDER = Path(__file__).parents[1] / '.mim' / 'configs'


def apply(report) -> None:
    on_import.after('mmengine.config.config', lambda module: report(repair(module.Config)))


def repair(config: type) -> bool:
    """Answer for this package's own configs, without a scope; every other name is MMEngine's."""
    stock = config._get_cfg_path

    def _get_cfg_path(cfg_path: str, filename: str) -> tuple[str, str | None]:
        return (str(path_of(cfg_path)), None) if cfg_path.startswith(SCOPE) else stock(cfg_path, filename)

    config._get_cfg_path = staticmethod(_get_cfg_path)
    return True


def path_of(name: str) -> Path:
    """The file of 'mmagic_mikd::mikd_edsr.py'.

    Raises:
        ConfigError: there is none of that name.
    """
    path = FOLDER / name.removeprefix(SCOPE)
    if not path.is_file():
        known = [found.relative_to(FOLDER).as_posix() for found in FOLDER.rglob('*.py')]
        raise ConfigError(f'there is no config {name}: {proposal(name.removeprefix(SCOPE), sorted(known))}')
    return path
