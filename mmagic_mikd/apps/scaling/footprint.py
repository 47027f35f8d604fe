"""What one iteration of a distillation sends to other processes, holds in memory and takes in time."""

import copy
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import MODELS
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from ...engine.hook import distillation_in
from ...engine.pair import Pair
from ...host.hooks import distillation_of
from ...host.loaders import without_workers
from ...host.locate import wrappers_of
from ...teachers.named import teachers_of
from ...utils.errors import ConfigError
from .pretended_group import pretended_group
from .tracker import Tracker, tensors_in

COUNTED = 2  # the iteration whose messages count: DDP has settled its buckets by then
ENDLESS = 10**9  # iterations, of which the first are no share: an objective with `until` pulls in full
TEACHER = 'teacher'


class Footprint(NamedTuple):
    """Bytes of each message by part, bytes of memory by part, seconds of one iteration that sends nothing."""

    sent: dict[str, list[int]]
    memory: dict[str, int]
    seconds: float


def measure(cfg: Config, iters: int = 3) -> Footprint:
    """Train for three iterations to count and ``iters`` more to time, on real data.

    This process believes to be one of two: every collective is asked for, counted, and answered with
    nothing. A teacher whose checkpoint is absent gets random weights. All that trains takes a step in every
    iteration, also where it would do so in one of several.

    Raises:
        ConfigError: the config does not distil, or the distillation cannot start; teachers and student take
            turns, so no iteration stands for all.
    """
    if not distillation_of(cfg):
        raise ConfigError(f'{cfg.filename or "the config"} does not distil: default_hooks.distill is missing')
    if cfg.model.get('phases'):
        raise ConfigError(
            'model.phases: an iteration trains the teachers or the student, so none stands for the training; '
            'measure a config of the teachers and one of a student whose teacher is fixed'
        )
    with tempfile.TemporaryDirectory() as folder, pretended_group():
        cfg = shortened(cfg, Path(folder), ENDLESS)
        cfg.launcher = 'pytorch'
        _train_all(cfg)
        runner, probe = Runner.from_cfg(cfg), Probe(COUNTED + 1 + iters)
        runner.register_hook(probe, 'LOWEST')
        runner.train()
    return Footprint(probe.sent, _memory(runner, probe), statistics.median(probe.seconds))


def shortened(cfg: Config, folder: Path, iters: int) -> Config:
    """A few iterations that leave nothing behind; an absent teacher gets random weights."""
    cfg = copy.deepcopy(cfg)
    cfg.work_dir, cfg.resume, cfg.load_from = str(folder), False, None
    cfg.train_cfg = dict(by_epoch=False, max_iters=iters)
    for name in ('val', 'test'):
        for part in ('cfg', 'dataloader', 'evaluator'):
            cfg[f'{name}_{part}'] = None
    cfg.train_dataloader = without_workers(cfg.train_dataloader)
    cfg.default_hooks.checkpoint = None
    cfg.vis_backends = [dict(type='LocalVisBackend')]
    cfg.visualizer = dict(type='Visualizer', vis_backends=cfg.vis_backends)
    cfg.log_level, cfg.experiment_name = 'ERROR', f'footprint_{time.time_ns()}'
    for name, teacher in teachers_of(cfg.default_hooks.distill.get('teacher') or {}).items():
        file = teacher.get('checkpoint') or ''
        if teacher.get('cache'):  # which would be filled, maybe with images of random weights
            teacher.cache = None
        if teacher.get('model') and file and '://' not in file and not Path(file).is_file():
            with torch.random.fork_rng():
                network = MODELS.build(copy.deepcopy(teacher.model))
            teacher.checkpoint = str(folder / f'teacher{name}.pth')
            torch.save(network.state_dict(), teacher.checkpoint)
    return cfg


def _train_all(cfg: Config) -> None:
    """Let every network take a step in every iteration, so that the counted one sends all there is to send."""
    for key in ('every', 'discriminator_steps'):
        if cfg.model.get(key):
            cfg.model[key] = 1
    wrappers = [cfg.optim_wrapper, *(w for w in cfg.optim_wrapper.values() if isinstance(w, dict))]
    for wrapper in wrappers:
        if wrapper.get('accumulative_counts'):
            wrapper.accumulative_counts = 1


