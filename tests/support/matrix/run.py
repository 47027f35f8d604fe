"""Runs a case: MMagic's config made tiny plus the distillation lines, two iterations, every promise checked."""

import copy
import tempfile
import traceback
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from families import ROOT, common, energy_alone, save_teacher, scalars
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from mmengine.runner import Runner

from . import data  # noqa: F401  registers the dataset
from .case import Case
from .starts import StartWitness
from .witness import Witness

ITERATIONS = 2
# What a user adds to any config of the toolbox.
LEAF = """
_base_ = ['mmagic::{config}', '{mixin}']
default_hooks = dict(
    distill=dict(
        _base_.distill,
        recipe='reference',
        teacher=dict(model=_base_.model, checkpoint='teacher.pth')))
"""


@dataclass(frozen=True)
class Row:
    """What a run has shown.

    Attributes:
        problem: the error in one line, None if the family distils.
        starts: which starts of its student are right, or why none is.
    """

    family: str
    config: str
    generator: str
    optimisers: str
    problem: str | None
    starts: str = ''


@cache
def distil(case: Case) -> Row:
    torch.use_deterministic_algorithms(False)  # other tests switch it on; unpooling has no such algorithm
    with tempfile.TemporaryDirectory() as folder, DefaultScope.overwrite_default_scope('mmagic'):
        cfg = build_config(case, Path(folder) / case.family.replace(' ', '_'))
        witness, starts, problem = Witness(), StartWitness(), None
        try:
            runner = Runner.from_cfg(copy.deepcopy(cfg))
            runner.register_hook(witness)
            runner.register_hook(starts)
            runner.train()
        except Exception as error:
            traceback.print_exc()  # for who wonders why
            problem = f'{type(error).__name__}: {" ".join(str(error).split())}'
        else:
            check(cfg, runner, witness)
        return Row(case.family, case.config, witness.generator, witness.optimisers, problem, starts.answer)


def build_config(case: Case, work_dir: Path) -> Config:
    work_dir.mkdir()
    leaf = work_dir / 'leaf.py'
    leaf.write_text(LEAF.format(config=case.config, mixin=ROOT / 'configs' / '_base_' / 'mikd.py'))
    cfg = Config.fromfile(leaf)
    ema = [hook for hook in cfg.get('custom_hooks') or [] if 'ExponentialMovingAverage' in hook.type]
    pack = pack_inputs(cfg)
    cfg.train_dataloader = dict(
        batch_size=case.batch_size,
        sampler=dict(type='InfiniteSampler', shuffle=True),
        dataset=dict(type='TinySamples', pack=pack, **case.data),
    )
    cfg = common(cfg, work_dir, ITERATIONS)
    cfg.custom_hooks, cfg.param_scheduler, cfg.load_from = ema, None, None
    cfg.randomness = dict(seed=0)
    cfg.default_hooks.checkpoint.update(save_optimizer=False, save_param_scheduler=False)
    merge(cfg, case.settings)
    distill = cfg.default_hooks.distill
    merge(cfg.model, case.model)
    merge(distill.teacher.model, case.model)
    merge(distill.teacher.model, case.teacher)
    energy_alone(distill, case.side)
    distill.objectives.mi.chain.steps = 2
    merge(distill, case.distill)
    distill.teacher.checkpoint = save_teacher(distill.teacher.model, work_dir)
    return cfg


def pack_inputs(cfg: Config) -> dict:
    """The last step of the config's own training pipeline."""
    dataset = (cfg.get('train_dataloader') or {}).get('dataset', {})
    steps = dataset.get('pipeline') or dataset.get('dataset', {}).get('pipeline') or []
    return next((step for step in steps if step.type == 'PackInputs'), dict(type='PackInputs'))


def merge(target: dict, changes: dict) -> None:
    """As inheritance of configs: dicts are merged, everything else is replaced."""
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            merge(target[key], value)
        else:
            target[key] = copy.deepcopy(value)


def check(cfg: Config, runner: Runner, witness: Witness) -> None:
    """Everything that "it distils" means."""
    logged = scalars(runner)
    critic = next(name for name in logged if 'loss_critic' in name)
    assert len(logged['loss_distill_mi']) == len(logged[critic]) > 0
    assert all(np.isfinite(values).all() for name, values in logged.items() if 'loss' in name)
    witness.verify()
    checkpoint = torch.load(
        Path(cfg.work_dir) / f'iter_{ITERATIONS}.pth', map_location='cpu', weights_only=True
    )
    assert checkpoint['mikd']['objectives']['mi']['network']
    plain = MODELS.build(copy.deepcopy(cfg.model))
    plain.load_state_dict(checkpoint['state_dict'], strict=True)
    for name, tensor in runner.model.state_dict().items():
        assert torch.equal(plain.state_dict()[name], tensor), name
