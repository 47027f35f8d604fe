"""What an iteration sends, holds and takes: counted on hand-made cases; the estimates from them."""

import argparse

import pytest
import torch
from families import pix2pix
from mmengine.config import Config
from torch import nn

from mikd.arguments.scaling import bandwidth
from mmagic_mikd.apps.scaling import scaling as tool
from mmagic_mikd.apps.scaling.footprint import Footprint, measure, shortened
from mmagic_mikd.apps.scaling.pretended_group import pretended_group
from mmagic_mikd.apps.scaling.tracker import Tracker
from mmagic_mikd.utils.errors import ConfigError

KIB = 1024


def test_the_peak_is_what_was_alive_at_once():
    x = torch.zeros(256)  # of before, so not counted
    with Tracker() as tracker:
        y = x + 1
        for _ in range(3):
            z = y * 2  # the old one is dropped once the new one is there
        view = z.view(16, 16)
        view.add_(1)
    assert tracker.bytes == 2 * KIB and tracker.peak == 3 * KIB
    tracker.forget(y)
    del z, view
    assert tracker.bytes == 0 and tracker.peak == 3 * KIB


def test_activations_are_held_until_the_backward_pass():
    layers = [nn.Linear(16, 16, bias=False) for _ in range(4)]
    x = torch.zeros(16, 16)
    with Tracker() as tracker:
        y = nn.Sequential(*layers)(x)
        held = tracker.bytes
        y.sum().backward()
    # the outputs of all layers; the transposed weights are views
    assert held == 4 * KIB
    assert tracker.bytes == (4 + 1) * KIB  # the gradients, and what `y` still names


def test_messages_are_counted_with_their_part():
    with pretended_group(), Tracker() as tracker:
        torch.distributed.all_reduce(torch.zeros(3))
        tracker.part = 'critic'
        torch.distributed.all_reduce(torch.zeros(5, dtype=torch.float64))
        torch.distributed.broadcast(torch.zeros(2), src=0)
    assert tracker.sent == {'buffers': [12], 'critic': [40, 8]}


def test_a_config_that_does_not_distil_is_refused():
    with pytest.raises(ConfigError, match=r'default_hooks\.distill is missing'):
        measure(Config(dict(default_hooks=dict())))


def test_no_hooks_at_all_are_no_distillation_either():
    with pytest.raises(ConfigError, match=r'default_hooks\.distill is missing'):
        measure(Config(dict(default_hooks=None)))


def test_an_objective_that_ends_is_measured_while_it_pulls(tmp_path):
    cfg = pix2pix(tmp_path)
    cfg.default_hooks.distill.objectives.mi.until = 0.01
    sent = measure(cfg, iters=1).sent
    assert sum(sent['mi']) > 0


def test_settings_of_workers_go_with_the_workers(tmp_path):
    loader = dict(batch_size=1, num_workers=4, persistent_workers=True, prefetch_factor=2, dataset=[0])
    cfg = Config(dict(train_dataloader=loader, default_hooks=dict(distill=dict())))
    assert shortened(cfg, tmp_path, 1).train_dataloader == dict(
        batch_size=1, num_workers=0, persistent_workers=False, dataset=[0]
    )
    assert cfg.train_dataloader == loader


@pytest.mark.parametrize(
    ('text', 'expected'), [('100GB/s', 1e11), ('400 Gbit/s', 5e10), ('1.5MB/s', 1.5e6), ('2TB/s', 2e12)]
)
def test_bandwidths(text, expected):
    assert bandwidth(text) == expected


@pytest.mark.parametrize('text', ['100', '0GB/s', 'fast', '1..5GB/s'])
def test_what_is_no_bandwidth(text):
    with pytest.raises(argparse.ArgumentTypeError, match='no bandwidth such as'):
        bandwidth(text)


def test_an_option_of_the_config_without_a_value_is_one_sentence(capsys):
    with pytest.raises(SystemExit) as ended:
        tool.main(['config.py', '--cfg-options', 'foo'])
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert said == 'Error: --cfg-options foo has no `=`: write it as KEY=VALUE\n'


def test_a_ring_by_hand():
    """Two GPUs send half a message twice, each message over two hops; many GPUs send almost two messages."""
    args = tool.parse_args(
        ['x.py', '--bandwidth', '1kB/s', '--bandwidth-between', '100kB/s', '--latency', '0']
    )
    assert tool.communication([1000, 500], 2, args) == pytest.approx(1.5)
    assert tool.communication([1000], 8, args) == pytest.approx(14 / 8)
    assert tool.communication([1000], 16, args) == pytest.approx(30 / 16 / 100)
    args.latency = 1e6
    assert tool.communication([0, 0], 2, args) == pytest.approx(4)
    assert tool.communication([1000], 1, args) == 0


def test_the_tables(capsys, monkeypatch, tmp_path):
    config = tmp_path / 'config.py'
    config.write_text('train_dataloader = dict(batch_size=3)')
    found = Footprint(dict(student=[400, 600], critic=[1000]), dict(teacher=2**20, gradients=2**21), 4.0)
    monkeypatch.setattr(tool, 'measure', lambda cfg, iters: found)
    slow = ['--bandwidth', '1kB/s', '--latency', '0', '--gpus', '2']
    tool.main([str(config), *slow])
    lines = capsys.readouterr().out.splitlines()
    assert {'| student | 2 | 1,000 |', '| all | 3 | 2,000 |', '| sum | 3.0 |'} <= set(lines)
    assert '| 2 | 4,000.00 | 2,000.00 | 66.7 % | 1.3 | 18,000.00 |' in lines
    assert any('median of 3 iterations measured' in line for line in lines)
    tool.main([str(config), *slow, '--seconds', '18'])
    out = capsys.readouterr().out
    assert '| 2 | 18,000.00 | 2,000.00 | 90.0 % | 1.8 | 18,000.00 |' in out and 'computing is given' in out


@pytest.mark.parametrize('option', ['--iters', '--gpus', '--gpus-per-node'])
def test_nothing_to_count_is_refused(option, capsys):
    with pytest.raises(SystemExit):
        tool.parse_args(['config.py', option, '0'])
    assert f"{option}: '0' is no whole number of at least 1" in capsys.readouterr().err
