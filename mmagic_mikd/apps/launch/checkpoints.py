"""Where a training puts its checkpoints, which is not its work_dir when the config names an `out_dir`."""

import os
from pathlib import Path

from mmengine.config import Config

from ...utils.errors import ConfigError

KEY = 'default_hooks.checkpoint.out_dir'
NUMBERED = ('iter_*.pth', 'epoch_*.pth')


def out_dir_of(cfg: Config) -> str | None:
    return ((cfg.get('default_hooks') or {}).get('checkpoint') or {}).get('out_dir')


def checkpoint_folder(cfg: Config, work_dir: str) -> str:
    """As `CheckpointHook` of MMEngine makes it: the last part of ``work_dir``, within `out_dir`."""
    out_dir = out_dir_of(cfg)
    if out_dir is None or out_dir == os.path.abspath(work_dir):
        return work_dir
    folder = os.path.join(str(out_dir), os.path.basename(os.path.abspath(work_dir)))
    return folder if '://' in folder else os.path.normpath(folder)


def checkpoints_elsewhere(cfg: Config) -> str | None:
    """The folder of the checkpoints where that is not work_dir."""
    folder = checkpoint_folder(cfg, cfg.work_dir)
    return None if os.path.realpath(folder) == os.path.realpath(cfg.work_dir) else folder


def require_own(cfg: Config) -> None:
    """Refuse a folder with the checkpoints of another run, which would be overwritten one by one.

    A run's own are those that `last_checkpoint` in its work_dir speaks of, or that it is told to resume from.

    Raises:
        ConfigError: naming that folder.
    """
    folder = checkpoints_elsewhere(cfg)
    if folder is None or not any(next(Path(folder).glob(names), None) for names in NUMBERED):
        return
    record = Path(cfg.work_dir, 'last_checkpoint')
    own = [record.read_text(errors='replace').strip()] if record.is_file() else []
    own += [cfg.load_from] if cfg.get('resume') and cfg.get('load_from') else []
    if os.path.realpath(folder) not in {os.path.dirname(os.path.realpath(path)) for path in own}:
        raise ConfigError(
            f'{KEY}={out_dir_of(cfg)} puts checkpoints into {folder}, where those of another run than that in '
            f'work_dir={cfg.work_dir} are, which they would overwrite: set {KEY}=None, or another work_dir '
            '(--work-dir) whose last part is new'
        )
