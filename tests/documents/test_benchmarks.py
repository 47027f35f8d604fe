"""The benchmark of the cost runs, and says what it promises."""

import subprocess
import sys

from places import ROOT


def test_the_cost_of_tiny_networks(tmp_path):
    before = {path: path.read_bytes() for path in (ROOT / 'benchmarks').glob('*.md')}
    command = [sys.executable, ROOT / 'benchmarks' / 'cost.py', '--quick', '--threads', '1']
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    row = next(line for line in done.stdout.splitlines() if line.startswith('| 32 px |'))
    _, _, batch, without, *ways, memory, _ = (cell.strip() for cell in row.split('|'))
    assert batch == '1' and without.endswith('MiB')
    assert all(float(cell.split()[0]) > 0 for cell in ways) and len(ways) == 3
    assert all(float(ratio) >= 1 for ratio in memory.split(', '))
    for chain in ('chain of 10 steps, c0 = 32', 'chain of 5 steps, shuffled'):
        assert f'| {chain}, 32 px |' in done.stdout
    assert before == {path: path.read_bytes() for path in (ROOT / 'benchmarks').glob('*.md')}
