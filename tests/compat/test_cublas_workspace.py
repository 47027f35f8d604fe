"""Deterministic runs on a GPU: the workspace that cuBLAS needs for them."""

import os
import random

import numpy as np
import pytest
import torch
from mmengine.runner import runner

from mmagic_mikd.compat.cublas_workspace import NAME, VALUE


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    monkeypatch.setenv(NAME, 'of the shell')
    monkeypatch.delenv(NAME)
    cudnn, asked = torch.backends.cudnn, torch.are_deterministic_algorithms_enabled()
    before = cudnn.deterministic, cudnn.benchmark
    yield
    torch.use_deterministic_algorithms(asked)
    cudnn.deterministic, cudnn.benchmark = before


def test_stock_mmengine_sets_none():
    runner.set_random_seed.__wrapped__(0, deterministic=True)
    assert NAME not in os.environ and torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize(('deterministic', 'expected'), [(True, VALUE), (False, None)])
def test_the_runner_sets_it_for_deterministic_runs_alone(deterministic, expected):
    assert runner.set_random_seed(3, deterministic=deterministic, diff_rank_seed=False) == 3
    assert os.environ.get(NAME) == expected
    drawn = random.random(), np.random.rand(), torch.rand(1)
    runner.set_random_seed.__wrapped__(3)
    assert drawn == (random.random(), np.random.rand(), torch.rand(1))


def test_what_the_shell_says_holds(monkeypatch):
    monkeypatch.setenv(NAME, ':16:8')
    runner.set_random_seed(0, True)
    assert os.environ[NAME] == ':16:8'
