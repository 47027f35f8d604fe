"""The tables of the pages in docs that PAGES names, from the rows of the studies.

    PYTHONPATH=.:benchmarks/studies/configs python benchmarks/results.py

It writes them anew, between the marks of the pages. A cell is a mean ± standard deviation over seeds, or a
difference of pairs with its 95 % interval. Bold, † and ‡ mean what the page says; Holm's correction is over all
differences of one table.
"""

import re
import tempfile
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path

from benchmarks.result_tables import LINEUPS, SCORES, TABLES, Lineup, Row, Table
from mmagic_mikd.apps.study.cells import Study
from mmagic_mikd.apps.study.rows import number
from mmagic_mikd.apps.study.summary import MIXED, Difference, Summary, holm, mean_sd
from mmagic_mikd.apps.study.table import marked, study_rows

HERE = Path(__file__).parent
STUDIES, DOCS = HERE / 'studies', HERE.parent / 'docs'
PAGES = [DOCS / f'{name}.md' for name in ('results', 'energy', 'export', 'omgd', 'students')]


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
    _, of_value, of_difference = SCORES[row.score]
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
    runs = {name: len(summary.values(lineup.student, name, lineup.scores[0])) for name in lineup.names}
    present = list(filter(runs.get, lineup.names))
    pairs = dict(differences(lineup, present))
    limit = holm({(frozenset(pair), score): d.p for (*pair, score), d in pairs.items()}.values())
    told = [] if lineup.needs is None else ['needs', 'GMACs more an iteration']
    told += ['ms', 'MiB'] if lineup.timed else []
    compared = [(score, other) for score in lineup.scores[: lineup.compared] for other in lineup.against]
    titles = ['', *told, 'seeds', *(SCORES[score][0] for score in lineup.scores)]
    titles += [f'{SCORES[score][0][:-2]}, minus {lineup.against[other]}' for score, other in compared]
    teacher = ['teacher', *[''] * (len(told) + 1), *means(lineup, 'teacher', 'teacher')]
    lines = [titles, [*teacher, *[''] * len(compared)]]
    for name in present:
        own = [
            lineup.names[name],
            *costs(lineup, name),
            str(runs[name]),
            *means(lineup, lineup.student, name),
        ]
        for score, other in compared:
            found = pairs.get((name, other, score))
            own.append(difference(found, study.scores[score], SCORES[score][2], limit) if found else '-')
        lines.append(own)
    head, *body = ('| ' + ' | '.join(line) + ' |' for line in lines)
    return '\n'.join([head, rule(len(titles)), *body])


def differences(lineup: Lineup, names: list[str]) -> Iterator[tuple[tuple[str, str, str], Difference]]:
    """Of each pair that is compared, by the two names and the score; of two references both ways."""
    study, summary = study_of(lineup.study)
    for score in lineup.scores[: lineup.compared]:
        for name, other in product(names, lineup.against):
            if name != other:
                found = summary.difference(lineup.student, name, score, study.scores[score], other)
                if found:
                    yield (name, other, score), found


def means(lineup: Lineup, student: str, name: str) -> list[str]:
    summary = study_of(lineup.study)[1]
    return [mean_text(summary.mean_sd(student, name, score), SCORES[score][1]) for score in lineup.scores]


def costs(lineup: Lineup, name: str) -> list[str]:
    """What an objective needs, and its multiply-accumulates beyond the start's; the loads of rows differ."""
    if lineup.needs is None:
        return []
    if name in ('none', 'sliced'):
        return ['-'] * (4 if lineup.timed else 2)
    summary = study_of(lineup.study)[1]
    iterations = next(number(row, 'iterations') for row in summary.rows if row['objective'] == name)
    own, start = (summary.mean_sd(lineup.student, each, 'gmacs_total')[0] for each in (name, 'sliced'))
    timed = measured(lineup.timed)[name] if lineup.timed else []
    return [lineup.needs.get(name, '-'), f'{(own - start) / iterations:.2f}', *timed]


@cache
def measured(page: str) -> dict[str, list[str]]:
    """Milliseconds and MiB by objective."""
    table = re.findall(r'^\| `(\w+)` \|.*\| (\d+) \| [^|]+ \| ([\d.]+) \|$', (HERE / page).read_text(), re.M)
    return {name: [milliseconds, mebibytes] for name, milliseconds, mebibytes in table}


def mean_text(value: tuple[float, float, int], decimals: int) -> str:
    mean, sd, n = value
    return '-' if not n else f'{mean:.{decimals}f}' + (f' ± {sd:.{decimals}f}' if n > 1 else '')


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
