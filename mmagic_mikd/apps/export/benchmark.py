"""How fast student and teacher of a config are, in turn, as they ship: time beside multiply-accumulates.

    python tools/benchmark.py CONFIG [CHECKPOINT] [--runtime torch ort] [--threads 1]

Multiply-accumulates fall faster than the clock: the last column says how much of the ratio is kept.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mikd.arguments.benchmark import parse_args

from ...cost.complexity import Complexity, complexity
from ...cost.of_config import build_generator, input_shape, teacher_networks
from ...deploy.form import Deployed, takes_latents
from ...deploy.spec import Spec, multiple_of
from ...deploy.speed import Timing, by_layer_type, in_turn, peak_memory
from ...deploy.write import Written, write
from ...teachers.weights import load_network
from ...utils import escape
from ...utils.checks import require_writable
from ..launch.launch import read_config, require_checkpoint, user_errors

# every tensor gets memory of its own, so that a peak is one
FRESH = dict(MALLOC_MMAP_THRESHOLD_='65536', MALLOC_TRIM_THRESHOLD_='0')


class Subject(NamedTuple):
    """A generator of the config, as it ships, and an input of it."""

    name: str
    network: Deployed
    x: Tensor
    cost: Complexity

    @property
    def megabytes(self) -> float:
        """Of the weights in float32; a file is a little larger."""
        return sum(p.numel() * 4 for p in self.network.state_dict().values()) / 1e6


@user_errors()
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    require_checkpoint('checkpoint', args.checkpoint)
    if args.out:
        require_writable('--out', args.out)
    from mmagic.utils import register_all_modules

    register_all_modules()
    torch.set_num_threads(args.threads)
    subjects = subjects_of(args)
    if args.peak:
        (s,) = (s for s in subjects if s.name == args.peak)
        print(peak_memory(lambda: s.network(s.x)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        timings = {name: timed(subjects, name, args, Path(folder)) for name in args.runtime}
        files = {path.stem: path.stat().st_size / 1e6 for path in Path(folder).glob('*.onnx')}
    memory = {s.name: memory_of(s.name, args) for s in subjects}
    layers = {s.name: by_layer_type(s.network.network, s.x, args.rounds) for s in subjects}
    print('\n'.join(lines(subjects, timings, memory, layers, files)))
    if (load := os.getloadavg()[0]) > args.threads:
        print(f'The machine was busy (load {load:.1f}): trust the ratio, not the milliseconds.')
    if args.out:
        sizes = {s.name: dict(weights=s.megabytes, file=files.get(s.name)) for s in subjects}
        numbers = {
            s.name: s.cost._asdict() | dict(megabytes=sizes[s.name], peak=memory[s.name]) for s in subjects
        }
        times = {r: {name: t._asdict() for name, t in found.items()} for r, found in timings.items()}
        args.out.write_text(json.dumps(numbers | dict(milliseconds=times, layers=layers), indent=2) + '\n')
    print('Next: with --out RUN_DIR/benchmark.json these times are part of what mikd report RUN_DIR shows')
    return 0


def memory_of(name: str, args: argparse.Namespace) -> int | None:
    """Peak bytes of one call, by a process of its own, whose memory nobody has used before."""
    command = [sys.executable, '-m', 'mmagic_mikd', 'benchmark', args.config, '--peak', name]
    command += ['--input-shape', *map(str, args.input_shape)] if args.input_shape else []
    done = subprocess.run(command, env=os.environ | FRESH, capture_output=True, text=True, check=False)
    last = done.stdout.split()[-1:] or ['']
    return int(last[0]) if done.returncode == 0 and last[0].isdigit() else None


def subjects_of(args: argparse.Namespace) -> list[Subject]:
    cfg = read_config(args.config)
    teachers = teacher_networks(cfg, args.config)
    name = 'student' if teachers else 'generator'
    own = build_generator(cfg.get('model') or {}, f'the {name} in {args.config}')
    # its input is what teachers are given too
    x = torch.rand(1, *(args.input_shape or input_shape(cfg, own, cfg.model['generator'], args.config)))
    if args.checkpoint:
        load_network(own, args.checkpoint, 'generator')
    return [
        Subject(label, Deployed(network, 'frozen'), x, complexity(network, x))
        for label, network in {**teachers, name: own}.items()
    ]


def timed(subjects: list[Subject], runtime: str, args: argparse.Namespace, folder: Path) -> dict[str, Timing]:
    calls = {}
    for s in subjects:
        run: nn.Module | Written = s.network
        if runtime == 'ort':
            path, spec = folder / f'{s.name}.onnx', spec_of(s)
            write(s.network, s.x, spec, 'onnx', path, dynamic=False)
            run = Written(path, 'onnx', args.threads)
        calls[s.name] = lambda run=run, x=s.x: run(x)
    with torch.no_grad():
        return in_turn(calls, args.rounds)


def spec_of(s: Subject) -> Spec:
    """An interface for a file that is only timed."""
    kind = 'latent' if takes_latents(s.network.network) else 'image'
    multiple = multiple_of(s.network.network)
    return Spec(kind, 'RGB', 0.0, 1.0, multiple, 1.0, 'frozen', tuple(s.x.shape[1:]))


def lines(subjects: list[Subject], timings: dict, memory: dict, layers: dict, files: dict) -> list[str]:
    """The report as Markdown; ``files``: megabytes of those that were written to be timed."""
    heads = [
        'network',
        'input',
        'params',
        'MACs',
        'weights, MB',
        *['file, MB'] * bool(files),
        'peak MB',
        *(f'ms, {runtime}' for runtime in timings),
    ]
    found = [f'| {" | ".join(heads)} |']
    found.append('|' + ' --- |' * len(heads))
    for s in subjects:
        shape = 'x'.join(map(str, s.x.shape[1:]))
        peak = '' if memory[s.name] is None else f'{memory[s.name] / 1e6:.0f}'
        disk = [f'{size:.2f}' for size in (s.megabytes, files.get(s.name)) if size is not None]
        sizes = f'{s.cost.params / 1e6:.3f} M | {s.cost.macs / 1e9:.3f} G | {" | ".join(disk)} | {peak}'
        times = ' | '.join(f'{t[s.name].median:.1f} ± {t[s.name].spread:.1f}' for t in timings.values())
        found.append(f'| {escape.cell(s.name)} | {shape} | {sizes} | {times} |')
    found.append('')
    *teachers, student = subjects
    for teacher in teachers:
        than = f' from {teacher.name}' if len(teachers) > 1 else ''
        found += [kept(teacher, student, runtime + than, times) for runtime, times in timings.items()]
    for name, shares in layers.items():
        most = ', '.join(f'{kind} {share:.0%}' for kind, share in list(shares.items())[:4])
        found.append(f'Time of the {name} in torch: {most}.')
    return found


def kept(teacher: Subject, student: Subject, runtime: str, times: dict[str, Timing]) -> str:
    """How much of the fall of multiply-accumulates the clock has seen."""
    fewer = teacher.cost.macs / student.cost.macs
    faster = times[teacher.name].median / times[student.name].median
    share = faster / fewer
    return f'{runtime}: MACs fell {fewer:.1f} times, time {faster:.1f} times: {share:.0%} kept.'
