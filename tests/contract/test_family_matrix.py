"""Every family of MMagic's generators: the toolbox's own config, made tiny, with the distillation lines."""

import re

import pytest
from families import ROOT
from matrix import CASES, distil, table

pytestmark = pytest.mark.usefixtures('one_thread')  # networks this small get slower on more


@pytest.mark.parametrize('case', CASES, ids=[case.family for case in CASES])
def test_family(case):
    problem = distil(case).problem
    if case.refusal is None:
        assert problem is None, problem
    else:
        assert problem and re.search(case.refusal, problem), problem


def test_the_published_table_is_that_of_these_runs():
    published = (ROOT / 'docs' / 'families.md').read_text()
    assert published == table(CASES, [distil(case) for case in CASES])


def test_enough_families_are_covered():
    assert sum(case.refusal is None for case in CASES) >= 24
