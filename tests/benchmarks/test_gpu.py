"""The prepared run for a GPU: what of it a CPU can prove."""

import argparse
import copy
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from places import ROOT
from processes import in_a_copy

from benchmarks.gpu import __main__ as program
from benchmarks.gpu import bench, data, report, smoke
from benchmarks.gpu.captured import Captured, captured_chain, captured_step, critic_step
from benchmarks.gpu.draws import DrawnOnHost
from mmagic_mikd import EnergyCritic, langevin
from mmagic_mikd.objectives.objective import frozen

# ---- recorded once, replayed --------------------------------------------------------------------

CHAIN = dict(steps=3, step_size=10.0, noise_std=0.1)


@pytest.fixture
def critics():
    """One and its copy."""
    critic = EnergyCritic(base_channels=4, num_blocks=1)
    return critic, copy.deepcopy(critic)


def images(number: int) -> list[torch.Tensor]:
    return list(torch.rand(number, 2, 3, 16, 16) * 2 - 1)


def learn(*critics: EnergyCritic) -> None:
    """Change all weights in place, alike, as an optimiser does."""
    with torch.no_grad():
        for parameters in zip(*(critic.parameters() for critic in critics), strict=True):
            change = 0.1 * torch.randn_like(parameters[0])
            for parameter in parameters:
                parameter.add_(change)


@in_a_copy
def test_a_recorded_chain_has_the_numbers_of_the_chain(critics):
    """While images, weights and the settling norms change from one replay to the next."""
    one, other = critics
    mine, theirs = (torch.Generator().manual_seed(3) for _ in range(2))
    chain = captured_chain(one, *images(2), generator=mine, **CHAIN)
    ends = []
    for _ in range(3):
        s, start = images(2)
        ends.append(chain(s, start).clone())
        with frozen(other):
            expected = langevin(other.given(s), start, generator=theirs, **CHAIN)
        torch.testing.assert_close(ends[-1], expected, rtol=0, atol=1e-5)
        assert all(torch.equal(a, b) for a, b in zip(one.buffers(), other.buffers(), strict=True))
        learn(one, other)
    assert not torch.allclose(ends[0], ends[1])


@in_a_copy
def test_a_recorded_step_has_loss_and_gradients_of_the_step(critics):
    one, other = critics
    step = captured_step(one, *images(3))
    for _ in range(2):
        t, s, t_neg = images(3)
        found, expected = step(t, s, t_neg), critic_step(other, t, s, t_neg)
        assert len(found) == 1 + len(list(one.parameters()))
        for a, b in zip(found, expected, strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-5)
        learn(one, other)


@in_a_copy
def test_a_recording_leaves_what_it_changes_as_it_was(critics):
    one, other = critics
    captured_step(one, *images(3))
    assert all(torch.equal(a, b) for a, b in zip(one.buffers(), other.buffers(), strict=True))


@in_a_copy
def test_what_the_host_reads_cannot_be_recorded():
    with pytest.raises(RuntimeError, match='tracing tensor'):
        Captured(lambda x: x * 2 if x.sum().item() > 0 else x, [torch.ones(2)])


# ---- the same draws on every device -------------------------------------------------------------

DRAWS = {
    'randn': lambda own: torch.randn(3, device='cpu', generator=own),
    'rand': lambda own: torch.rand(2, 2, device='cpu', generator=own),
    'randint': lambda own: torch.randint(9, (4,), device='cpu', generator=own),
    'randperm': lambda own: torch.randperm(5, device='cpu', generator=own),
    'randn_like': lambda own: torch.randn_like(torch.zeros(4)),
    'normal_': lambda own: torch.empty(3).normal_(1, 2, generator=own),
    'uniform_': lambda own: torch.empty(3).uniform_(generator=own),
    'init': lambda own: torch.nn.init.normal_(torch.nn.Parameter(torch.empty(4)), 0.0, 0.1).detach(),
    'init of the fan': lambda own: torch.nn.init.kaiming_uniform_(torch.empty(4, 4)),
}


@pytest.mark.parametrize('name', DRAWS)
def test_draws_are_those_of_the_host(name):
    """Twice in a row, and again after another seed."""

    def drawn() -> list[torch.Tensor]:
        own, found = torch.Generator(), []
        torch.manual_seed(7)
        for seed in (1, 2):
            own.manual_seed(seed)
            found += [DRAWS[name](own), DRAWS[name](own)]
        return found

    with DrawnOnHost('cpu') as mode:
        found = drawn()
    assert mode.drawn == 4
    assert all(torch.equal(a, b) for a, b in zip(found, drawn(), strict=True))
    assert not torch.equal(found[0], found[1])


# ---- rows, report, limits -----------------------------------------------------------------------


def a_bench(out: Path, seconds: float = 60) -> bench.Bench:
    return bench.Bench('smoke', out, out / 'scratch', seconds, dry=True)


