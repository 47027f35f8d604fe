"""What an iteration of Pix2Pix costs by recipe; chain and critic's step against what the device could do.

Time, memory, kernel launches, waits for the device.
"""

import copy
import itertools
import warnings
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmarks.cost import noise
from mmagic_mikd import EnergyCritic, langevin
from mmagic_mikd.apps.clone import CLONE
from mmagic_mikd.apps.scaling.footprint import shortened
from mmagic_mikd.cost.training_macs import TrainingMacs
from mmagic_mikd.engine.hook import distillation_in
from mmagic_mikd.engine.recipes import RECIPES
from mmagic_mikd.objectives.objective import frozen

from .bench import Bench, deviation, train
from .captured import captured_chain, captured_step, critic_step

WITHOUT, CHANNELS_LAST = 'without', 'pyramid, channels last'
RECIPES_TIMED = ('pyramid', 'pyramid_adversarial', 'pyramid_features', 'reference', 'shuffled')
SIZES = ((256, 1), (256, 16), (64, 1), (64, 16), (128, 1), (128, 16), (512, 1), (512, 16))
# the largest of what arithmetic and memory traffic allow, and layer by layer: as much above and below
NEAR_FLOOR, FASTER = 1.5, 3.0


def run(bench: Bench) -> None:
    peak = speeds(bench)
    for size, batch in ((32, 2),) if bench.dry else SIZES[:4]:
        for name in ('reference', 'shuffled'):
            alone(bench, name, size, batch, peak)
    for size, batch in ((32, 2),) if bench.dry else SIZES:
        iterations(bench, size, batch)
    compiled(bench, *((32, 2) if bench.dry else (256, 1)))


def speeds(bench: Bench) -> dict[str, float]:
    """What the device reaches: multiply-accumulates a second, bytes a second."""
    side = 256 if bench.dry else 8192
    with bench.row(device='what it reaches', tf32=torch.backends.cudnn.allow_tf32) as row:
        a, b = torch.randn(2, side, side, device=bench.device)
        big = torch.randn(side * side, device=bench.device)
        torch.set_float32_matmul_precision('high')  # as convolutions do by default
        row['macs'] = side**3 / bench.milliseconds(lambda: a @ b) * 1000
        torch.set_float32_matmul_precision('highest')
        row['bytes'] = 2 * big.nbytes / bench.milliseconds(big.clone) * 1000
        row |= dict(ok=True)
    return row


# ---- chain and critic's step alone --------------------------------------------------------------


class Traffic(TorchDispatchMode):
    """Bytes that operations read and write, each input and output once; and how many operations there are."""

    bytes, operations = 0, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if not func.is_view:
            tensors = (x for x in tree_leaves((args, kwargs, out)) if isinstance(x, torch.Tensor))
            self.bytes += sum({x.data_ptr(): x.nbytes for x in tensors}.values())
            self.operations += 1
        return out


def critic_of(name: str, size: int, device: torch.device) -> tuple[EnergyCritic, dict]:
    """The critic of a recipe, and the settings of its chain."""
    bound = copy.deepcopy(RECIPES[name]['objectives']['mi'])
    settings = dict(image_size=size) | {k: v for k, v in bound['critic'].items() if k != 'type'}
    bound['chain'].pop('start', None)
    return EnergyCritic(**settings).to(device), bound['chain']


def alone(bench: Bench, name: str, size: int, batch: int, peak: dict[str, float]) -> None:
    torch.manual_seed(0)
    critic, chain = critic_of(name, size, bench.device)
    s, t, start = torch.rand(3, batch, 3, size, size, device=bench.device) * 2 - 1
    generator = torch.Generator(bench.device)

    def eager() -> torch.Tensor:
        with frozen(critic):
            return langevin(critic.given(s), start, generator=generator, **chain)

    parts = {
        'chain': (eager, lambda: captured_chain(critic, s, start, generator, **chain), (s, start)),
        "critic's step": (
            lambda: critic_step(critic, t, s, start),
            lambda: captured_step(critic, t, s, start),
            (t, s, start),
        ),
    }
    for part, (function, capture, inputs) in parts.items():
        with bench.row(critic=name, part=part, size=size, batch=batch) as row:
            row['eager'] = bench.milliseconds(function)
            row |= floor(function, peak)
            captured = capture()
            row['captured'] = bench.milliseconds(lambda: captured(*inputs))  # noqa: B023  used at once
            row['difference'] = differs(critic, generator, function, lambda: captured(*inputs))  # noqa: B023
            row['faster'], row['to_floor'] = row['eager'] / row['captured'], row['captured'] / row['floor']
            row['target'] = row['to_floor'] < NEAR_FLOOR or row['faster'] > FASTER
            row['ok'] = row['difference'] < 1e-5


