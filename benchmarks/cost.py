"""What the energy-based bound adds to an iteration: time, memory, and how well the critic uses the processor.

    python benchmarks/cost.py                 writes benchmarks/cost.md, in minutes
    python benchmarks/cost.py --quick         tries it with tiny networks and writes nothing

Pix2Pix as in configs/mikd_pix2pix.py, on noise: teacher 64 channels wide, student 16, the config's bound in
closed form. The iterations of one run take turns: with that alone and, beside it, the energy-based bound by
a critic of 8 channels, by the reference's, as recipe='shuffled', so that whatever else the machine does meets
them alike; a ratio is of neighbours.
"""

import time

STARTED = time.perf_counter()  # before the imports, which are part of a user's waiting

import argparse  # noqa: E402
import statistics  # noqa: E402
import tempfile  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import cv2  # noqa: E402
import mmengine.config.config  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from mmengine.config import Config  # noqa: E402
from mmengine.hooks import Hook  # noqa: E402
from mmengine.registry import MODELS  # noqa: E402
from mmengine.runner import Runner  # noqa: E402

from mmagic_mikd import EnergyCritic, MIDistillLoss, langevin  # noqa: E402
from mmagic_mikd.apps.launch.launch import user_errors  # noqa: E402
from mmagic_mikd.apps.scaling.footprint import shortened  # noqa: E402
from mmagic_mikd.apps.scaling.tracker import Tracker  # noqa: E402
from mmagic_mikd.cost.training_macs import TrainingMacs, cpu_name  # noqa: E402
from mmagic_mikd.engine.hook import distillation_in  # noqa: E402
from mmagic_mikd.engine.recipes import RECIPES  # noqa: E402
from mmagic_mikd.objectives.objective import frozen  # noqa: E402

HERE = Path(__file__).resolve().parent
WITHOUT, SHUFFLED = 'without', 'shuffled'
REFERENCE, PATCHES = (RECIPES[name]['objectives']['mi'] for name in ('reference', SHUFFLED))
# Settings of the critic and of the chain in each way. Chains start at s in all of them: there is no other
# sample in a batch of one, and where they start costs nothing.
WAYS: dict[str, tuple[dict, dict]] = {
    'c0 = 8': (dict(REFERENCE['critic'], base_channels=8), REFERENCE['chain']),
    'c0 = 32': (REFERENCE['critic'], REFERENCE['chain']),
    SHUFFLED: (PATCHES['critic'], {k: value for k, value in PATCHES['chain'].items() if k != 'start'}),
}
OBJECTIVES = {WITHOUT: ['pyramid']} | {way: ['pyramid', f'way{number}'] for number, way in enumerate(WAYS)}
COUNTED = 1  # the round whose memory is counted: after the first, optimisers and gradients are in place
WARM_UP = 2  # rounds that are not timed


class TakesTurns(Hook):
    """Exchanges what is trained from one iteration to the next, and watches the model's step.

    Args:
        ways: the names of each way's objectives among all that the run has.
    """

    priority = 'VERY_HIGH'  # before the hook asks the objectives of an iteration whether they want a teacher

    def __init__(self, ways: dict[str, list[str]]) -> None:
        self.ways, self.iteration = ways, 0
        self.seconds: dict[str, list[float]] = {way: [] for way in ways}
        self.peak: dict[str, int] = {}  # bytes of the tensors that one step makes and holds at a time
        self.first_iteration = 0.0

    @staticmethod
    def iterations(ways: int, rounds: int) -> int:
        """Of a run with ``rounds`` timed rounds."""
        return (WARM_UP + rounds) * ways

    def before_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        distill = distillation_in(runner)
        if self.iteration == 0:
            self._built, self._step = distill.objectives, runner.model.train_step
            runner.model.train_step = self._watched
        self._round, turn = divmod(self.iteration, len(self.ways))
        self._way = list(self.ways)[turn]
        distill.iteration.objectives = [self._built[name] for name in self.ways[self._way]]
        self.iteration += 1

    def _watched(self, *args: Any, **kwargs: Any) -> Any:
        self.first_iteration = self.first_iteration or time.perf_counter() - STARTED
        if self._round == COUNTED:
            with Tracker() as tracker:
                out = self._step(*args, **kwargs)
            self.peak[self._way] = tracker.peak
            return out
        begin = time.perf_counter()
        out = self._step(*args, **kwargs)
        if self._round >= WARM_UP:
            self.seconds[self._way].append(time.perf_counter() - begin)
        return out