def test_a_row_is_on_the_disk_at_once_and_an_error_is_one(tmp_path):
    run = a_bench(tmp_path)
    with run.row(family='a') as row:
        row['ok'] = True
    assert [row['family'] for row in bench.read_rows(tmp_path)] == ['a']
    with run.row(family='b'):
        raise ValueError('first line\nsecond')
    assert bench.read_rows(tmp_path)[1]['error'] == 'ValueError: first line'
    with (tmp_path / bench.ROWS).open('a') as file:
        file.write('{"phase": "smoke", "fam')
    assert [row['ok'] for row in bench.read_rows(tmp_path)] == [True, False]


def test_without_time_there_are_no_more_rows(tmp_path):
    with pytest.raises(bench.OutOfTime), a_bench(tmp_path, seconds=-1).row(family='a'):
        pytest.fail('it began')
    assert bench.read_rows(tmp_path) == []


def test_the_report_counts_what_holds(tmp_path):
    rows = [
        dict(phase='smoke', family='a|b', loss=0.00012345, ok=True),
        dict(phase='smoke', family='c', ok=False, error='ValueError: x'),
        dict(phase='smoke', other=3, ok=True),
        dict(phase='loading', size=5, ok=True),
    ]
    for row in rows:
        bench.write_row(tmp_path, row)
    report.write(tmp_path, dict(gpu='none'), dict(smoke='Ended at its limit', cost='not begun'))
    text = (tmp_path / 'report.md').read_text()
    assert '3 of 4 rows hold what they claim.' in text and '| gpu | none |' in text
    assert '| family | loss | ok | error |' in text and '| a\\|b | 0.000123 | yes |  |' in text
    assert '| c |  | no | ValueError: x |' in text and '| other | ok |' in text
    assert '## cost\n\nnot begun.' in text and 'Ended at its limit.' in text
    found = json.loads((tmp_path / 'report.json').read_text())
    assert found['rows'] == rows and found['about'] == dict(gpu='none')


def test_a_phase_is_ended_at_its_limit(tmp_path):
    args = argparse.Namespace(out=tmp_path, dry_run=True)
    assert program.process(args, 'smoke', tmp_path, seconds=1).startswith('Ended at its limit')


def test_losses_that_are_off_are_no_success():
    found = dict(losses=dict(loss=torch.tensor([1.0, 2.0])), images=[torch.ones(2)] * 2, drawn=0)
    assert smoke.compared(found, found)['ok']
    for change in (dict(losses=dict(loss=torch.tensor([1.01, 2.0]))), dict(images=[torch.zeros(2)] * 2)):
        assert not smoke.compared(found | change, found)['ok']
    with pytest.raises(ValueError, match='other losses'):
        smoke.compared(found | dict(losses=dict(other=torch.ones(2))), found)


def test_without_a_gpu_a_dry_run_is_proposed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.setattr(sys, 'argv', ['gpu.sh', '--out', str(tmp_path / 'out')])
    with pytest.raises(SystemExit) as stop:
        program.main()
    assert stop.value.code == 2 and not (tmp_path / 'out').exists()
    assert (
        capsys.readouterr().err
        == 'Error: there is no GPU here: add --dry-run to try every phase on the CPU\n'
    )


def test_data_is_made_where_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr(data, 'SHARED', (tmp_path / 'gone',))
    origins = data.lay_out(tmp_path / 'data', small=True)
    assert set(origins.values()) == {'made of the photographs of scikit-image'}
    sizes = {}
    for folder in (tmp_path / 'data').rglob('*'):
        pictures = sorted(folder.glob('*.png'))
        if pictures:
            sizes[str(folder.relative_to(tmp_path / 'data'))] = (len(pictures), Image.open(pictures[0]).size)
    assert sizes['facades/train'] == (16, (144, 72)) and sizes['facades/test'] == (8, (128, 64))
    assert sizes['summer2winter/trainA'] == (8, (64, 64)) and sizes['noto_emoji_128/images'] == (
        8,
        (128, 128),
    )
    assert sizes['sr_set5/LR_x4'] == (4, (32, 32)) and sizes['sr_set5/GT'] == (4, (128, 128))


@pytest.mark.slow
@pytest.mark.whole
def test_a_dry_run_goes_through_every_phase(tmp_path):
    command = ['bash', ROOT / 'benchmarks' / 'gpu.sh', '--dry-run', '--out', tmp_path, '--minutes', '30']
    done = subprocess.run(
        command, env={**os.environ, 'PYTHON': sys.executable}, capture_output=True, text=True
    )
    log = (tmp_path / 'log.txt').read_text() if (tmp_path / 'log.txt').is_file() else ''
    assert done.returncode == 0, done.stderr + log[-5000:]
    found = json.loads((tmp_path / 'report.json').read_text())
    assert list(found['phases']) == list(program.LIMITS)
    assert all(end.startswith('Ended by itself') for end in found['phases'].values()), log[-5000:]
    assert [row for row in found['rows'] if row['ok'] is not True] == []
    assert {row['phase'] for row in found['rows']} == set(program.LIMITS)
    assert {row.get('family') for row in found['rows'] if row['phase'] == 'smoke'} == set(smoke.NAMES)
    width, height = Image.open(tmp_path / 'pictures.jpg').size
    assert width > height and (tmp_path / 'report.md').is_file()
