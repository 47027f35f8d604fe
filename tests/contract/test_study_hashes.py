"""Every committed row stays a row of its study: the fingerprint of each cell is that of the code that ran it.

``study_hashes.json`` was made once, by the code of commit 3b77bf5, before objectives had one spelling. A study
may grow; what it has keeps its fingerprint.
"""

import json
from pathlib import Path

import pytest
from places import ROOT

from mmagic_mikd.apps.study.cells import Cell, Study
from mmagic_mikd.apps.study.rows import read_rows
from mmagic_mikd.apps.study.summary import current

STUDIES = ROOT / 'benchmarks' / 'studies'
COMMITTED = json.loads(Path(__file__).with_name('study_hashes.json').read_text())


@pytest.fixture
def study(request, tmp_path, monkeypatch) -> Study:
    """Where there are no data sets: their folder is no part of a fingerprint."""
    monkeypatch.setenv('MIKD_DATA', '')  # which the study sets; put back after the test
    monkeypatch.syspath_prepend(STUDIES / 'configs')
    return Study(STUDIES / f'{request.param}.yaml', tmp_path / 'work', tmp_path / 'data')


def cells_of(study: Study) -> list[Cell]:
    return [study.teacher, *study.cells()]


def hashes(study: Study) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for cell in cells_of(study):
        found.setdefault(f'{cell.student} {cell.objective}', {})[str(cell.seed)] = cell.hash
    return found


def test_no_study_is_forgotten():
    assert set(COMMITTED) <= {path.stem for path in STUDIES.glob('*.yaml')}


@pytest.mark.parametrize('study', COMMITTED, indirect=True)
def test_the_hash_of_every_cell_is_as_it_was(study):
    found = hashes(study)
    for name, of_seeds in COMMITTED[study.name]['cells'].items():
        assert found[name].items() >= of_seeds.items(), name


@pytest.mark.parametrize('study', COMMITTED, indirect=True)
def test_no_row_of_a_csv_has_become_stale(study):
    _, stale = current(read_rows(study.csv), cells_of(study))
    left = {f'{row["student"]} {row["objective"]} {row["seed"]} {row["config_hash"]}' for row in stale}
    assert left <= set(COMMITTED[study.name]['stale'])
