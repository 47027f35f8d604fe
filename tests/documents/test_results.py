"""The numbers in the tables of the pages and of the README are those of the committed rows."""

import re

import pytest
from places import ROOT

from benchmarks import results
from benchmarks.result_tables import LINEUPS, SCORES, SWD, TABLES

README = {  # the row of the table: its study, its score, and what "distilled" is; else the student, and "alone"
    'Pix2Pix, facades at 64 px': ('headline_pix2pix', SWD, 'sliced_pyramid'),
    'the same with a learned energy': ('pix2pix_facades_rivals', SWD, 'pyramid30_adversarial'),
    'EDSR x4, Set5': ('headline_edsr', 'Set5/Y/PSNR', 'sliced_pyramid'),
    'StyleGAN2, emoji at 32 px': ('stylegan2_emoji', SWD, 'sliced_pyramid_early'),
    'Real-ESRGAN x4, Set14 (29 times fewer)': (
        *('real_esrgan_bsds200', 'Set14/teacher/psnr', 'loaded_pyramid'),
        *('compact', 'loaded'),
    ),
}


@pytest.fixture(autouse=True)
def surroundings(monkeypatch):
    monkeypatch.setenv('MIKD_DATA', '')  # which a study sets; put back after the test
    monkeypatch.syspath_prepend(results.STUDIES / 'configs')


@pytest.mark.slow
@pytest.mark.parametrize('page', results.PAGES, ids=lambda page: page.stem)
def test_its_tables_are_those_of_the_rows(page):
    assert results.written(page) == page.read_text(), 'run benchmarks/results.py'


def test_every_table_is_on_a_page():
    named = [
        name for page in results.PAGES for name in re.findall(r'<!-- table: (\w+) -->', page.read_text())
    ]
    assert sorted(named) == sorted([*TABLES, *LINEUPS])


@pytest.mark.slow
@pytest.mark.parametrize('title', README)
def test_the_row_of_the_readme_is_that_of_the_rows(title):
    study, score, distilled, *others = README[title]
    student, alone = others or ('x16', 'none')
    summary, (_, decimals, _) = results.study_of(study)[1], SCORES[score]
    places = [('teacher', 'teacher'), (student, alone), (student, distilled)]
    found = [summary.mean_sd(*place, score) for place in places]
    wanted = [f'{mean:.{decimals}f}' if n else '-' for mean, _, n in found]
    (said,) = re.findall(rf'^\| {re.escape(title)} \|[^|]*\|(.*)\|$', (ROOT / 'README.md').read_text(), re.M)
    assert [cell.strip() for cell in said.split('|')] == wanted


def test_the_readme_has_no_other_rows():
    table = (ROOT / 'README.md').read_text().partition('| teacher | student alone | distilled |')[2]
    rows = [line.split('|')[1].strip() for line in table.partition('\n\n')[0].splitlines()[2:]]
    assert rows == list(README)