def floor(function: Any, peak: dict[str, float]) -> dict[str, Any]:
    """Milliseconds that arithmetic or memory traffic takes at least, and which of the two."""
    with TrainingMacs() as macs, Traffic() as traffic:
        function()
    arithmetic, memory = macs.macs / peak['macs'] * 1000, traffic.bytes / peak['bytes'] * 1000
    bound = 'arithmetic' if arithmetic > memory else 'memory'
    return dict(floor=max(arithmetic, memory), bound=bound, operations=traffic.operations)


def differs(critic: EnergyCritic, generator: torch.Generator, one: Any, other: Any) -> float:
    """The largest deviation of two functions from the same buffers and the same draws."""
    made, buffers = [], [buffer.clone() for buffer in critic.buffers()]
    for function in (one, other):
        for buffer, value in zip(critic.buffers(), buffers, strict=True):
            buffer.copy_(value)
        generator.manual_seed(0)
        made.append([x.detach().clone() for x in tree_leaves(function())])
    return max(deviation(a, b) for a, b in zip(*made, strict=True))


def compiled(bench: Bench, size: int, batch: int) -> None:
    """torch.compile of a critic's gradient at the image, which a chain consists of."""
    with bench.row(part='a step of the chain, compiled', size=size, batch=batch) as row:
        critic, _ = critic_of('shuffled', size, bench.device)
        critic.requires_grad_(False).eval()
        s, t = torch.rand(2, batch, 3, size, size, device=bench.device) * 2 - 1

        def gradient(energy: Any) -> torch.Tensor:
            x = t.clone().requires_grad_()
            return torch.autograd.grad(energy(x, s).sum(), x)[0]

        settings = dict(backend='aot_eager') if bench.dry else dict(mode='reduce-overhead')
        quick = torch.compile(critic, **settings)
        row['difference'] = deviation(gradient(quick), gradient(critic))
        row['eager'] = bench.milliseconds(lambda: gradient(critic))
        row['compiled'] = bench.milliseconds(lambda: gradient(quick))
        row |= dict(faster=row['eager'] / row['compiled'], ok=row['difference'] < 1e-4)


# ---- whole iterations ---------------------------------------------------------------------------


class Turns(Hook):
    """Trains by one way after the other on one batch, and measures the last iterations of each.

    Iterations of a way are timed as a block, so that the host may run ahead of the device as in a training.
    """

    priority = 'LOWEST'

    def __init__(self, bench: Bench, ways: dict[str, list[str]], warm_up: int, timed: int) -> None:
        self.bench, self.ways, self.warm_up, self.timed = bench, ways, warm_up, timed
        self.found: dict[str, dict[str, Any]] = {}

    @property
    def length(self) -> int:
        """Iterations of one way: the last is taken apart."""
        return self.warm_up + self.timed + 1

    def before_train(self, runner: Runner) -> None:
        self.hook = distillation_in(runner)
        loop = runner.train_loop
        batch = next(loop.dataloader_iterator)
        loop.dataloader_iterator = itertools.repeat(batch)
        self._take_turn(runner, 0)

    def _take_turn(self, runner: Runner, number: int) -> None:
        way = list(self.ways)[number]
        self.hook.iteration.objectives = [self.hook.objectives[name] for name in self.ways[way]]
        layout = torch.channels_last if way == CHANNELS_LAST else torch.contiguous_format
        for network in (runner.model, *(pair.teacher for pair in self.hook.pairs)):
            network.to(memory_format=layout)

    def before_train_iter(self, runner: Runner, *args: object, **kwargs: object) -> None:
        done = runner.iter % self.length
        if done == self.warm_up:
            if self.bench.device.type == 'cuda':
                torch.cuda.reset_peak_memory_stats()
            self._begin = self.bench.now()
        if done == self.warm_up + self.timed:
            self._apart = Apart(self.bench.device)
            self._apart.__enter__()

    def after_train_iter(self, runner: Runner, *args: object, **kwargs: object) -> None:
        turn, done = divmod(runner.iter, self.length)
        way = list(self.ways)[turn]
        if done == self.warm_up + self.timed - 1:
            milliseconds = 1000 * (self.bench.now() - self._begin) / self.timed
            self.found[way] = dict(milliseconds=milliseconds)
            if self.bench.device.type == 'cuda':
                self.found[way]['peak_mib'] = round(torch.cuda.max_memory_allocated() / 2**20)
        if done == self.warm_up + self.timed:
            self.found[way] |= self._apart.end()
            if turn + 1 < len(self.ways):
                self._take_turn(runner, turn + 1)
            if self.bench.left < 0:
                runner.train_loop._max_iters = runner.iter + 1


