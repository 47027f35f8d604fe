"""The notebook runs from its first cell to its last, and its students are what it says."""

import json
import os
import re
import subprocess
import sys

import pytest
from places import ROOT

NOTEBOOK = ROOT / 'examples' / 'distil_on_a_cpu.ipynb'


def code_cells() -> list[dict]:
    return [cell for cell in json.loads(NOTEBOOK.read_text())['cells'] if cell['cell_type'] == 'code']


def scores(text: str) -> dict[str, list[float]]:
    """Parameters, PSNR and PSNR to the teacher of each row of the printed table."""
    rows = re.findall(r'^(alone|distilled|teacher) +([\d,.]+) +([\d.]+) *([\d.]*)$', text, re.M)
    return {name: [float(value.replace(',', '')) for value in values if value] for name, *values in rows}


def test_what_is_shown_is_of_a_whole_run():
    outputs = [output for cell in code_cells() for output in cell['outputs']]
    assert [output['output_type'] for output in outputs if output['output_type'] == 'error'] == []
    printed = ''.join(''.join(output.get('text', '')) for output in outputs)
    assert set(scores(printed)) == {'alone', 'distilled', 'teacher'}
    assert any('image/png' in output.get('data', {}) for output in outputs)


@pytest.mark.slow
@pytest.mark.whole
def test_it_runs_in_an_empty_folder(tmp_path):
    code = '\n'.join(''.join(cell['source']) for cell in code_cells())
    env = {**os.environ, 'MPLBACKEND': 'agg', 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT)}
    command = [sys.executable, '-c', code]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr
    found = scores(done.stdout)
    assert found['alone'][0] == found['distilled'][0] < found['teacher'][0] / 4
    assert found['distilled'][2] > found['alone'][2]  # closer to the teacher