class Probe(Hook):
    """A tracker in the iterations that are counted, a clock in the later ones, and the end after so many.

    A message belongs to the part whose parameter was the last to get its gradient, until an optimiser has
    stepped; any other is of buffers.
    """

    def __init__(self, iterations: int) -> None:
        self.seconds: list[float] = []
        self.trained: dict[str, list[nn.Parameter]] = {}
        self._iterations, self._tracker = iterations, None
        self._followed: set[int] = set()

    def before_train(self, runner: Runner) -> None:
        # both are not to be had after training, when hooks are gone and discriminators frozen
        self.pairs = distillation_in(runner).pairs
        self._follow(runner, _trained(runner, self.pairs))
        for module in _wrapped(runner):
            module.register_comm_hook(None, _ask_for_all_reduce)

    def before_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        if runner.iter in (0, COUNTED):
            self._tracker = Tracker()
            self._tracker.__enter__()
        self._start = _now()

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        seconds = _now() - self._start
        if runner.iter > COUNTED:
            self.seconds.append(seconds)
        runner.train_loop.stop_training = runner.iter + 1 == self._iterations
        if self._tracker is None:
            return
        self._tracker.__exit__(None, None, None)
        if runner.iter == 0:  # in which a lazily regularised model regularises
            self.peak = self._tracker.peak
            self._follow(runner, _learners(runner))  # some of them were made for the first batch
        self.sent, self._tracker = self._tracker.sent, None

    def _follow(self, runner: Runner, parts: dict[str, list[nn.Parameter]]) -> None:
        """See to it that gradients and steps of these are noticed, and remember them."""
        self.trained |= parts
        for part, parameters in parts.items():
            for parameter in self._new(parameters):
                parameter.register_post_accumulate_grad_hook(lambda p, part=part: self._got_gradient(part, p))
        for optimizer in self._new(_optimizers(runner)):
            optimizer.register_step_post_hook(self._stepped)

    def _new(self, found: Iterable) -> list:
        new = [each for each in found if id(each) not in self._followed]
        self._followed.update(map(id, new))
        return new

    def _got_gradient(self, part: str, parameter: Tensor) -> None:
        if self._tracker is not None:
            self._tracker.part = part
            self._tracker.forget(parameter.grad)

    def _stepped(self, optimizer: torch.optim.Optimizer, *args: Any) -> None:
        if self._tracker is not None:
            self._tracker.part = 'buffers'
            for tensor in tensors_in(list(optimizer.state.values())):
                self._tracker.forget(tensor)


def _wrapped(runner: Runner) -> list[DistributedDataParallel]:
    found = (m for m in runner.model.modules() if isinstance(m, DistributedDataParallel))
    return [module for module in found if hasattr(module, 'reducer')]  # the wrapper of several has none


def _ask_for_all_reduce(state: None, bucket: torch.distributed.GradBucket) -> torch.futures.Future[Tensor]:
    """What DDP does itself, but it would wait for a result that a pretended group never gives."""
    torch.distributed.all_reduce(bucket.buffer())
    future = torch.futures.Future()
    future.set_result(bucket.buffer())
    return future


def _now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def _trained(runner: Runner, pairs: Iterable[Pair]) -> dict[str, list[nn.Parameter]]:
    """All parameters that get gradients, by part; a teacher's where it trains in the run."""
    generators = {id(p): 'student' for pair in pairs for p in pair.student.parameters()}
    generators |= {id(t): TEACHER for t in _tensors_of_teachers(pairs)}
    parts = defaultdict(list)
    for parameter in runner.model.parameters():
        if parameter.requires_grad:
            parts[generators.get(id(parameter), 'discriminator')].append(parameter)
    return parts | _learners(runner)


def _learners(runner: Runner) -> dict[str, list[nn.Parameter]]:
    """Parameters of the objectives that learn, as far as they are made."""
    learning = {name: o for name, o in distillation_in(runner).objectives.items() if o.learner}
    parts = {name: list(objective.network.parameters()) for name, objective in learning.items()}
    return {name: parameters for name, parameters in parts.items() if parameters}


def _tensors_of_teachers(pairs: Iterable[Pair]) -> list[Tensor]:
    teachers = [pair.teacher for pair in pairs if pair.teacher is not None]
    return [tensor for teacher in teachers for tensor in (*teacher.parameters(), *teacher.buffers())]


def _optimizers(runner: Runner) -> list[torch.optim.Optimizer]:
    wrappers = list(wrappers_of(runner.optim_wrapper).values())
    wrappers += [o.learner.optim_wrapper for o in distillation_in(runner).objectives.values() if o.learner]
    return [wrapper.optimizer for wrapper in wrappers]


def _memory(runner: Runner, probe: Probe) -> dict[str, int]:
    known = {id(p) for parameters in probe.trained.values() for p in parameters}
    teachers = {id(t): t for t in _tensors_of_teachers(probe.pairs) if id(t) not in known}
    rest = [
        t
        for t in (*runner.model.parameters(), *runner.model.buffers())
        if id(t) not in known and id(t) not in teachers
    ]
    weights = {f'weights, {part}': _nbytes(parameters) for part, parameters in probe.trained.items()}
    buckets = {id(p): p for module in _wrapped(runner) for p in module.parameters() if id(p) in known}
    states = [
        tensor for optimizer in _optimizers(runner) for tensor in tensors_in(list(optimizer.state.values()))
    ]
    return {
        **weights,
        'averaged copy, frozen losses, buffers': _nbytes(rest),
        TEACHER: _nbytes(teachers.values()),
        'gradients': sum(weights.values()),
        "gradients' copies in DDP": _nbytes(buckets.values()),
        'optimiser states': _nbytes(states),
        'activations and temporaries, peak': probe.peak,
    }


def _nbytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors)
