"""What the page shows of a study: scores over seeds, paired differences with intervals, cost."""

import sys
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from ...utils.errors import ConfigError
from ..study.cells import Study
from ..study.drawing import macs
from ..study.rows import number
from ..study.study_file import TEACHER
from ..study.summary import NONE, WORSE, Compared, Difference, Summary, compared
from ..study.table import (
    ARROWS,
    COSTS,
    TITLES,
    behind,
    decimals,
    legend,
    size,
    study_rows,
    with_deviation,
)
from .run_view import tool
from .scores import short
from .sizes import Card, amount

WORK_DIR = Path('work_dirs/studies')  # of trainings, which are not looked at here
MACHINE = ('torch', 'cpu', 'threads', 'git')  # columns of the rows


class Cell(NamedTuple):
    """A paired difference in words, and its interval as shares of the column's widest one, -1 to 1."""

    mean: str
    interval: str
    gap: str
    tone: str
    bar: tuple[float, float, float] | None


def opened(path: Path) -> Study:
    return Study(path, WORK_DIR)


def view(study: Study, against: str | None) -> dict[str, Any]:
    """Everything about a study, for the template.

    Raises:
        ConfigError: it has no rows yet.
    """
    fresh, stale = study_rows(study)
    if against not in study.spec['objectives']:
        against = NONE
    require_compared(study, Summary(fresh, 'last'), against)
    students = [name for name in study.spec['students'] if any(row['student'] == name for row in fresh)]
    last = Summary(fresh, 'last')
    return dict(
        name=study.name,
        seeds=len(study.spec['seeds']),
        iterations=study.spec['iterations'],
        against=against,
        alone=NONE,
        cards=[card(study, last, student) for student in students],
        behind=behind(study),
        stale=len(stale),
        heads=[f'{name} {ARROWS[better]}' for name, better in study.scores.items()],
        students=[student_view(study, fresh, student, against) for student in students],
        charts=charts(study, last, students),
        machine=machine(fresh),
        settings=study.path.read_text().splitlines(),
        file=study.path.name,
        commands=commands(study),
    )


def require_compared(study: Study, summary: Summary, against: str) -> None:
    """Refuse an objective that no other one has a seed in common with; the student alone may be absent."""
    score = next(iter(study.scores))
    if against != NONE and not any(
        compared(study, summary, student, against) for student in study.spec['students']
    ):
        raise ConfigError(f'--against {against}: {study.csv} has no {score} to compare with it')


def card(study: Study, summary: Summary, student: str) -> Card:
    """How much smaller, and the first score: the best mean of all objectives, which is said."""
    sizes = [(macs(summary, name), amount(macs(summary, name) or 0)) for name in (TEACHER, student)]
    (many, large), (few, small) = sizes
    score, better = next(iter(study.scores.items()))
    means = {name: summary.mean_sd(student, name, score)[0] for name in study.spec['objectives']}
    means = {name: mean for name, mean in means.items() if isfinite(mean)}
    best = (max if better == 'higher' else min)(means, key=means.get)
    teacher = summary.mean_sd(TEACHER, TEACHER, score)[0]
    told = [f'{NONE} {short(means[NONE])}'] if NONE in means else []
    told += [f'{best} {short(means[best])} (the best of {len(means)})'] if best != NONE else []
    ratio = f'{many / few:.1f} times' if many and few else '-'
    places = ((TEACHER, TEACHER), (student, best))
    weights = ' → '.join(amount(summary.mean_sd(*place, 'params')[0]) for place in places)
    told = ', '.join([f'teacher {short(teacher)}', *told])
    note = f'{large} → {small}, parameters {weights}. {score}: {told}'
    return Card(ratio, f'fewer multiply-accumulates, {student}', note)


def student_view(study: Study, rows: Sequence[dict], student: str, against: str) -> dict[str, Any]:
    own = next(row for row in rows if row['student'] == student)
    best = next(iter(study.spec['best']))
    tables = []
    for which, title in TITLES.items():
        summary = Summary(rows, which)
        differences = paired(compared(study, summary, student, against))
        table = dict(title=title.format(best=best), scores=scores(study, summary, student))
        marks = ' '.join(legend(''.join(count for _, count, _ in differences)).split())
        tables.append(dict(table, differences=differences, legend=marks))
    last = Summary(rows, 'last')
    return dict(
        name=student,
        size=size(own),
        tables=tables,
        seeds=seeds(study, last, student),
        costs=costs(study, last, student),
    )


