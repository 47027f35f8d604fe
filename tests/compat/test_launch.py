"""Launching without a GPU, and translation models whose replicas stay the same."""

import os
import subprocess
import sys

import compat_runs
import pytest

slow = pytest.mark.slow  # two processes train four models, once for all of these tests


@pytest.fixture(scope='module')
def ranks(tmp_path_factory) -> list[dict]:
    """What the two processes of `two_processes.py` found."""
    return compat_runs.two_processes('two_processes.py', tmp_path_factory.mktemp('ranks'))


def test_stock_launchers_select_a_gpu_that_is_not_there(stock):
    assert stock['cpu_launch: init_dist'].startswith('RuntimeError')
    assert 'NVIDIA' in stock['cpu_launch: init_dist'] or 'CUDA' in stock['cpu_launch: init_dist']


def test_stock_wrapper_hands_device_ids_to_a_cpu_model(stock):
    assert stock['cpu_launch: wrapper'].startswith('ValueError: DistributedDataParallel device_ids')


@slow
def test_a_config_that_names_nccl_trains_through_gloo(ranks):
    assert [rank['backend'] for rank in ranks] == ['gloo', 'gloo']


@slow
@pytest.mark.parametrize('family', ['pix2pix', 'cyclegan'])
def test_stock_replicas_drift_apart(ranks, family):
    first, second = (rank[f'{family}, stock']['parameters'] for rank in ranks)
    assert first != second


@slow
@pytest.mark.parametrize('run', ['pix2pix', 'cyclegan, accumulated and clipped'])
def test_repaired_replicas_are_bit_identical(ranks, run):
    first, second = (rank[run] for rank in ranks)
    assert first == second


@slow
def test_repaired_training_differs_from_the_stock_one(ranks):
    assert ranks[0]['pix2pix']['parameters'] != ranks[0]['pix2pix, stock']['parameters']


@slow
def test_gradients_are_averaged_as_distributed_data_parallel_does(ranks):
    both, first_only, none, double = [1.5, 3.0], [2.0, 2.0], None, [1.0]
    assert [rank['averaged'] for rank in ranks] == [[both, first_only, none, double]] * 2


@slow
def test_two_processes_of_one_image_are_one_process_of_two(ranks):
    assert max(rank['distance to large batch'] for rank in ranks) < 1e-6


LEAVING = """
import atexit, os, torch, mmagic_mikd
from mmengine.dist import init_dist
from mmengine.model.wrappers.distributed import MMDistributedDataParallel

@atexit.register
def threads():
    names = [open(f'/proc/self/task/{task}/comm').read() for task in os.listdir('/proc/self/task')]
    print('left:', not torch.distributed.is_initialized(), 'gloo threads:', sum('gloo' in n for n in names))

init_dist('pytorch')
model = torch.nn.Linear(1, 1)
model.itself = MMDistributedDataParallel(model)  # a cycle, as a runner's
threads()
del model
"""


@slow
def test_a_process_leaves_the_group_before_the_interpreter_ends(tmp_path):
    """Gloo's threads, left running, abort a process that has ended well, one in twenty."""
    script = tmp_path / 'one.py'
    script.write_text(LEAVING)
    place = dict(RANK='0', WORLD_SIZE='1', LOCAL_RANK='0', MASTER_ADDR='127.0.0.1', MASTER_PORT='0')
    env = {**os.environ, **place, 'CUDA_VISIBLE_DEVICES': ''}
    done = subprocess.run([sys.executable, script], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    during, after = done.stdout.splitlines()
    assert during.startswith('left: False gloo threads: ') and not during.endswith(' 0')
    assert after == 'left: True gloo threads: 0'
