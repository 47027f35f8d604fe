"""The tables of docs/results.md, from the rows of the studies.

    PYTHONPATH=.:benchmarks/studies/configs python benchmarks/results.py

It writes them anew, between the marks of the page. A cell is a mean ± standard deviation over seeds, or a
difference of pairs with its 95 % interval. Bold, † and ‡ mean what the page says; Holm's correction is over all
differences of one table.
"""

import re
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from mmagic_mikd.apps.study.cells import Study
from mmagic_mikd.apps.study.rows import number
from mmagic_mikd.apps.study.summary import MIXED, Difference, Summary, holm, mean_sd
from mmagic_mikd.apps.study.table import marked, study_rows

STUDIES = Path(__file__).parent / 'studies'
PAGE = Path(__file__).parents[1] / 'docs' / 'results.md'
SWD, FRECHET, SSIM, PSNR = 'swd/avg', 'frechet_resnet56-cifar10', 'target/ssim', 'teacher/psnr'
EARLY = dict(sliced_l1='sliced_l1_early', sliced_pyramid='sliced_pyramid_early')
TITLES = {  # of a score: its name, decimals of a value and of a difference
    SWD: ('sliced Wasserstein distance ↓', 1, 1),
    FRECHET: ('Fréchet distance ↓', 1, 1),
    SSIM: ('SSIM to the photograph ↑', 3, 3),
    PSNR: ('PSNR to the teacher ↑', 2, 2),
    'winter/swd/avg': ('sliced Wasserstein distance, winter ↓', 1, 1),
    'summer/swd/avg': ('sliced Wasserstein distance, summer ↓', 1, 1),
    'winter/frechet_resnet56-cifar10': ('Fréchet distance, winter ↓', 1, 1),
    'summer/frechet_resnet56-cifar10': ('Fréchet distance, summer ↓', 1, 1),
    'winter/teacher/psnr': ('PSNR to the teacher, winter ↑', 2, 2),
    'Set5/Y/PSNR': ('PSNR on luma, Set5 ↑', 2, 3),
    'Set14/Y/PSNR': ('PSNR on luma, Set14 ↑', 2, 3),
    'Set5/teacher/psnr': ('PSNR to the teacher, Set5 ↑', 2, 2),
    'Set14/teacher/psnr': ('PSNR to the teacher, Set14 ↑', 2, 2),
}


class Row(NamedTuple):
    """A score of a student of a study; ``names`` are its objectives where a column names another."""

    label: str
    study: str
    score: str
    student: str
    names: dict[str, str]


class Table(NamedTuple):
    """Column titles to 'teacher', an objective, or the two of a difference.

    With ``paired`` the means are of the seeds that all objectives of the row have, else of all seeds.
    """

    columns: dict[str, str | tuple[str, str]]
    rows: list[Row]
    paired: bool = False


def rows(study: str, scores: list[str], label: str = '{}', student: str = 'x16', **names: str) -> list[Row]:
    return [Row(label.format(TITLES[score][0]), study, score, student, names) for score in scores]


STARTED = {
    'teacher': 'teacher',
    'student alone': 'none',
    'start': 'sliced',
    'start and L1': 'sliced_l1',
    'start and pyramid': 'sliced_pyramid',
    'pyramid minus alone': ('sliced_pyramid', 'none'),
    'pyramid minus L1': ('sliced_pyramid', 'sliced_l1'),
}
NO_START = {title: objective for title, objective in STARTED.items() if objective != 'sliced'}
BOTH = {title: STARTED[title] for title in ('teacher', 'student alone', 'start and pyramid')}
PLAIN = {
    'L1 minus alone': ('l1', 'none'),
    'pyramid minus alone': ('pyramid', 'none'),
    'energy-based bound minus alone': ('mi_reference', 'none'),
}
SIZES = dict(x4='4 times', x16='16 times', x64='64 times')
FIRST = [  # the first score of every study
    ('Pix2Pix, 64 px', 'pix2pix_facades', SWD, {}),
    ('Pix2Pix, 128 px', 'pix2pix_facades_128', SWD, {}),
    ('CycleGAN', 'cyclegan_summer2winter', 'summer/swd/avg', {}),
    ('EDSR', 'edsr_bsds200', 'Set5/Y/PSNR', {}),
    ('StyleGAN2', 'stylegan2_emoji', SWD, EARLY),
]


