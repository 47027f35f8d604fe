"""What every test wants: the same numbers each time, quick runs that share nothing, working Ctrl-C."""

import copy
import itertools
import signal
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import mmengine.config.config
import mmengine.dataset.base_dataset
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.runner import Runner, set_random_seed
from places import ROOT

# A shell starts what it runs in the background with Ctrl-C ignored, and every process below inherits that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    """Before the fixtures: what a test draws and prints must not depend on the tests that ran before it."""
    MMLogger._instance_dict.clear()  # the newest would write to the output of its own test, which is closed
    set_random_seed(0)


def pytest_collection_modifyitems(items):
    """Files with slow tests go first: last, one of them would keep one process busy and the others idle."""
    slow = {item.path for item in items if item.get_closest_marker('slow')}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True, scope='session')
def unformatted_configs():
    """MMEngine formats the config with yapf five times a run, nine tenths of a tiny run's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mmengine.config.config, 'FormatCode', lambda text, **_: (text, True))
        yield


@pytest.fixture(autouse=True, scope='session')
def configs_read_once():
    """MMEngine takes a sixth of a second for a shipped config with its bases, half of what sets a tiny run up.

    A copy of one takes a hundredth of that. What lies elsewhere is a test's own and may change, or, as a
    study's, asks the environment where its data are.
    """
    stock = Config.fromfile
    once = cache(stock)

    def fromfile(filename, *args, **kwargs):
        if Path(filename).is_relative_to(ROOT / 'configs'):
            return copy.deepcopy(once(str(filename), *args, **kwargs))
        return stock(filename, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Config, 'fromfile', staticmethod(fromfile))
        yield


@pytest.fixture(autouse=True, scope='session')
def uncollected_garbage():
    """MMEngine collects garbage for each data set: a second of walking through all that was imported."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mmengine.dataset.base_dataset, 'gc', SimpleNamespace(collect=lambda: 0))
        yield


@pytest.fixture(autouse=True, scope='session')
def a_name_for_each_run():
    """Two runs of one name and one second would share their message hub, logger and visualizer."""
    build, numbers = Runner.__init__, itertools.count()

    def named(runner, *args, experiment_name=None, **kwargs):
        build(runner, *args, experiment_name=f'{experiment_name or "run"}_{next(numbers)}', **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Runner, '__init__', named)
        yield


@pytest.fixture(scope='module')
def one_thread():
    """For the tests of a file that ask for it by `usefixtures`."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