class Apart:
    """Takes one iteration apart: operations, and on a GPU kernels and waits of the host."""

    def __init__(self, device: torch.device) -> None:
        self._gpu, self._traffic = device.type == 'cuda', Traffic()
        activities = [torch.profiler.ProfilerActivity.CUDA]
        self._profile = torch.profiler.profile(activities=activities) if self._gpu else None
        self._warnings = warnings.catch_warnings(record=True)

    def __enter__(self) -> None:
        if self._gpu:
            self._profile.__enter__()
            self._caught = self._warnings.__enter__()
            warnings.simplefilter('always')
            torch.cuda.set_sync_debug_mode('warn')
        self._traffic.__enter__()

    def end(self) -> dict[str, int]:
        self._traffic.__exit__(None, None, None)
        if not self._gpu:
            return dict(operations=self._traffic.operations)
        torch.cuda.set_sync_debug_mode('default')
        self._warnings.__exit__(None, None, None)
        self._profile.__exit__(None, None, None)
        kernels = [e for e in self._profile.events() if e.device_type == torch.autograd.DeviceType.CUDA]
        waits = sum('synchronizing' in str(warning.message) for warning in self._caught)
        return dict(operations=self._traffic.operations, kernels=len(kernels), waits=waits)


def iterations(bench: Bench, size: int, batch: int) -> None:
    turns = Turns(bench, {}, *((1, 2) if bench.dry else (5, 10 if batch == 1 else 5)))
    with bench.row(what='iterations', size=size, batch=batch) as row:
        cfg, turns.ways = config(bench, size, batch)
        cfg.train_cfg.max_iters = len(turns.ways) * turns.length
        train(cfg, (turns, 'LOWEST'))
        row |= dict(ok=list(turns.found) == list(turns.ways))
    base = turns.found.get(WITHOUT, {}).get('milliseconds')
    for way, found in turns.found.items():
        with bench.row(way=way, size=size, batch=batch, **found) as row:
            row |= dict(ratio=found['milliseconds'] / base, ok=True)


def config(bench: Bench, size: int, batch: int) -> tuple[Config, dict[str, list[str]]]:
    """configs/mikd_pix2pix.py on noise, with the objectives of all recipes; and those of each way."""
    folder = bench.folder(f'{size}px')
    cfg = Config.fromfile(CLONE / 'configs' / 'mikd_pix2pix.py')
    distill = cfg.default_hooks.distill
    for model, width in (
        (cfg.model, 4 if bench.dry else 16),
        (distill.teacher.model, 8 if bench.dry else 64),
    ):
        model.generator.update(num_down=size.bit_length() - 1, base_channels=width)
        model.discriminator.update(base_channels=4 if bench.dry else 64)
    ways: dict[str, list[str]] = {WITHOUT: []}
    distill.pop('recipe'), distill.pop('start')
    distill.objectives = {}
    for recipe in RECIPES_TIMED:
        ways[recipe] = []
        for name, objective in copy.deepcopy(RECIPES[recipe]['objectives']).items():
            if batch == 1 and 'chain' in objective:
                objective['chain'].pop('start', None)  # there is no other sample, and it costs nothing
            if objective['type'] == 'MIDistillLoss':
                objective['critic'] = dict(image_size=size) | objective['critic']
            distill.objectives[f'{recipe}_{name}'] = objective
            ways[recipe].append(f'{recipe}_{name}')
    ways[CHANNELS_LAST] = ways['pyramid']
    # it watches, and lets everything pass: images of noise are no pictures
    distill.guard = dict.fromkeys(('base', 'non_finite', 'chain', 'floor', 'gradient'), 'warn')
    cfg.train_dataloader.batch_size = batch
    cfg.train_dataloader.dataset.data_root = str(noise(Path(folder) / 'data', size))
    for transform in cfg.train_dataloader.dataset.pipeline:
        if transform.type in ('Resize', 'FixedCrop'):
            transform['scale' if transform.type == 'Resize' else 'crop_size'] = (size, size)
    cfg.default_hooks.logger = dict(type='LoggerHook', interval=10**6)
    cfg.custom_hooks, cfg.randomness = [], dict(seed=0)
    return shortened(cfg, folder, 1), ways