def by_size(sizes: list[str]) -> list[Row]:
    return [
        Row(f'{family}, {SIZES[size]}: {TITLES[score][0]}', study, score, size, names)
        for family, study, score, names in FIRST
        for size in sizes
    ]


TABLES = dict(
    pix2pix=Table(STARTED, rows('headline_pix2pix', [SWD, FRECHET, SSIM, PSNR])),
    pix2pix_128=Table(STARTED, rows('pix2pix_facades_128', [SWD, FRECHET, SSIM, PSNR])),
    cyclegan=Table(
        STARTED,
        rows(
            'cyclegan_summer2winter',
            [
                'winter/swd/avg',
                'summer/swd/avg',
                'winter/frechet_resnet56-cifar10',
                'summer/frechet_resnet56-cifar10',
                'winter/teacher/psnr',
            ],
        ),
    ),
    edsr=Table(
        NO_START,
        rows('headline_edsr', ['Set5/Y/PSNR', 'Set14/Y/PSNR', 'Set5/teacher/psnr', 'Set14/teacher/psnr']),
    ),
    stylegan2=Table(STARTED, rows('stylegan2_emoji', [SWD, FRECHET], **EARLY)),
    srgan=Table(
        {
            'teacher': 'teacher',
            'student alone': 'none',
            'with the pyramid': 'pyramid',
            'difference': ('pyramid', 'none'),
        },
        rows('srgan_bsds200_x4', ['Set5/Y/PSNR', 'Set5/teacher/psnr'], 'EDSR by 4: {}')
        + rows('srgan_bsds200_x2', ['Set5/Y/PSNR', 'Set5/teacher/psnr'], 'EDSR by 2: {}')
        + rows(
            'srgan_bsds200_x2',
            ['Set5/Y/PSNR', 'Set5/teacher/psnr'],
            'narrow SRGAN by 2, from the start: {}',
            'narrow16',
            pyramid='sliced_pyramid_early',
        ),
    ),
    sizes=Table(BOTH | {'difference': ('sliced_pyramid', 'none')}, by_size(['x4', 'x64']), paired=True),
    plain=Table(PLAIN, by_size(['x4', 'x16', 'x64'])),
    shuffled=Table(
        {
            'student alone': 'none',
            'as published, minus alone': ('mi_reference', 'none'),
            'shuffled, minus alone': ('mi_shuffled', 'none'),
        },
        rows('pix2pix_facades', [SWD, FRECHET, SSIM, PSNR]),
    ),
)
NEEDS = dict(  # the rows of the table at one strength: what each is called, and what it needs
    none=('student alone', '-'),
    sliced=('the start alone', '-'),
    l105=('`L1Loss`', '-'),
    pyramid05=('`PyramidLaplaceLoss`', '-'),
    ssim05=('`SSIMLoss`', '-'),
    perceptual05=('`L1Loss` of features', 'a backbone'),
    style05=('`StyleLoss`', 'a backbone'),
    crd05=('`CRDLoss`', 'a backbone, a batch of 2'),
)


@cache
def study_of(name: str) -> tuple[Study, Summary]:
    """A study, and its present rows: those of its last checkpoints."""
    study = Study(STUDIES / f'{name}.yaml', Path(tempfile.gettempdir()), data=STUDIES)  # no data is read
    return study, Summary(study_rows(study)[0], 'last')


def markdown(table: Table) -> str:
    found = [list(cells(row, table)) for row in table.rows]
    limit = holm(cell.p for row in found for cell in row if isinstance(cell, Difference))
    lines = ['| | seeds | ' + ' | '.join(table.columns) + ' |', rule(len(table.columns) + 2)]
    for row, own in zip(table.rows, found, strict=True):
        texts = [text(cell, row, limit) for cell in own]
        lines.append(f'| {row.label} | {seeds(own)} | ' + ' | '.join(texts) + ' |')
    return '\n'.join(lines)


def cells(row: Row, table: Table) -> Iterator:
    study, summary = study_of(row.study)
    named = [wanted for wanted in table.columns.values() if isinstance(wanted, str) and wanted != 'teacher']
    values = {name: summary.values(row.student, row.names.get(name, name), row.score) for name in named}
    common = set.intersection(*map(set, values.values())) if table.paired else None
    for wanted in table.columns.values():
        if wanted == 'teacher':
            yield summary.mean_sd('teacher', 'teacher', row.score)
        elif isinstance(wanted, str):
            yield mean_sd(value for seed, value in values[wanted].items() if common is None or seed in common)
        else:
            one, other = (row.names.get(name, name) for name in wanted)
            yield summary.difference(row.student, one, row.score, study.scores[row.score], other)


