"""How a distillation scales: bytes between GPUs in an iteration, memory of one GPU, time on 8 and on 64.

    python tools/analysis/scaling.py configs/mikd_pix2pix.py
    python tools/analysis/scaling.py CONFIG --gpus 8 64 --bandwidth 100GB/s --seconds 0.05

Trains the config for a few iterations, on its data, in one process that believes to be one of two.
"""

import argparse
from collections.abc import Iterable

import torch

from mikd.arguments.scaling import parse_args

from ...utils import escape
from ..launch.launch import change_config, read_config, user_errors
from .footprint import TEACHER, Footprint, measure

LEGEND = """\
Sent: what one GPU gives to collectives (gradients, running statistics, flags) in one iteration; counted.
Memory: the tensors' sizes, added up. The peak of activations is counted in the first iteration on this device,
without workspaces of kernels, fragmentation and the CUDA context, so the sum is an estimate.
Time: computing is {computing}. Communication is an estimate: a ring
all-reduce of each message, 2 (N-1)/N bytes / bandwidth + 2 (N-1) latency, none of it hidden behind computing.
Assumed: {within:g} GB/s in a node of {per_node} GPUs, {between:g} GB/s across nodes, {latency:g} us a hop."""


@user_errors()
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    cfg = read_config(args.config)
    change_config(cfg, args.config, args.cfg_options)
    footprint = measure(cfg, args.iters)
    print(f'\n{escape.line(args.config)}, a batch of {cfg.train_dataloader.batch_size} on each GPU\n')
    tables = sent_table(footprint.sent), memory_table(footprint.memory), time_table(footprint, args)
    print(*tables, legend(args), sep='\n\n')


def communication(messages: Iterable[int], gpus: int, args: argparse.Namespace) -> float:
    """Seconds of a ring all-reduce of each message, one after the other."""
    rate = args.bandwidth if gpus <= args.gpus_per_node else args.bandwidth_between
    hops = 2 * (gpus - 1)
    return sum(hops / gpus * message / rate + hops * args.latency * 1e-6 for message in messages)


def sent_table(sent: dict[str, list[int]]) -> str:
    rows = [[part, str(len(messages)), f'{sum(messages):,}'] for part, messages in sent.items()]
    silent = 'Langevin chain' if TEACHER in sent else f'{TEACHER}, Langevin chain'
    rows += [[silent, '0', '0']]
    everything = [message for messages in sent.values() for message in messages]
    rows += [['all', str(len(everything)), f'{sum(everything):,}']]
    return table(['sent in an iteration', 'messages', 'bytes'], rows)


def memory_table(memory: dict[str, int]) -> str:
    rows = [[part, f'{size / 2**20:,.1f}'] for part, size in memory.items()]
    return table(['memory of one GPU', 'MiB'], [*rows, ['sum', f'{sum(memory.values()) / 2**20:,.1f}']])


def time_table(footprint: Footprint, args: argparse.Namespace) -> str:
    messages = [message for messages in footprint.sent.values() for message in messages]
    computing = args.seconds or footprint.seconds
    rows = []
    for gpus in args.gpus:
        seconds = communication(messages, gpus, args)
        efficiency = computing / (computing + seconds)
        times = [f'{1000 * s:,.2f}' for s in (computing, seconds, 9 * seconds)]
        rows.append(
            [str(gpus), *times[:2], f'{100 * efficiency:.1f} %', f'{gpus * efficiency:.1f}', times[2]]
        )
    head = [
        'GPUs',
        'computing, ms',
        'communication, ms',
        'efficiency',
        'times one GPU',
        '90 % needs computing of, ms',
    ]
    return table(head, rows)


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ['---', *['---:'] * (len(head) - 1)], *rows]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def legend(args: argparse.Namespace) -> str:
    device = (
        torch.cuda.get_device_name()
        if torch.cuda.is_available()
        else f'{torch.get_num_threads()} CPU threads'
    )
    measured = f'the median of {args.iters} iterations measured on {device}'
    return LEGEND.format(
        computing='given' if args.seconds else measured,
        within=args.bandwidth / 1e9,
        between=args.bandwidth_between / 1e9,
        per_node=args.gpus_per_node,
        latency=args.latency,
    )


if __name__ == '__main__':
    main()
