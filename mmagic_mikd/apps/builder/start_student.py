"""A student as its training starts: `python tools/start_student.py CONFIG --out FILE`.

CONFIG is that of the student, with `start` in its `default_hooks.distill`. The file is a plain checkpoint of
its `model`: for `load_from`, for `tools/test.py`, for anything that takes a trained one.
"""

import tempfile
from pathlib import Path

from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.runner.checkpoint import save_checkpoint, weights_to_cpu

from mikd.arguments.start_student import parse_args

from ...engine.settings import Settings
from ...host.taps import unwrap
from ...utils.errors import ConfigError
from ..launch.launch import load_config, require_data, require_parts, user_errors
from ..launch.safeguards import Safeguards

KEY = 'default_hooks.distill.start'


class _Written(Exception):
    """The file is there, and no training follows."""


class WriteStart(Hook):
    """Writes the model when its students have been started, before the first iteration.

    Args:
        out: the file.
    """

    priority = 'LOWEST'

    def __init__(self, out: Path) -> None:
        self.out = out

    def before_train(self, runner: Runner) -> None:
        hook = next((h for h in runner.hooks if isinstance(getattr(h, 'settings', None), Settings)), None)
        _require_start(hook.settings.start if hook else {})
        weights = weights_to_cpu(unwrap(runner.model).state_dict())
        save_checkpoint(dict(meta={}, state_dict=weights), str(self.out))
        raise _Written


def _require_start(start: dict) -> None:
    if not start:
        raise ConfigError(f"{KEY} is missing: set it, for example to dict(type='pruned', criterion='l1')")
    if 'refitted' in start.values():
        raise ConfigError(
            f"{KEY}='refitted' fits the student in its first iteration: take dict(type='pruned', refit=True), "
            'which does so before'
        )


def write_start(cfg: Config, out: Path) -> None:
    """The student of a config as it is when its training starts.

    Raises:
        ConfigError: ``out`` exists, or there is no such start.
    """
    if out.exists():
        raise ConfigError(f'--out {out} exists; remove it or choose another name')
    with tempfile.TemporaryDirectory() as folder:
        cfg.work_dir, cfg.resume = folder, False
        runner = Runner.from_cfg(cfg)
        runner.register_hook(Safeguards())
        runner.register_hook(WriteStart(out))
        try:
            runner.train()
        except _Written:
            print(f'{out}: the student at its start')


@user_errors()
def main() -> None:
    args = parse_args()
    cfg = load_config(args)
    require_parts(cfg, args.config, 'train')
    require_data(cfg, 'train_dataloader')
    write_start(cfg, args.out)


if __name__ == '__main__':
    main()
