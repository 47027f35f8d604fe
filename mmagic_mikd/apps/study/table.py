"""The table of a study: Markdown, from its CSV alone."""

from math import floor, isfinite, log10
from pathlib import Path
from urllib.parse import quote

from ...utils import escape
from ...utils.errors import ConfigError
from .cells import Study
from .rows import number, read_rows
from .study_file import TEACHER
from .summary import MIXED, NONE, UNLIKE, WORSE, Difference, Summary, compared, current

ARROWS = dict(higher='↑', lower='↓')
TITLES = dict(last='Last checkpoint', best='Best checkpoint by {best} on the validation split')
COSTS = dict(gmacs_total='GMACs of training')  # and no times: those are of different processors and loads
HEAD = """\
# {name}

Written by {command} from [{csv}]({link}), which has every run.

Scores are those of the test split, mean ± standard deviation over n seeds. Differences are to the student
alone, seed by seed, with their 95 % confidence interval (Student's t). Then comes the share of the gap between
student and teacher that is closed, where that gap is larger than the 95 % interval of the student's mean.

{note}{stale}"""
NOTE = """\
Bold: better, and significant at 5 % in the company of all differences of its table (Holm). †: worse, likewise.
"""
MIXED_PAIRS = """
‡: so many of these pairs have one half on another kind of processor. Two kinds round differently, and a
training amplifies that: such a difference may be one of processors.
"""
UNLIKE_PAIRS = """
§: so many of these pairs have not had one teacher, or it is not known: the study's teacher was trained again
between them, or after them.
"""
STALE = """
{count} rows of the CSV are of other settings than the study's present ones and are left out.
"""


def write_table(study: Study) -> Path:
    """Write STUDY.md beside the CSV.

    Raises:
        ConfigError: there are no rows yet.
    """
    path = study.csv.with_suffix('.md')
    path.write_text(table(study, study_rows(study)))
    return path


def behind(study: Study) -> list[str]:
    """A line for each objective whose students are, in the mean of a score, behind the student alone."""
    summary, lines = Summary(study_rows(study)[0], 'last'), []
    for student in study.spec['students']:
        for objective in study.spec['objectives']:
            worse = []
            for score, better in study.scores.items():
                difference = summary.difference(student, objective, score, better)
                if difference and (difference.mean < 0 if better == 'higher' else difference.mean > 0):
                    worse.append(f'{score} {difference.mean:+.{decimals(difference.mean)}f}')
            if worse and objective != NONE:
                lines.append(f'{student}, {objective} is behind the student alone in {", ".join(worse)}')
    return lines


def comparison(study: Study, against: str) -> str:
    """Differences of the last checkpoints to another objective than the student alone.

    Raises:
        ConfigError: the study has no such objective, or no row of it.
    """
    if against not in study.spec['objectives']:
        raise ConfigError(f'--against {against}: {study.path} has {", ".join(study.spec["objectives"])}')
    summary = Summary(study_rows(study)[0], 'last')
    parts = []
    for student in study.spec['students']:
        lines = markdown(difference_lines(study, summary, student, against))
        parts += [f'## {student}\n', lines, legend(lines)] if lines else []
    if not parts:
        raise ConfigError(f'--against {against}: {study.csv} has no rows to compare with it')
    return '\n'.join(parts)


def study_rows(study: Study) -> tuple[list[dict], list[dict]]:
    """Rows of the study's present settings, and stale ones."""
    rows = read_rows(study.csv)
    if not rows:
        raise ConfigError(f'{study.csv} has no rows: first `mikd study run {study.path}`')
    return current(rows, [study.teacher, *study.cells()])