def config(folder: Path, size: int, batch: int, rounds: int, quick: bool) -> Config:
    """configs/mikd_pix2pix.py at ``size`` pixels, on pairs of noise."""
    cfg = Config.fromfile(HERE.parent / 'configs' / 'mikd_pix2pix.py')
    distill = cfg.default_hooks.distill
    for model, width in ((cfg.model, 4 if quick else 16), (distill.teacher.model, 8 if quick else 64)):
        model.generator.update(num_down=size.bit_length() - 1, base_channels=width)
        model.discriminator.update(base_channels=4 if quick else 64)
    distill.objectives = dict(pyramid={})
    for name, (critic, chain) in WAYS.items():
        critic = dict(image_size=size) | critic
        distill.objectives[OBJECTIVES[name][-1]] = REFERENCE | dict(critic=critic, chain=chain)
    distill.guard = None  # which would have something to say of images of noise
    cfg.train_dataloader.batch_size = batch
    cfg.train_dataloader.dataset.data_root = str(noise(folder / 'data', size))
    for transform in cfg.train_dataloader.dataset.pipeline:
        if transform.type == 'Resize':
            transform.scale = (size, size)
        if transform.type == 'FixedCrop':
            transform.crop_size = (size, size)
    cfg.default_hooks.logger = dict(type='LoggerHook', interval=10**6)
    cfg.custom_hooks, cfg.randomness = [], dict(seed=0)
    return shortened(cfg, folder, TakesTurns.iterations(1 + len(WAYS), rounds))


def noise(folder: Path, size: int, count: int = 8) -> Path:
    """Pairs side by side, as Pix2Pix loads them."""
    (folder / 'train').mkdir(parents=True)
    draw = np.random.default_rng(0)
    for index in range(count):
        pair = draw.integers(0, 256, (size, 2 * size, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / 'train' / f'{index}.png'), pair)
    return folder


def training(size: int, batch: int, rounds: int, quick: bool) -> TakesTurns:
    with tempfile.TemporaryDirectory() as folder:
        runner, turns = (
            Runner.from_cfg(config(Path(folder), size, batch, rounds, quick)),
            TakesTurns(OBJECTIVES),
        )
        runner.register_hook(turns)
        runner.train()
    return turns


# ---- how well the processor is used -------------------------------------------------------------


def throughput(run: Callable[[], Any], repeats: int) -> tuple[float, float]:
    """(GMACs, best GMACs a second) of a function."""
    with TrainingMacs() as counter:
        run()
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - begin)
    gmacs = counter.macs / 1e9
    return gmacs, gmacs / min(seconds)


def convolution(channels: int, size: int) -> Callable[[], Any]:
    layer = torch.nn.Conv2d(channels, channels, 3, padding=1).requires_grad_(False)
    layer = layer.to(memory_format=torch.channels_last)
    x = torch.randn(1, channels, size, size).to(memory_format=torch.channels_last).requires_grad_(True)

    def run() -> None:
        y = layer(x)
        torch.autograd.grad(y, x, y.detach())

    return run


def chain(critic: EnergyCritic, size: int, **sampler: Any) -> Callable[[], Any]:
    s = torch.rand(1, 3, size, size) * 2 - 1

    def run() -> None:
        with frozen(critic):
            langevin(critic.given(s), s, **sampler)

    return run


def critic_step(critic: EnergyCritic, size: int) -> Callable[[], Any]:
    loss = MIDistillLoss()
    t, s, t_neg = torch.rand(3, 1, 3, size, size) * 2 - 1

    def run() -> None:
        value, _ = loss.critic_loss(critic, t, s, t_neg)
        torch.autograd.grad(value, list(critic.parameters()))

    return run


# ---- the page -----------------------------------------------------------------------------------