def rule(columns: int) -> str:
    return '| --- |' + ' ---: |' * (columns - 1)


def seeds(own: list) -> str:
    """How many pairs each difference has, once if all have as many."""
    counts = [str(cell.n) if cell else '-' for cell in own if isinstance(cell, Difference) or cell is None]
    return counts[0] if len(set(counts)) == 1 else ', '.join(counts)


def text(cell: Difference | tuple | None, row: Row, limit: float) -> str:
    _, of_value, of_difference = TITLES[row.score]
    if cell is None:
        return 'not run'
    if not isinstance(cell, Difference):
        mean, sd, n = cell
        return '-' if not n else f'{mean:.{of_value}f}' + (f' ± {sd:.{of_value}f}' if n > 1 else '')
    return difference(cell, study_of(row.study)[0].scores[row.score], of_difference, limit)


def difference(cell: Difference, better: str, decimals: int, limit: float) -> str:
    said = f'{cell.mean:+.{decimals}f} [{cell.low:+.{decimals}f}, {cell.high:+.{decimals}f}]'
    said = marked(said, cell.verdict(better, limit))
    return said + (f' {MIXED}{cell.mixed}' if cell.mixed else '')


def at_one_strength() -> str:
    """Objectives of equal gradients: costs beyond the start, scores, and differences in the first score."""
    summary = study_of('pix2pix_facades_rivals')[1]
    pairs = {
        (name, other): summary.difference('x16', name, SWD, 'lower', other)
        for name in NEEDS
        for other in ('sliced', 'l105')
        if name != other
    }
    limit = holm({frozenset(pair): d.p for pair, d in pairs.items()}.values())
    scores = {score: TITLES[score] for score in (SWD, SSIM, PSNR, FRECHET)}
    head = ['', 'needs', 'GMACs, ms more an iteration', 'seeds', *(title for title, *_ in scores.values())]
    lines = ['| ' + ' | '.join([*head, 'SWD minus the start', 'SWD minus L1']) + ' |', rule(len(head) + 2)]
    teacher = [mean_text(summary.mean_sd('teacher', 'teacher', score), score) for score in scores]
    lines.append('| teacher | | | | ' + ' | '.join(teacher) + ' | | |')
    for name, (title, needs) in NEEDS.items():
        own = [summary.mean_sd('x16', name, score) for score in scores]
        values = [mean_text(value, score) for value, score in zip(own, scores, strict=True)]
        said = [
            difference(d, 'lower', 2, limit) if (d := pairs.get((name, other))) else '-'
            for other in ('sliced', 'l105')
        ]
        texts = [title, needs, more(summary, name), str(own[0][2]), *values, *said]
        lines.append('| ' + ' | '.join(texts) + ' |')
    return '\n'.join(lines)


def mean_text(value: tuple[float, float, int], score: str) -> str:
    mean, sd, n = value
    decimals = 4 if score == SSIM else 2
    return '-' if not n else f'{mean:.{decimals}f}' + (f' ± {sd:.{decimals}f}' if n > 1 else '')


def more(summary: Summary, name: str) -> str:
    """Multiply-accumulates and processor time of an iteration beyond those of the start alone."""
    if name in ('none', 'sliced'):
        return '-'
    iterations = next(number(row, 'iterations') for row in summary.rows if row['objective'] == name)
    gmacs, seconds = (
        summary.mean_sd('x16', name, column)[0] - summary.mean_sd('x16', 'sliced', column)[0]
        for column in ('gmacs_total', 'cpu_seconds')
    )
    return f'{gmacs / iterations:.2f}, {1000 * seconds / iterations:.0f}'


def written(page: str) -> str:
    """The page with all of its tables made anew."""
    tables = {name: markdown(table) for name, table in TABLES.items()} | {'strength': at_one_strength()}
    for name, made in tables.items():
        mark = rf'(<!-- table: {name} -->\n).*?(<!-- end -->)'
        page, count = re.subn(
            mark, lambda found, made=made: f'{found[1]}{made}\n{found[2]}', page, flags=re.S
        )
        assert count == 1, f'{PAGE} has no place for the table {name}'
    return page


if __name__ == '__main__':
    PAGE.write_text(written(PAGE.read_text()))
    print(PAGE)
