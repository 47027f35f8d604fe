"""Where an iteration makes the processor wait for the device, found without one.

`python tests/support/host_syncs.py` prints it for every recipe.
"""

import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import families
import mmengine.config.config
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from mmagic_mikd.engine.recipes import RECIPES

PACKAGE = str(families.ROOT / 'mmagic_mikd')
STEPS, HOST = '/torch/optim/', 'host'
PASSING = ('_update_params', '_backward')  # of the tap on the toolbox's optimiser wrapper
STEADY = 2  # by then optimisers hold their states, and what waits for a first batch is built
# to the host; and onto the device from memory that is not pinned, which waits for the copy
READS = (Tensor.item, Tensor.tolist, Tensor.cpu, Tensor.numpy, Tensor.__bool__, Tensor.__float__)
READS += (Tensor.__int__, Tensor.__index__, Tensor.nonzero, torch.nonzero, Tensor.unique, torch.unique)
COPIES = (torch.tensor, torch.as_tensor, Tensor.new_tensor)
OPERATIONS = ('aten::_local_scalar_dense', 'aten::nonzero', 'aten::masked_select', 'aten::unique_dim')


class HostSyncs(TorchFunctionMode):
    """Notes each call that would wait for a GPU, with the innermost line of ours that led to it.

    Attributes:
        found: (call, place) to how often; the place of what the toolbox itself asks for is ''.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[tuple[str, str]] = Counter()
        self._operations = _Operations(self)
        self._inside = False

    def __enter__(self) -> 'HostSyncs':
        self._operations.__enter__()
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self._operations.__exit__(*error)

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        copies = func is Tensor.new_tensor or (func in COPIES and kwargs.get('device') is not None)
        if self._inside or not (func in READS or copies):
            return func(*args, **kwargs)
        self.note(func.__name__)
        self._inside = True  # what it is made of is not another one
        try:
            return func(*args, **kwargs)
        finally:
            self._inside = False

    def note(self, name: str) -> None:
        if not self._inside and (where := place()) != HOST:
            self.found[name, where] += 1

    @property
    def ours(self) -> Counter[tuple[str, str]]:
        return Counter({key: count for key, count in self.found.items() if key[1]})


class _Operations(TorchDispatchMode):
    """What C++ asks for by itself, such as an index by truth values."""

    def __init__(self, syncs: HostSyncs) -> None:
        super().__init__()
        self._syncs = syncs

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        name = func._schema.name
        by_truth = name in ('aten::index', 'aten::index_put_') and any(
            i is not None and i.dtype in (torch.bool, torch.uint8) for i in args[1]
        )
        if name in OPERATIONS or by_truth:
            self._syncs.note(name.removeprefix('aten::'))
        return func(*args, **(kwargs or {}))


def place() -> str:
    """The innermost function of ours; '' where the toolbox asks by itself, HOST where the number lies there.

    A repair of the toolbox does what the toolbox does, and so does the way of its loss through our tap.
    """
    frame = sys._getframe()
    while frame is not None and frame.f_code.co_name not in ('call_hook', 'run_iter'):
        file, name = frame.f_code.co_filename, frame.f_code.co_name
        if STEPS in file:  # an optimiser that is not fused counts its steps in numbers of the host
            return HOST
        if file.startswith(PACKAGE) and f'{PACKAGE}/compat' not in file and name not in PASSING:
            return f'{Path(file).relative_to(families.ROOT)}:{name}'
        frame = frame.f_back
    return ''


class Watch(Hook):
    """Counts in one iteration of a training, from the first hook to the last."""

    priority = 'HIGHEST'

    def before_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        if runner.iter == STEADY:
            self.syncs = HostSyncs()
            self.syncs.__enter__()
            runner.register_hook(_End(self.syncs), 'LOWEST')


class _End(Hook):
    def __init__(self, syncs: HostSyncs) -> None:
        self._syncs = syncs

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        if runner.iter == STEADY:
            self._syncs.__exit__(None, None, None)


def distilled_by(recipe: str | None, folder: Path, family: str = 'pix2pix') -> Config:
    """A tiny training by a recipe, which logs at its end alone; None distils nothing."""
    cfg = getattr(families, family)(folder, iters=STEADY + 1)
    cfg.default_hooks.logger.interval, cfg.default_hooks.checkpoint = 100, None
    distill = cfg.default_hooks.distill
    if recipe is None:
        cfg.default_hooks.pop('distill')
    else:
        cfg.default_hooks.distill = dict(
            type='DistillRunner', teacher=distill.teacher, guard=distill.get('guard', {}), recipe=recipe
        )
    return cfg


def counted(cfg: Config) -> HostSyncs:
    runner, watch = Runner.from_cfg(cfg), Watch()
    runner.register_hook(watch)
    runner.train()
    return watch.syncs


def main() -> None:
    torch.set_num_threads(1)
    mmengine.config.config.FormatCode = lambda text, **_: (text, True)  # as in conftest.py: it takes long
    print('| recipe | call | where | times |\n| --- | --- | --- | ---: |')
    with tempfile.TemporaryDirectory() as folder:
        for recipe in (None, *RECIPES):
            found = counted(distilled_by(recipe, Path(folder) / str(recipe))).found
            for (call, where), times in sorted(found.items(), key=str):
                print(f'| {recipe} | {call} | {where or "the toolbox"} | {times} |')


if __name__ == '__main__':
    main()