def ratios(turns: TakesTurns, way: str) -> str:
    both = zip(turns.seconds[way], turns.seconds[WITHOUT], strict=True)
    each = [with_mi / without for with_mi, without in both]
    spread = f' ± {statistics.stdev(each):.2f}' if len(each) > 1 else ''
    return f'{statistics.mean(each):.2f}{spread}, median {statistics.median(each):.2f}'


def page(args: argparse.Namespace) -> str:
    titles = ' | '.join(f'{way}, ratio' for way in WAYS)
    lines = [f'| image | batch | without | {titles} | peak memory, ratios |']
    lines.append(f'| --- |{" ---: |" * (3 + len(WAYS))}')
    first = 0.0
    for size in args.sizes:
        turns = training(size, args.batch, args.rounds, args.quick)
        first = first or turns.first_iteration
        seconds, peak = statistics.median(turns.seconds[WITHOUT]), turns.peak[WITHOUT]
        cells = [f'{size} px', str(args.batch), f'{seconds:.3f} s, {peak / 2**20:.0f} MiB']
        cells += [ratios(turns, way) for way in WAYS]
        cells.append(', '.join(f'{turns.peak[way] / peak:.2f}' for way in WAYS))
        lines.append(f'| {" | ".join(cells)} |')
    size, repeats = max(args.sizes), 2 if args.quick else 10
    used = ['| at batch 1 | GMACs | GMACs a second |', '| --- | ---: | ---: |']
    for channels, side in ((64, 64), (128, 32), (8, size // 2), (32, size // 2)):
        gmacs, rate = throughput(convolution(channels, side), repeats)
        name = f'convolution of {channels} channels at {side} px, with its input gradient'
        used.append(f'| {name} | {gmacs:.3f} | {rate:.1f} |')
    for way, (settings, sampler) in WAYS.items():
        critic = MODELS.build(dict(image_size=size) | settings)
        for name, run in (
            (f'chain of {sampler.get("steps", 10)} steps', chain(critic, size, **sampler)),
            ("critic's step", critic_step(critic, size)),
        ):
            gmacs, rate = throughput(run, repeats)
            used.append(f'| {name}, {way}, {size} px | {gmacs:.3f} | {rate:.1f} |')
    command = (
        f'python benchmarks/cost.py --threads {args.threads} --rounds {args.rounds} --batch {args.batch}'
    )
    where = f'{cpu_name()}, PyTorch {torch.__version__}'
    return PAGE.format(
        command=command, where=where, table='\n'.join(lines), used='\n'.join(used), first=first
    )


PAGE = """\
# Cost

Written by `{command}` on
{where}.

Seconds are of the model's whole step (student, discriminator, teacher, the bound in closed form),
without loading data. A ratio is a step with the energy-based bound as well over its neighbour
without: mean ± standard deviation, median. Memory is the peak of the tensors that one step makes,
without weights, optimisers and the workspaces of kernels. Critic and chain are those of
recipe='reference', with c0 = 8, as in the paper for CycleGAN, and with 32, as for Pix2Pix, and
those of recipe='shuffled': 2 blocks, 5 steps.

{table}

How the chain and the critic's step use this processor, against convolutions alone; the best of the
repetitions.

{used}

From the command to the first iteration, imports and the building of everything included: {first:.1f} s.
"""


def prepare(threads: int) -> None:
    """What a training wants of its process."""
    torch.set_num_threads(threads)
    from mmagic.utils import register_all_modules  # once it has been repaired

    register_all_modules()
    mmengine.config.config.FormatCode = lambda text, **_: (text, True)  # yapf, for seconds


@user_errors()
def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--sizes', type=int, nargs='+', default=[64, 128, 256], help='sides of the images')
    parser.add_argument('--batch', type=int, default=1)
    parser.add_argument('--rounds', type=int, default=8, help='timed iterations of each kind')
    parser.add_argument('--threads', type=int, default=torch.get_num_threads())
    parser.add_argument('--quick', action='store_true', help='tiny networks, two rounds, nothing written')
    args = parser.parse_args(argv)
    if args.quick:
        args.sizes, args.rounds = [32], 2
    prepare(args.threads)
    text = page(args)
    if not args.quick:
        (HERE / 'cost.md').write_text(text)
    print(text)


if __name__ == '__main__':
    main()