def table(study: Study, rows: tuple[list[dict], list[dict]]) -> str:
    fresh, stale = rows
    note = STALE.format(count=len(stale)) if stale else ''
    names = dict(name=escape.cell(study.name), csv=escape.cell(study.csv.name), link=quote(study.csv.name))
    command = escape.code(f'python tools/study.py table {study.path}')
    parts = []
    for student in study.spec['students']:
        own = [row for row in fresh if row['student'] == student]
        if not own:
            continue
        parts.append(f'## {student}: {size(own[0])}\n')
        for which, title in TITLES.items():
            summary = Summary(fresh, which)
            parts.append(f'{title.format(best=escape.cell(next(iter(study.spec["best"]))))}:\n')
            parts.append(markdown(score_lines(study, summary, student)))
            parts.append(markdown(difference_lines(study, summary, student)))
        parts.append('Cost of training:\n')
        parts.append(markdown(cost_lines(study, Summary(fresh, 'last'), student)))
    body = '\n'.join(parts)
    return HEAD.format(**names, command=command, note=legend(body), stale=note) + '\n' + body


def legend(text: str) -> str:
    """What the marks in a text mean."""
    meanings = {MIXED: MIXED_PAIRS, UNLIKE: UNLIKE_PAIRS}
    return NOTE + ''.join(meaning for mark, meaning in meanings.items() if mark in text)


def size(row: dict) -> str:
    return f'{number(row, "params") / 1e6:.3g} M parameters, {number(row, "macs") / 1e6:.3g} M MACs'


def score_lines(study: Study, summary: Summary, student: str) -> list[list[str]]:
    lines = [['', 'n', *(f'{escape.cell(name)} {ARROWS[better]}' for name, better in study.scores.items())]]
    for place in [(TEACHER, TEACHER), *((student, objective) for objective in study.spec['objectives'])]:
        found = [summary.mean_sd(*place, score) for score in study.scores]
        n = max(count for _, _, count in found)
        if n:
            lines.append([place[1], str(n), *(with_deviation(mean, sd) for mean, sd, _ in found)])
    return lines


def difference_lines(study: Study, summary: Summary, student: str, against: str = NONE) -> list[list[str]]:
    lines = [[f'minus {against}', 'n', *map(escape.cell, study.scores)]]
    for row in compared(study, summary, student, against):
        texts = map(difference_text, row.differences, row.verdicts)
        lines.append([row.objective, row.seeds, *texts])
    return lines


def difference_text(difference: Difference | None, verdict: str) -> str:
    if difference is None:
        return '-'
    mean, low, high, gap = difference[:4]
    digits = decimals(mean)
    text = f'{mean:+.{digits}f}'
    if isfinite(low):
        text += f' [{low:+.{digits}f}, {high:+.{digits}f}]'
    return marked(text, verdict) + (f', {100 * gap:.0f} %' if isfinite(gap) else '')


def marked(text: str, verdict: str) -> str:
    """Bold where it is better, and with a dagger where it is worse."""
    return {'better': f'**{text}**', 'worse': f'{text}{WORSE}'}.get(verdict, text)


def cost_lines(study: Study, summary: Summary, student: str) -> list[list[str]]:
    lines = [['', 'n', *COSTS.values()]]
    for objective in study.spec['objectives']:
        found = [summary.mean_sd(student, objective, column) for column in COSTS]
        if found[0][2]:
            lines.append([objective, str(found[0][2]), *(f'{mean:.0f}' for mean, _, _ in found)])
    return lines


def with_deviation(mean: float, sd: float) -> str:
    if not isfinite(mean):
        return '-'
    digits = decimals(mean)
    return f'{mean:.{digits}f}' + (f' ± {sd:.{digits}f}' if isfinite(sd) else '')


def decimals(value: float) -> int:
    """For four significant digits, at least one and at most four decimals."""
    return min(4, max(1, 3 - floor(log10(abs(value))))) if value and isfinite(value) else 2


def markdown(lines: list[list[str]]) -> str:
    lines = [lines[0], ['---', *['---:'] * (len(lines[0]) - 1)], *lines[1:]]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines) + '\n' if len(lines) > 2 else ''
