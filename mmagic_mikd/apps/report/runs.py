"""The folder of a training: its config, its newest checkpoint, what it is distilled from."""

import json
import os
from functools import cached_property
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import find_latest_checkpoint

from ...cost.of_config import Row, rows_of
from ...host.hooks import distillation_of
from ...utils.errors import ConfigError
from ..launch.launch import read_config
from .logs import Log, read_log

CONFIGS = ('*.py', 'vis_data/config.py', '*/vis_data/config.py')
CHECKPOINTS = ('iter_*.pth', 'epoch_*.pth')


class Run:
    """A work_dir, as the toolbox leaves it.

    Args:
        folder: of the run.
        name: what the page calls it.

    Raises:
        ConfigError: there is no config in it, or one that cannot be read.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.config_file = self._config_file()
        self.cfg: Config = read_config(str(self.config_file))

    def _config_file(self) -> Path:
        if not self.folder.is_dir():
            raise ConfigError(
                f'RUN_DIR {self.folder} is no folder: name the work_dir of a run, or a study.yaml'
            )
        for place in CONFIGS:
            if found := sorted(self.folder.glob(place), key=os.path.getmtime):
                return found[-1]
        if any(next(self.folder.glob(place), None) for place in CHECKPOINTS):
            raise ConfigError(
                f'RUN_DIR {self.folder} holds checkpoints without a config, which is where default_hooks.'
                'checkpoint.out_dir leads: name the work_dir of that run, where its log is'
            )
        raise ConfigError(
            f'RUN_DIR {self.folder} holds no config, which the toolbox writes there when a run begins: name '
            'the work_dir of a run'
        )

    @cached_property
    def checkpoint(self) -> Path | None:
        """The newest one; a run that was moved since then still says where it was."""
        said = find_latest_checkpoint(str(self.folder))
        for path in (Path(said), self.folder / Path(said).name) if said else ():
            if path.is_file():
                return path
        found = [path for place in CHECKPOINTS for path in self.folder.glob(place)]
        return max(found, key=os.path.getmtime, default=None)

    @property
    def distill(self) -> dict:
        """Settings of the distillation; empty for a student that is trained alone."""
        return distillation_of(self.cfg)

    @property
    def teacher(self) -> dict | None:
        return self.distill.get('teacher') or None

    @cached_property
    def log(self) -> Log:
        return read_log(self.folder)

    @cached_property
    def costs(self) -> list[Row]:
        """Of teacher and student, or of the generator alone.

        Raises:
            ConfigError: the config does not tell the size of the input.
        """
        return rows_of(self.cfg, str(self.config_file))

    @property
    def is_distilled(self) -> bool:
        return bool(self.distill)

    @cached_property
    def times(self) -> dict[str, dict[str, dict[str, float]]]:
        """Milliseconds by runtime and network, if `mikd benchmark` has left benchmark.json here.

        Raises:
            ConfigError: the file is not what that tool writes.
        """
        path = self.folder / 'benchmark.json'
        if not path.is_file():
            return {}
        try:
            told = json.loads(path.read_text())['milliseconds']
            return {
                runtime: {name: {k: float(v) for k, v in time.items()} for name, time in networks.items()}
                for runtime, networks in told.items()
            }
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(
                f'{path} is not what `mikd benchmark --out` writes: write it again, or remove it'
            ) from error


def named(folders: list[Path]) -> list[Run]:
    """The runs, called by their folders; where two folders have one name, by their parents as well.

    A single one is 'student', which needs no name.
    """
    folders = [folder.resolve() for folder in folders]
    if len(folders) == 1:
        return [Run(folders[0], 'student')]
    names = [folder.name for folder in folders]
    if len({*names}) < len(names):
        names = [f'{folder.parent.name}/{folder.name}' for folder in folders]
    if len({*names}) < len(names):
        names = list(map(str, folders))
    if len({*names}) < len(names):
        raise ConfigError(f'RUN_DIR {max(names, key=names.count)} is named twice: name each run once')
    return [Run(folder, name) for folder, name in zip(folders, names, strict=True)]
