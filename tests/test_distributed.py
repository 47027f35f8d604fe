"""Two processes over gloo: replicas stay bit-identical, data and noise differ."""

import subprocess
import sys
from pathlib import Path

import families
import pytest
import torch
from families import equal, load
from mmengine.config import Config

SCRIPT = Path(__file__).with_name('distributed_run.py')


def run_two_processes(cfg: Config, nodes: int = 1) -> list[dict]:
    """Train on two processes, one node or two, and return what each rank left behind."""
    work_dir = Path(cfg.work_dir)
    config = work_dir / 'config.py'
    config.write_text('\n'.join(f'{key} = {value!r}' for key, value in cfg.to_dict().items()))
    command = [sys.executable, '-m', 'torch.distributed.run', f'--nproc_per_node={2 // nodes}']
    if nodes == 1:
        commands = [[*command, '--standalone']]
    else:
        address = [f'--nnodes={nodes}', '--master_addr=127.0.0.1', f'--master_port={free_port()}']
        commands = [[*command, *address, f'--node_rank={rank}'] for rank in range(nodes)]
    arguments = [str(SCRIPT), str(config)]
    processes = [
        subprocess.Popen([*c, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for c in commands
    ]
    for process in processes:
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output[-3000:]
    return [load(work_dir / f'rank{rank}.pth') for rank in range(2)]


def free_port() -> int:
    import socket

    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return listener.getsockname()[1]


def same(a: object, b: object) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


def weights(rank: dict) -> dict:
    """All but the running means that the toolbox, except in translation models, keeps for each rank alone."""
    per_rank = ('running_mean', 'running_var', 'mean_path_length')
    return {key: value for key, value in rank['model'].items() if not key.endswith(per_rank)}


@pytest.mark.slow
@pytest.mark.parametrize('family', ['pix2pix', 'cyclegan', 'stylegan2', 'edsr', 'srgan'])
def test_replicas_are_bit_identical_after_training(tmp_path, family):
    cfg = getattr(families, family)(tmp_path, iters=3)
    cfg.default_hooks.distill.loss.loss_weight = 5.0
    cfg.randomness = dict(seed=0, diff_rank_seed=True)
    first, second = run_two_processes(cfg)
    assert equal(weights(first), weights(second))
    assert same(first['optimizers'], second['optimizers'])
    assert same(first['critics'], second['critics'])
    assert not torch.equal(first['images'][0], second['images'][0])
    assert not torch.equal(first['noise'], second['noise'])


@pytest.mark.slow
def test_two_nodes_of_one_process_are_two_processes(tmp_path):
    """The launcher's own variables; the same seed gives the same run on either layout."""
    one = families.pix2pix(tmp_path / 'one', iters=2)
    two = families.pix2pix(tmp_path / 'two', iters=2)
    assert equal(run_two_processes(one)[0]['model'], run_two_processes(two, nodes=2)[0]['model'])
