"""What `train.py` and `test.py` share: the toolbox's arguments, the config, errors for users."""

import argparse
import contextlib
import importlib.util
import inspect
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from mmengine.config import Config, DictAction
from mmengine.hub import get_config
from mmengine.runner import Runner

import mmagic_mikd  # noqa: F401  its repairs of the host reach plain MMagic configs too

from ...compat import own_configs
from ...utils import escape
from ...utils.checks import quoted, require_known
from ...utils.errors import ConfigError
from .explain import explain
from .host_schema import check_host
from .orphan import end_with_launcher
from .unreadable import about_reading

INTERRUPTED = 130  # 128 and the number of SIGINT

# what the runner reads at the top of a config
RUNNER_KEYS = {*inspect.signature(Runner.__init__).parameters, 'auto_scale_lr'} - {'self'}
# how each launcher tells its processes who they are
LAUNCHER_VARIABLES = dict(
    pytorch=('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR', 'MASTER_PORT'),
    slurm=('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_NODELIST'),
    mpi=('OMPI_COMM_WORLD_LOCAL_RANK', 'MASTER_ADDR'),
)


def load_config(args: argparse.Namespace) -> Config:
    """The config of the command line; its work_dir is the argument, else the file's, else by name.

    Raises:
        ConfigError: the file is absent or cannot be read, or --cfg-options does not fit it.
    """
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    require_launcher(args.launcher)
    if args.launcher == 'pytorch':
        end_with_launcher()
    cfg = read_config(args.config)
    cfg.launcher = args.launcher
    change_config(cfg, args.config, args.cfg_options)
    check_host(cfg)
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or f'./work_dirs/{Path(args.config).stem}'
    return cfg


def change_config(cfg: Config, name: str, options: list[str] | None) -> None:
    """Merge --cfg-options, each KEY=VALUE, into the config of that name.

    Raises:
        ConfigError: one of them cannot be read or does not fit it.
    """
    for key, value in read_options(options or []).items():
        top = key.partition('.')[0]
        require_known('--cfg-options', [top], {top} & set(cfg) or {*cfg, *RUNNER_KEYS})
        try:
            cfg.merge_from_dict({key: value})
        except (AttributeError, IndexError, KeyError, TypeError) as error:
            raise ConfigError(
                f'--cfg-options {key} does not fit {name} ({quoted(error)}): correct it'
            ) from error


def read_options(given: list[str]) -> dict:
    """{'a.b': 1} of ['a.b=1'], as the toolbox reads values.

    Raises:
        ConfigError: one of them cannot be read.
    """
    found = argparse.Namespace()
    try:
        DictAction([], 'options')(None, found, given)
    except (AssertionError, IndexError, ValueError) as error:
        raise ConfigError(
            f'--cfg-options {" ".join(given)} cannot be read ({quoted(error)}): correct it'
        ) from error
    return found.options


def read_config(name: str) -> Config:
    """A config file, or one that a package ships: 'mmagic::pix2pix/...py', 'mmagic_mikd::mikd_edsr.py'."""
    if name.startswith(own_configs.SCOPE):
        name = str(own_configs.path_of(name))
    package = name.rpartition('::')[0]
    if package and importlib.util.find_spec(package) is None:
        raise ConfigError(f'{package} of {name} is not installed here')
    if not package and not Path(name).is_file():
        raise ConfigError(f'there is no config file {name}: correct the path')
    try:
        return get_config(name) if package else Config.fromfile(name)
    except (Exception, SystemExit) as error:  # a config is a program of the user's
        raise ConfigError(about_reading(name, error)) from error


def require_launcher(launcher: str) -> None:
    """Refuse a launcher that has not launched this process."""
    missing = [name for name in LAUNCHER_VARIABLES.get(launcher, ()) if name not in os.environ]
    if missing:
        raise ConfigError(
            f'--launcher {launcher} needs {", ".join(missing)} in the environment: start it by '
            f'tools/{"slurm" if launcher == "slurm" else "dist"}_train.sh, or leave --launcher out'
        )


def require_checkpoint(name: str, checkpoint: str | None) -> None:
    """Refuse a checkpoint on this machine that is not there; URLs are left to the toolbox."""
    if checkpoint and '://' not in checkpoint and not Path(checkpoint).is_file():
        raise ConfigError(f'{name}={checkpoint} does not exist: correct the path')


def require_parts(cfg: Config, name: str, phase: str) -> None:
    """Refuse a config that cannot be trained, or cannot be tested."""
    further = 'optim_wrapper' if phase == 'train' else 'test_evaluator'
    for key in ('model', f'{phase}_dataloader', f'{phase}_cfg', further):
        if cfg.get(key) is None:
            raise ConfigError(f'{name} has no {key}, which {phase}.py needs: add it to the config')


def require_data(cfg: Config, dataloader: str) -> None:
    """Refuse a data folder on this machine that is not there; super-resolution tests on several."""
    loaders = cfg.get(dataloader) or {}
    for loader in loaders if isinstance(loaders, list) else [loaders]:
        root = loader.get('dataset', {}).get('data_root')
        if not root or '://' in root:
            continue
        problem = 'is no folder' if Path(root).exists() else 'does not exist'
        if not Path(root).is_dir():
            raise ConfigError(
                f'{dataloader}.dataset.data_root={root} {problem}: set it to the folder of your data'
            )
        if not any(files for _, _, files in os.walk(root, followlinks=True)):
            raise ConfigError(f'{dataloader}.dataset.data_root={root} holds no file: put pictures there')


@contextlib.contextmanager
def user_errors() -> Iterator[None]:
    """End what a user can repair as one sentence and exit code 2; everything else keeps its traceback.

    A tool that is interrupted (Ctrl-C) ends with 130, as a shell expects it.
    """
    try:
        yield
    except KeyboardInterrupt:
        if os.environ.get('LOCAL_RANK', '0') == '0':
            print('Stopped.', file=sys.stderr, flush=True)
        sys.exit(INTERRUPTED)
    except Exception as error:
        sentence = explain(error)
        if sentence is None and not told_by_another(0):
            raise
        if sentence is not None and not told_by_another(1):
            print(f'Error: {escape.line(sentence)}', file=sys.stderr, flush=True)
        sys.exit(2)


def told_by_another(saying: int) -> bool:
    """Of processes that train together one speaks, whichever it is; the others lose their connection to it.

    Args:
        saying: 1 to be the one that speaks if nobody has spoken, 0 to ask only.
    """
    if not torch.distributed.is_initialized():
        if os.environ.get('LOCAL_RANK', '0') != '0':
            time.sleep(10)  # the first process has the same error; the launcher ends this one with it
        return False
    try:
        store = torch.distributed.distributed_c10d._get_default_store()
        return store.add('mikd_told', saying) > saying
    except RuntimeError:  # the process that keeps the store has ended, so it has spoken
        return True
