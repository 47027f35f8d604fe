"""One cell of a study: train, evaluate the last and the best checkpoint, write what was measured.

python -m mmagic_mikd.apps.study.cell CONFIG RESULT.json TEACHER.pth
"""

import hashlib
import json
import os
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

import mmengine.config.config
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ...cost.complexity import Complexity
from ...cost.of_config import measure
from ...cost.training_macs import TrainingMacs, cpu_name
from ...engine.hook import distillation_in
from ...host.taps import unwrap
from ...online.online_teachers import OnlineTeachers
from ...teachers.weights import load_network
from ...utils.errors import ConfigError
from ..launch.launch import read_config, require_data, user_errors
from ..launch.safeguards import Safeguards

COUNTED = 16  # iterations of a kind; StyleGAN2 regularises every sixteenth


class Cost(Hook):
    """Counts the first iterations of each kind whole: all networks, forward and back.

    Iterations are of one kind if the same networks learn and the same objectives pull: an objective with
    ``until`` ends, and teachers that train in the run may take turns with the student.
    """

    priority = 'VERY_HIGH'  # nothing that a later hook evaluates is training

    def __init__(self) -> None:
        self._counters: dict[tuple, TrainingMacs] = defaultdict(TrainingMacs)
        self._counted, self._iterations = Counter(), Counter()
        self._counting: TrainingMacs | None = None

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: object = None) -> None:
        kind = _kind(runner)
        self._iterations[kind] += 1
        if self._counted[kind] < COUNTED:
            self._counted[kind] += 1
            self._counting = self._counters[kind]
            self._counting.__enter__()

    def after_train_iter(self, runner: Runner, *args: object, **kwargs: object) -> None:
        if self._counting:
            self._counting.__exit__(None, None, None)
            self._counting = None

    @property
    def macs(self) -> float:
        """Of the whole training."""
        return sum(
            count * self._counters[kind].macs / self._counted[kind]
            for kind, count in self._iterations.items()
        )


def _kind(runner: Runner) -> tuple:
    """What runs in the iteration that begins."""
    model, progress = unwrap(runner.model), runner.iter / runner.max_iters
    learns = model.plan(runner.iter) if isinstance(model, OnlineTeachers) else ()
    hook = distillation_in(runner)
    pull = [o.name for o in hook.objectives.values() if o.fading(progress)] if hook else []
    return *learns, *pull


class Scores(Hook):
    """Keeps what a test measured."""

    values: dict

    def after_test_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        self.values = dict(metrics)


def run(config: str) -> dict:
    """Train and evaluate; the columns of the study that belong to the training."""
    cfg = read_config(config)
    cfg.work_dir = str(Path(config).parent / 'run')
    require_data(cfg, 'train_dataloader')
    if not cfg.train_cfg.max_iters:
        return given(cfg, config)
    runner, cost, scores = Runner.from_cfg(cfg), Cost(), Scores()
    runner.register_hook(Safeguards())  # whose reader knows weights in any layout
    runner.register_hook(cost)
    runner.register_hook(scores)
    wall, cpu = time.perf_counter(), time.process_time()
    runner.train()
    seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu
    best = best_checkpoint(runner)
    save_last(runner, Path(config).parent / 'last.pth')
    runner.test()
    found = dict(last=scores.values)
    best_iteration = int(Path(best).stem.rpartition('_')[2])
    if best_iteration < cfg.train_cfg.max_iters:  # else they are the same weights
        runner.load_checkpoint(best, map_location='cpu')
        runner.test()
    found['best'] = scores.values
    key = cfg.default_hooks.checkpoint.save_best
    validation = dict(last=runner.message_hub.get_scalar(f'val/{key}').current())
    validation['best'] = runner.message_hub.get_info('best_score')
    return dict(
        scores=found,
        validation=validation,
        best_iteration=best_iteration,
        columns=columns(
            cfg,
            config,
            seconds=round(seconds, 1),
            cpu_seconds=round(cpu_seconds, 1),
            gmacs_total=round(cost.macs / 1e9, 1),
        ),
    )


def best_checkpoint(runner: Runner) -> str:
    """The file with the weights of the best score.

    Raises:
        ConfigError: the training has diverged so early that there is none.
    """
    best = runner.message_hub.get_info('best_ckpt')
    if best is None:
        score = runner.cfg.default_hooks.checkpoint.save_best
        raise ConfigError(
            f'no evaluation gave a number for {score}, so there is no best checkpoint: the training has '
            'diverged; lower the learning rates or clip the gradients'
        )
    return best


def given(cfg: Config, config: str) -> dict:
    """The columns of a teacher that others have trained: there is nothing to do but to evaluate it."""
    checkpoint, cfg.load_from = cfg.load_from, None
    runner, scores = Runner.from_cfg(cfg), Scores()
    runner.register_hook(scores)
    load_network(runner.model.generator, checkpoint, 'generator')
    save_last(runner, Path(config).parent / 'last.pth')
    runner.test()
    cost = columns(cfg, config, seconds=0.0, cpu_seconds=0.0, gmacs_total=0.0)
    both = ('last', 'best')
    return dict(
        scores=dict.fromkeys(both, scores.values),
        validation=dict.fromkeys(both, ''),
        best_iteration=0,
        columns=cost,
    )


def columns(cfg: Config, config: str, **cost: float) -> dict:
    """Of every row, whatever was scored."""
    size = generator_cost(cfg, config)
    return dict(
        params=size.params,
        macs=round(size.macs),
        iterations=cfg.train_cfg.max_iters,
        batch=cfg.train_dataloader.batch_size,
        **cost,
        torch=torch.__version__,
        cpu=cpu_name(),
        threads=torch.get_num_threads(),
    )


def save_last(runner: Runner, path: Path) -> None:
    """The final weights, for students to learn from and for pictures."""
    part = path.with_suffix('.part')
    torch.save(dict(meta={}, state_dict=runner.model.state_dict()), part)
    part.replace(path)


def digest(checkpoint: Path) -> str:
    """Of the teacher's weights, so that one can tell whether two trainings have had the same; empty if gone."""
    if not checkpoint.is_file():
        return ''
    state, found = (
        torch.load(checkpoint, map_location='cpu', weights_only=True)['state_dict'],
        hashlib.sha256(),
    )
    for name, value in sorted(state.items()):
        if not name.startswith('discriminator'):  # which nobody learns from; random where weights are given
            found.update(name.encode() + value.contiguous().numpy().tobytes())
    return found.hexdigest()[:10]


def generator_cost(cfg: Config, config: str) -> Complexity:
    return measure('generator', cfg.model, cfg, config).cost


@user_errors()
def main() -> None:
    config, result, teacher = sys.argv[1:]
    torch.set_num_threads(int(os.environ.get('OMP_NUM_THREADS', '1')))
    # MMEngine formats the config with yapf several times a run, which costs a short cell seconds
    mmengine.config.config.FormatCode = lambda text, **_: (text, True)
    found = run(config)
    found['columns']['teacher'] = digest(Path(teacher))
    part = Path(result).with_suffix('.part')
    part.write_text(json.dumps(found, indent=2, default=float))
    part.replace(result)


if __name__ == '__main__':
    main()
