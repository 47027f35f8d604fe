"""Train a model, with or without distillation: `python tools/train.py CONFIG`.

The toolbox's own arguments; repairs of the toolbox apply to plain MMagic configs as well.
"""

import argparse
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner

from mikd.arguments.train import parse_args

from ...host.hooks import distillation_of
from ...host.loaded_orders import about_orders
from ...utils import escape
from ...utils.checks import require_number
from ...utils.errors import ConfigError
from .amp import enable_amp
from .checkpoints import KEY, checkpoints_elsewhere, require_own
from .launch import (
    INTERRUPTED,
    load_config,
    require_checkpoint,
    require_data,
    require_parts,
    user_errors,
)
from .lock import locked
from .safeguards import Safeguards
from .start import is_first, starting


def require_length(cfg):
    """A training of no iterations would end well and leave nothing."""
    for name in ('max_iters', 'max_epochs'):
        if name in cfg.train_cfg:
            require_number(f'train_cfg.{name}', cfg.train_cfg[name], least=1, whole=True)


def scale_learning_rates(cfg):
    if 'base_batch_size' not in cfg.get('auto_scale_lr', {}):
        raise ConfigError('--auto-scale-lr needs auto_scale_lr.base_batch_size: add it to the config')
    cfg.auto_scale_lr.enable = True


def command_line():
    """What started this process, for a shell; tools/report.py reads it in the log."""
    tool = [sys.argv[0]] if sys.argv[0].endswith('.py') else ['-m', *sys.argv[0].split()]
    return f'cd {shlex.quote(os.getcwd())} && python {shlex.join([*tool, *sys.argv[1:]])}'


def whereabouts(work_dir, elsewhere):
    if elsewhere is None:
        return f'Logs and checkpoints go to {escape.line(work_dir)}'
    return f'Logs go to {escape.line(work_dir)}, checkpoints to {escape.line(elsewhere)} ({KEY})'


def stopped(runner):
    """Say, once for all processes, how to go on; the folder of the run knows its newest checkpoint."""
    record = Path(runner.work_dir, 'last_checkpoint')
    if is_first():
        saved = record.is_file() and f'go on from {escape.line(record.read_text())} with --resume'
        how = saved or 'no checkpoint has been saved yet'
        print(f'Stopped at iteration {runner.iter}; {how}', file=sys.stderr, flush=True)
    sys.exit(INTERRUPTED)


def main() -> None:
    train(parse_args())


@user_errors()
def train(args: argparse.Namespace, require: Callable[[Config, str], None] | None = None) -> None:
    """Train the config of the command line.

    Args:
        require: refuses a config that it does not want, of that name.
    """
    cfg = load_config(args)
    if require:
        require(cfg, args.config)
    require_parts(cfg, args.config, 'train')
    require_length(cfg)
    require_data(cfg, 'train_dataloader')
    if cfg.get('val_cfg') is not None:
        require_data(cfg, 'val_dataloader')
    require_checkpoint('load_from', cfg.get('load_from'))
    if args.amp or args.amp_dtype:
        enable_amp(cfg, args.amp_dtype)
    if args.auto_scale_lr:
        scale_learning_rates(cfg)
    if args.resume:
        cfg.resume = True
    require_own(cfg)
    elsewhere = checkpoints_elsewhere(cfg)
    with starting(cfg) as start, locked('work_dir', cfg.work_dir), locked(KEY, elsewhere):
        runner = Runner.from_cfg(cfg)
        runner.register_hook(start)
        runner.register_hook(Safeguards())
        runner.logger.info(f'Command: {escape.line(command_line())}')
        runner.logger.info(whereabouts(cfg.work_dir, elsewhere))
        if not distillation_of(cfg) and (sentence := about_orders(cfg)):  # else the hook says it
            runner.logger.warning(escape.line(sentence))
        try:
            runner.train()
        except KeyboardInterrupt:
            stopped(runner)


if __name__ == '__main__':
    main()
