"""Checkpoints of this MMEngine load with safe loading on, and nothing but checkpoints does."""

import os
import pickle
import zipfile

import compat_runs
import numpy as np
import pytest
import torch
from mmagic.utils import register_all_modules
from mmengine.logging import HistoryBuffer, MessageHub
from mmengine.runner import Runner


@pytest.fixture
def checkpoint(tmp_path):
    """A file with a message hub of losses and a NumPy scalar, as `CheckpointHook` writes it."""
    hub = MessageHub.get_instance('safe_resume')
    for loss in (3.0, 1.0):
        hub.update_scalar('train/loss', loss)
    hub.update_info('best_score', np.float64(0.5))
    torch.save({'message_hub': hub.state_dict(), 'state_dict': {'w': torch.ones(2)}}, tmp_path / 'iter_1.pth')
    return tmp_path / 'iter_1.pth'


class Payload:
    """Pickles into a call of `function`."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


def test_stock_toolbox_cannot_read_its_own_checkpoint(stock):
    assert stock['safe_resume'].startswith('UnpicklingError')
    assert 'HistoryBuffer was not an allowed global' in stock['safe_resume']


def test_a_message_hub_comes_back_with_safe_loading_on(checkpoint):
    loaded = torch.load(checkpoint, weights_only=True)['message_hub']
    history = loaded['log_scalars']['train/loss']
    assert isinstance(history, HistoryBuffer)
    assert history.mean() == 2.0 and history.statistics('min') == 1.0
    assert loaded['runtime_info']['best_score'] == 0.5


def test_a_message_hub_written_under_numpy_1_comes_back(checkpoint, tmp_path):
    old = tmp_path / 'old.pth'
    with zipfile.ZipFile(checkpoint) as source, zipfile.ZipFile(old, 'w') as target:
        for item in source.infolist():
            target.writestr(item, source.read(item).replace(b'numpy._core.', b'numpy.core.'))
    assert old.read_bytes() != checkpoint.read_bytes()
    assert torch.load(old, weights_only=True)['message_hub']['log_scalars']['train/loss'].current() == 1.0


@pytest.mark.parametrize(
    'payload',
    [
        Payload(os.system, 'false'),
        Payload(eval, '1 + 1'),
        Payload(getattr, HistoryBuffer, 'update'),
        Payload(getattr, HistoryBuffer, '__init__'),
        Payload(getattr, HistoryBuffer, '__class__'),
        Payload(getattr, torch.Tensor, '__reduce__'),
    ],
)
def test_anything_else_is_still_refused(tmp_path, payload):
    torch.save({'message_hub': payload}, tmp_path / 'bad.pth')
    with pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / 'bad.pth', weights_only=True)


def test_safe_loading_stays_the_default(tmp_path):
    torch.save({'x': Payload(eval, '1 + 1')}, tmp_path / 'bad.pth')
    with pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / 'bad.pth')


def test_a_run_resumes_where_it_stopped(tmp_path):
    register_all_modules()
    first = compat_runs.config('pix2pix', tmp_path, iters=2)
    Runner.from_cfg(first).train()
    second = compat_runs.config('pix2pix', tmp_path, iters=3)
    second.merge_from_dict(dict(resume=True))
    runner = Runner.from_cfg(second)
    runner.train()
    assert runner.iter == 3
    losses, _ = runner.message_hub.get_scalar('train/loss').data
    assert len(losses) == 3  # two of them from the first run's history