def scores(study: Study, summary: Summary, student: str) -> list[tuple[str, int, list[str]]]:
    """Objective, number of seeds, mean and deviation of every score."""
    made = []
    for place in [(TEACHER, TEACHER), *((student, name) for name in study.spec['objectives'])]:
        found = [summary.mean_sd(*place, score) for score in study.scores]
        if n := max(count for _, _, count in found):
            made.append((place[1], n, [with_deviation(mean, sd) for mean, sd, _ in found]))
    return made


def paired(rows: Sequence[Compared]) -> list[tuple[str, str, list[Cell | None]]]:
    """Objective, number of common seeds, its differences to another objective."""
    columns = zip(*(row.differences for row in rows), strict=True)
    widest = [max((reach(each) for each in column if each), default=0) for column in columns]
    cells = [list(map(cell, row.differences, row.verdicts, widest)) for row in rows]
    return [(row.objective, row.seeds, each) for row, each in zip(rows, cells, strict=True)]


def reach(difference: Difference) -> float:
    return max((abs(value) for value in difference[:3] if isfinite(value)), default=0)


def cell(difference: Difference | None, tone: str, widest: float) -> Cell | None:
    if difference is None:
        return None
    mean, low, high, gap = difference[:4]
    digits, interval, bar = decimals(mean), '', None
    if isfinite(low):
        interval = f'{low:+.{digits}f}, {high:+.{digits}f}'
        bar = tuple(value / widest for value in (low, mean, high)) if widest else None
    closed = f'{100 * gap:.0f} % of the gap' if isfinite(gap) else ''
    mark = WORSE if tone == 'worse' else ''
    return Cell(f'{mean:+.{digits}f}{mark}', interval, closed, tone, bar)


def seeds(study: Study, summary: Summary, student: str) -> list[tuple[str, str, list[str]]]:
    """Objective, seed and scores of every training."""
    own = [row for row in summary.rows if row['student'] == student]
    values = [[short(number(row, name)) if row.get(name) else '-' for name in study.scores] for row in own]
    return [(row['objective'], row['seed'], each) for row, each in zip(own, values, strict=True)]


def costs(study: Study, summary: Summary, student: str) -> dict[str, Any]:
    rows = [
        (name, [f'{summary.mean_sd(student, name, column)[0]:.0f}' for column in COSTS])
        for name in study.spec['objectives']
        if summary.mean_sd(student, name, next(iter(COSTS)))[2]
    ]
    return dict(heads=list(COSTS.values()), rows=rows)


def charts(study: Study, summary: Summary, students: Sequence[str]) -> list[dict[str, Any]]:
    """Means against multiply-accumulates, of the objectives that several students have."""
    sizes = {student: macs(summary, student) for student in students}
    students = sorted((student for student in students if sizes[student]), key=sizes.get)
    made = []
    for score, better in study.scores.items():
        found = {
            name: [summary.mean_sd(student, name, score)[0] for student in students]
            for name in study.spec['objectives']
        }
        drawn = {name: [mean if isfinite(mean) else None for mean in means] for name, means in found.items()}
        drawn = {name: means for name, means in drawn.items() if sum(mean is not None for mean in means) > 1}
        teacher = summary.mean_sd(TEACHER, TEACHER, score)[0]
        lines = [[teacher, TEACHER]] if isfinite(teacher) else []
        series = [dict(label=name, values=means) for name, means in drawn.items()]
        x = [sizes[student] / 1e6 for student in students]
        if series:
            data = dict(scale='linear', x=x, xscale='log', series=series, lines=lines, marks=[])
            made.append(dict(title=f'{score} {ARROWS[better]}', note='', data=data, rows=[]))
    return made


def machine(rows: Sequence[dict]) -> list[tuple[str, str]]:
    """What the rows say they were made with."""
    found = {column: sorted({row[column] for row in rows if row.get(column)}) for column in MACHINE}
    return [(column, ', '.join(values)) for column, values in found.items() if values]


def commands(study: Study) -> list[tuple[str, str]]:
    made = [(f'{verb} it', tool('study', verb, study.path)) for verb in ('run', 'table', 'plot')]
    return [*made, ('this page', tool('report', *sys.argv[1:]))]
