"""What `train.py` and `test.py` share: the toolbox's arguments, the config, errors for users."""

import argparse
import contextlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from mmengine.config import Config, DictAction
from mmengine.hub import get_config

import mmagic_mikd  # noqa: F401  its repairs of the host reach plain MMagic configs too
from mmagic_mikd.errors import ConfigError

CFG_OPTIONS_HELP = (
    'override settings of the config, for example optim_wrapper.generators.optimizer.lr=1e-4; '
    'lists as key="[a,b]" or key=a,b, nested ones as key="[(a,b),(c,d)]", without white space'
)


def argument_parser(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('config', help='config file, or mmagic::FILE for one of the toolbox')
    parser.add_argument('--work-dir', help='where logs and checkpoints go')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, help=CFG_OPTIONS_HELP)
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    # torch.distributed.launch passes it with either spelling
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    return parser


def load_config(args: argparse.Namespace) -> Config:
    """The config of the command line; its work_dir is the argument, else the file's, else by name.

    Raises:
        ConfigError: the file is absent or cannot be read, or --cfg-options does not fit it.
    """
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = read_config(args.config)
    cfg.launcher = args.launcher
    for key, value in (args.cfg_options or {}).items():
        try:
            cfg.merge_from_dict({key: value})
        except (AttributeError, IndexError, KeyError, TypeError) as error:
            raise ConfigError(
                f'--cfg-options {key} does not fit {args.config}: {_one_line(error)}'
            ) from error
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or f'./work_dirs/{Path(args.config).stem}'
    return cfg


def read_config(name: str) -> Config:
    """A config file, or one that an installed toolbox ships: 'mmagic::pix2pix/...py'."""
    package = name.rpartition('::')[0]
    if package and importlib.util.find_spec(package) is None:
        raise ConfigError(f'{package} of {name} is not installed here')
    if not package and not Path(name).is_file():
        raise ConfigError(f'there is no config file {name}: correct the path')
    try:
        return get_config(name) if package else Config.fromfile(name)
    except (FileNotFoundError, SyntaxError, KeyError) as error:
        raise ConfigError(f'{name} cannot be read as a config: {_one_line(error)}') from error


def require_checkpoint(name: str, checkpoint: str | None) -> None:
    """Refuse a checkpoint on this machine that is not there; URLs are left to the toolbox."""
    if checkpoint and '://' not in checkpoint and not Path(checkpoint).is_file():
        raise ConfigError(f'{name}={checkpoint} does not exist: correct the path')


def require_data(cfg: Config, dataloader: str) -> None:
    """Refuse a data folder on this machine that is not there; super-resolution tests on several."""
    loaders = cfg.get(dataloader) or {}
    for loader in loaders if isinstance(loaders, list) else [loaders]:
        root = loader.get('dataset', {}).get('data_root')
        if root and '://' not in root and not Path(root).exists():
            raise ConfigError(
                f'{dataloader}.dataset.data_root={root} does not exist: set it to the folder of your data'
            )


@contextlib.contextmanager
def user_errors() -> Iterator[None]:
    """End a ConfigError as one sentence and exit code 2; everything else keeps its traceback."""
    try:
        yield
    except ConfigError as error:
        print(f'Error: {error}', file=sys.stderr)
        sys.exit(2)


def _one_line(error: Exception) -> str:
    return ' '.join(str(error).split())
