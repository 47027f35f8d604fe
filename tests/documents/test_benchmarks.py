"""The benchmarks of costs run, and say what they promise."""

import subprocess
import sys

import pytest
from families import data_folder
from places import ROOT


@pytest.fixture
def run(tmp_path):
    """What a benchmark prints; it writes nothing."""
    before = {path: path.read_bytes() for path in (ROOT / 'benchmarks').glob('*.md')}

    def run(name: str, *arguments: str) -> str:
        command = [sys.executable, ROOT / 'benchmarks' / name, '--quick', *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout

    yield run
    assert before == {path: path.read_bytes() for path in (ROOT / 'benchmarks').glob('*.md')}


@pytest.mark.slow
def test_the_cost_of_tiny_networks(run):
    printed = run('cost.py', '--threads', '1')
    row = next(line for line in printed.splitlines() if line.startswith('| 32 px |'))
    _, _, batch, without, *ways, memory, _ = (cell.strip() for cell in row.split('|'))
    assert batch == '1' and without.endswith('MiB')
    assert all(float(cell.split()[0]) > 0 for cell in ways) and len(ways) == 3
    assert all(float(ratio) >= 1 for ratio in memory.split(', '))
    for chain in ('chain of 10 steps, c0 = 32', 'chain of 5 steps, shuffled'):
        assert f'| {chain}, 32 px |' in printed


@pytest.mark.slow
def test_what_two_objectives_add_to_an_iteration(run):
    data_folder('facades')
    printed = run('objectives.py', '--rounds', '1')
    cells = [
        [cell.strip() for cell in line.split('|')[1:-1]] for line in printed.splitlines() if '| -' in line
    ]
    without, *added = cells[1:]  # the first is the rule below the titles
    assert [row[:3] for row in added] == [
        ['`pyramid05`', '`PyramidLaplaceLoss`', '-'],
        ['`l105`', '`L1Loss`', '-'],
    ]
    assert without[0] == 'without' and float(without[3]) > 0 and float(without[5]) > 0
    assert all(float(row[5]) > 0 for row in added)  # the teacher's image at least
