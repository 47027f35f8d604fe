"""The tables of docs/results.md, docs/energy.md and docs/export.md, from the rows of the studies.

    PYTHONPATH=.:benchmarks/studies/configs python benchmarks/results.py

It writes them anew, between the marks of the pages. A cell is a mean ± standard deviation over seeds, or a
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
PAGES = [Path(__file__).parents[1] / 'docs' / name for name in ('results.md', 'energy.md', 'export.md')]
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
BESIDE = {  # what stands beside the pyramid
    'teacher': 'teacher',
    'student alone': 'none',
    'start and L1': 'l1',
    'pyramid 15': 'sliced_pyramid',
    'pyramid 30': 'pyramid30',
    'pyramid 60': 'pyramid60',
    '30, energy of pixels': 'pixels',
    '30, closed form of features': 'features',
    '30, energy of features': 'energy',
    'energy of pixels minus pyramid 15': ('pixels', 'sliced_pyramid'),
    'energy of pixels minus pyramid 30': ('pixels', 'pyramid30'),
    'closed form of features minus pyramid 30': ('features', 'pyramid30'),
    'energy minus closed form of features': ('energy', 'features'),
}
SIZES = dict(x4='4 times', x16='16 times', x64='64 times')
FIRST = [  # the first score of every study
    ('Pix2Pix, 64 px', 'pix2pix_facades', SWD, {}),
    ('Pix2Pix, 128 px', 'pix2pix_facades_128', SWD, {}),
    ('CycleGAN', 'cyclegan_summer2winter', 'summer/swd/avg', {}),
    ('EDSR', 'edsr_bsds200', 'Set5/Y/PSNR', {}),
    ('StyleGAN2', 'stylegan2_emoji', SWD, EARLY),
]


def beside(start: str) -> dict[str, str]:
    """Objectives of a study whose names begin with that of its start."""
    return dict(
        pyramid30=f'{start}pyramid30',
        pixels=f'{start}pyramid30_adversarial',
        features=f'{start}pyramid30_features15',
        energy=f'{start}pyramid30_adversarial_features',
    )


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
    edsr_second=Table(
        NO_START,
        rows(
            'headline_edsr_second',
            ['Set5/Y/PSNR', 'Set14/Y/PSNR', 'Set5/teacher/psnr', 'Set14/teacher/psnr'],
        ),
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
    deployed=Table(
        {'teacher': 'teacher', 'student': 'pyramid30'},
        rows('pix2pix_facades_deployed', [SWD, PSNR], 'statistics of its batch of ten: {}', 'batch')
        + rows('pix2pix_facades_deployed', [SWD, PSNR], 'gathered statistics: {}', 'gathered')
        + rows('pix2pix_facades_deployed', [SWD, PSNR], 'frozen from half on: {}', 'from_half'),
    ),
    energy=Table(
        {
            'teacher': 'teacher',
            'more pyramid': 'more',
            'closed form of features': 'features',
            'energy of features': 'energy',
            'closed form minus more pyramid': ('features', 'more'),
            'energy minus more pyramid': ('energy', 'more'),
            'energy minus closed form': ('energy', 'features'),
        },
        rows(
            'pix2pix_facades_features',
            [SWD, SSIM, PSNR],
            'Pix2Pix, facades: {}',
            more='pyramid15_pyramid05',
            features='pyramid15_features05',
            energy='pyramid15_feature_nce05',
        )
        + rows(
            'features_flat',
            [SWD, SSIM, PSNR],
            'Pix2Pix, flat pairs: {}',
            more='refitted_pyramid15_pyramid05',
            features='refitted_pyramid15_features05',
            energy='refitted_pyramid15_feature_nce05',
        )
        + rows(
            'features_edsr',
            ['Set5/Y/PSNR', 'Set5/teacher/psnr'],
            'EDSR: {}',
            more='pyramid_pyramid05',
            features='pyramid_features05',
            energy='pyramid_feature_nce05',
        ),
    ),
    learned=Table(
        BESIDE,
        rows('pix2pix_facades_rivals', [SWD, FRECHET, SSIM, PSNR], l1='sliced_l1', **beside('')),
    ),
    learned_flat=Table(
        {title: wanted for title, wanted in BESIDE.items() if not title.endswith((' 15', ' 60'))},
        rows('features_flat', [SWD, FRECHET, SSIM, PSNR], l1='refitted_l1', **beside('refitted_')),
    ),
    learned_edsr=Table(
        {
            'teacher': 'teacher',
            'student alone': 'none',
            'start': 'sliced',
            'start and pyramid': 'pyramid05',
            'and the energy of pixels': 'pyramid05_adversarial',
            'energy minus without': ('pyramid05_adversarial', 'pyramid05'),
        },
        rows(
            'edsr_bsds200_rivals',
            ['Set5/teacher/psnr', 'Set14/teacher/psnr', 'Set5/Y/PSNR', 'Set14/Y/PSNR'],
        ),
    ),
)
NEEDS = dict(  # the rows of a table at one strength: what each is called, and what it needs
    none=('student alone', '-'),
    sliced=('the start alone', '-'),
    l105=('`L1Loss`', '-'),
    pyramid05=('`PyramidLaplaceLoss`', '-'),
    pyramid05_adversarial=('the same and an energy learned against the student', '-'),
    ssim05=('`SSIMLoss`', '-'),
    wavelet05=('`WaveletLoss`', '-'),
    focal_frequency05=('`FocalFrequencyLoss`', '-'),
    perceptual05=('`L1Loss` of features', 'a backbone'),
    random05=('`L1Loss` of random features', '-'),
    feature_nce05=('energy of features (`nce`)', 'a backbone'),
    style05=('`StyleLoss`', 'a backbone'),
    spatial_affinity05=('`SpatialAffinityLoss`', 'a backbone'),
    kernel_alignment05=('`KernelAlignmentLoss`', 'a backbone, a batch of 2'),
    pkt05=('`PKTLoss`', 'a backbone, a batch of 2'),
    mmd05=('`MMDLoss`', 'a backbone, a batch of 2'),
    crd05=('`CRDLoss`', 'a backbone, a batch of 2'),
)


class Lineup(NamedTuple):
    """Objectives from one start: their costs and scores, and differences in the first score to some of them."""

    study: str
    scores: list[str]
    names: dict[str, tuple[str, str]]
    against: dict[str, str]


LINEUPS = dict(
    strength=Lineup(
        'pix2pix_facades_rivals', [SWD, SSIM, PSNR, FRECHET], NEEDS, dict(sliced='the start', l105='L1')
    ),
    strength_edsr=Lineup(
        'edsr_bsds200_rivals',
        ['Set5/teacher/psnr', 'Set14/teacher/psnr', 'Set5/Y/PSNR', 'Set14/Y/PSNR'],
        NEEDS,
        dict(sliced='the start', l105='L1'),
    ),
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
    """How many pairs each difference has, once if all have as many; without differences, how many values."""
    counts = [str(cell.n) if cell else '-' for cell in own if isinstance(cell, Difference) or cell is None]
    counts = counts or [str(max(n for _, _, n in own))]
    return counts[0] if len(set(counts)) == 1 else ', '.join(counts)


def text(cell: Difference | tuple | None, row: Row, limit: float) -> str:
    _, of_value, of_difference = TITLES[row.score]
    if cell is None:
        return 'not run'
    if not isinstance(cell, Difference):
        return mean_text(cell, of_value)
    return difference(cell, study_of(row.study)[0].scores[row.score], of_difference, limit)


def difference(cell: Difference, better: str, decimals: int, limit: float) -> str:
    said = f'{cell.mean:+.{decimals}f} [{cell.low:+.{decimals}f}, {cell.high:+.{decimals}f}]'
    said = marked(said, cell.verdict(better, limit))
    return said + (f' {MIXED}{cell.mixed}' if cell.mixed else '')


def lined_up(lineup: Lineup) -> str:
    study, summary = study_of(lineup.study)
    first, better = lineup.scores[0], study.scores[lineup.scores[0]]
    found = [name for name in lineup.names if summary.values('x16', name, first)]
    pairs = {
        (name, other): summary.difference('x16', name, first, better, other)
        for name in found
        for other in lineup.against
        if name != other
    }
    limit = holm({frozenset(pair): d.p for pair, d in pairs.items() if d}.values())
    titles = ['', 'needs', 'GMACs more an iteration', 'seeds']
    titles += [TITLES[score][0] for score in lineup.scores]
    titles += [f'{TITLES[first][0][:-2]}, minus {title}' for title in lineup.against.values()]
    lines = ['| ' + ' | '.join(titles) + ' |', rule(len(titles))]
    own = means(lineup, 'teacher', 'teacher')
    lines.append('| teacher | | | | ' + ' | '.join(own) + ' |' * (1 + len(lineup.against)))
    for name in found:
        said = [
            difference(d, better, TITLES[first][2], limit) if (d := pairs.get((name, other))) else '-'
            for other in lineup.against
        ]
        count = str(len(summary.values('x16', name, first)))
        own = [*lineup.names[name], more(summary, name), count, *means(lineup, 'x16', name)]
        lines.append('| ' + ' | '.join([*own, *said]) + ' |')
    return '\n'.join(lines)


def means(lineup: Lineup, student: str, name: str) -> list[str]:
    summary = study_of(lineup.study)[1]
    return [mean_text(summary.mean_sd(student, name, score), TITLES[score][1]) for score in lineup.scores]


def mean_text(value: tuple[float, float, int], decimals: int) -> str:
    mean, sd, n = value
    return '-' if not n else f'{mean:.{decimals}f}' + (f' ± {sd:.{decimals}f}' if n > 1 else '')


def more(summary: Summary, name: str) -> str:
    """Multiply-accumulates of an iteration beyond those of the start alone; the loads of rows differ."""
    if name in ('none', 'sliced'):
        return '-'
    iterations = next(number(row, 'iterations') for row in summary.rows if row['objective'] == name)
    own, start = (summary.mean_sd('x16', each, 'gmacs_total')[0] for each in (name, 'sliced'))
    return f'{(own - start) / iterations:.2f}'


def written(page: Path) -> str:
    """The page with all of its tables made anew."""
    text = page.read_text()
    for name in re.findall(r'<!-- table: (\w+) -->', text):
        made = lined_up(LINEUPS[name]) if name in LINEUPS else markdown(TABLES[name])
        mark = rf'(<!-- table: {name} -->\n).*?(<!-- end -->)'
        text = re.sub(mark, lambda found, made=made: f'{found[1]}{made}\n{found[2]}', text, flags=re.S)
    return text


if __name__ == '__main__':
    for page in PAGES:
        page.write_text(written(page))
        print(page)
