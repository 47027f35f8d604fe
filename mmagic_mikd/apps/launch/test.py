"""Evaluate a checkpoint with the evaluator of its config: `python tools/test.py CONFIG CHECKPOINT`.

The toolbox's own arguments. A distillation config needs neither its teacher nor its critic here.
"""

from pathlib import Path

import mmengine
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mikd.arguments.test import parse_args

from ...utils.checks import require_writable
from .launch import (
    load_config,
    require_checkpoint,
    require_data,
    require_parts,
    user_errors,
)
from .safeguards import Safeguards
from .start import is_first, starting


class SaveMetrics(Hook):
    """Writes the metrics to a file; its ending (json, yaml, pkl) says in which format."""

    def __init__(self, path):
        self.path = path

    def after_test_epoch(self, runner, metrics=None):
        if metrics is not None and runner.rank == 0:
            mmengine.dump(metrics, self.path)


@user_errors()
def main():
    args = parse_args()
    if args.out:
        require_writable('--out', Path(args.out))
    cfg = load_config(args)
    require_parts(cfg, args.config, 'test')
    require_data(cfg, 'test_dataloader')
    require_checkpoint('checkpoint', args.checkpoint)
    cfg.load_from = args.checkpoint
    with starting(cfg) as start:
        runner = Runner.from_cfg(cfg)
        if is_first():
            start.keep_record()
        runner.register_hook(start)
        runner.register_hook(Safeguards(evaluates=True))
        if args.out:
            runner.register_hook(SaveMetrics(args.out), 'LOWEST')
        runner.test()


if __name__ == '__main__':
    main()
