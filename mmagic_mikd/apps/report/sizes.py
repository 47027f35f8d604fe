"""Sizes and scores of runs: the cards above the page, and its table."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...cost.complexity import Complexity
from ...utils.errors import ConfigError
from . import pictures
from .looks import Seen
from .runs import Run
from .scores import ARROWS, Saved, behind, better, short


class Card(NamedTuple):
    """One number that matters, large; what it is; where it comes from."""

    value: str
    label: str
    note: str


def costs_of(run: Run, notes: list[str]) -> dict[str, Complexity]:
    """By 'student' and 'teacher', or 'teacher NAME' of several; what cannot be counted is a note."""
    try:
        rows = run.costs
    except ConfigError as error:
        notes.append(f'Sizes of {run.name} are unknown: {error}.')
        return {}
    *teachers, student = rows
    return {pictures.STUDENT: student.cost} | {row.name.split(' (')[0]: row.cost for row in teachers}


def teachers_in(costs: Mapping[str, Complexity]) -> dict[str, Complexity]:
    return {name: cost for name, cost in costs.items() if name != pictures.STUDENT}


def networks(runs: Sequence[Run], main: Run, costs: Mapping[str, Mapping]) -> dict[str, Complexity | None]:
    """Rows of the table: the teachers, then every run."""
    rows = {run.name: costs[run.name].get(pictures.STUDENT) for run in runs}
    teachers = teachers_in(costs[main.name]) or {pictures.TEACHER: None}
    return {**teachers, **rows} if main.teacher else rows


def times_of(run: Run) -> dict[str, dict[str, dict[str, float]]]:
    """By runtime, then by 'teacher' and the run's name."""
    names = {pictures.STUDENT: run.name, 'generator': run.name}
    return {
        runtime: {names.get(name, name): time for name, time in networks.items()}
        for runtime, networks in run.times.items()
    }


def cards(main: Run, against: Run | None, costs: Mapping[str, Mapping], seen: Seen) -> list[Card]:
    student, teachers = costs[main.name].get(pictures.STUDENT), teachers_in(costs[main.name])
    made = []
    for who, teacher in teachers.items():
        than = f' than {who}' if len(teachers) > 1 else ''
        for label, name in (('parameters', 'params'), ('multiply-accumulates', 'macs')):
            many, few = getattr(teacher, name), getattr(student, name)
            ratio = f'{many / few:.1f} times' if few else '-'
            made.append(Card(ratio, f'fewer {label}{than}', f'{amount(many)} → {amount(few)}'))
    for runtime, times in main.times.items():
        for who in teachers if pictures.STUDENT in times else ():
            if who in times:
                slow, fast = (times[name]['median'] for name in (who, pictures.STUDENT))
                label = f'faster in {runtime}' + (f' than {who}' if len(teachers) > 1 else '')
                made.append(Card(f'{slow / fast:.1f} times', label, f'{slow:.1f} → {fast:.1f} ms'))
    found = (kept(seen, main, against, target) for target in (pictures.TARGET, pictures.TEACHER))
    return [*made, *filter(None, found)]


def kept(seen: Seen, main: Run, against: Run | None, target: str) -> Card | None:
    """What is left of the score: PSNR to the target beside the teacher's, or to the teacher."""
    measured = seen.scores.get(main.name, {})
    name = next((name for name in measured if name.endswith(f'{target}/psnr')), None)
    if name is None:
        return None
    others = {who: seen.scores.get(who, {}).get(name) for who in (pictures.TEACHER, against and against.name)}
    told = [f'{who} {value:.2f} dB' for who, value in others.items() if value is not None]
    what = 'target' if target == pictures.TARGET else "teacher's image"
    what += ', '.join(['', *name.split()[:-1]])  # the generator, where there are several
    note = ', '.join(told) or f'on {len(seen.pictures[0].samples)} images'
    return Card(f'{measured[name]:.2f} dB', f'PSNR to the {what}', note)


def amount(number: float) -> str:
    unit, size = next(((u, s) for u, s in (('G', 1e9), ('M', 1e6), ('k', 1e3)) if number >= s), ('', 1))
    return f'{number / size:.3g} {unit}'.strip()


def behind_of(main: Run, against: Run | None, seen: Seen, kept: Mapping[str, Saved]) -> str:
    if against is None or against is main:
        return ''
    one, other = (
        {f'{name} on these images': value for name, value in seen.scores.get(run.name, {}).items()}
        | kept[run.name].values
        for run in (main, against)
    )
    return behind(main.name, one, against.name, other)


def score_table(
    rows: Mapping[str, Complexity | None], seen: Seen, kept: Mapping[str, Saved], times: Mapping[str, Mapping]
) -> dict[str, Any]:
    """Groups of columns, each with its heads and what stands in them by network."""
    sizes = dict(title='', heads=['parameters', 'MACs', *(f'ms, {runtime}' for runtime in times)], cells={})
    for name, cost in rows.items():
        numbers = [amount(cost.params), amount(cost.macs)] if cost else ['-', '-']
        found = (each.get(name) for each in times.values())
        clock = [f'{time["median"]:.1f} ± {time["spread"]:.1f}' if time else '-' for time in found]
        sizes['cells'][name] = [*numbers, *clock]
    count = max((len(each.samples) for each in seen.pictures), default=0)
    groups = [sizes, group(f'on these {count} images', seen.scores, rows)]
    by_origin = {name: found.values for name, found in kept.items()}
    groups.append(group('in the evaluation', by_origin, rows))
    origins = [f'{name}: {found.origin}' for name, found in kept.items() if found.values]
    return dict(rows=list(rows), groups=[each for each in groups if each['heads']], origins=origins)


def group(title: str, scores: Mapping[str, Mapping[str, float]], rows: Mapping) -> dict[str, Any]:
    names = list(dict.fromkeys(score for name in rows for score in scores.get(name, {})))
    heads = [f'{name} {ARROWS.get(better(name), "")}'.strip() for name in names]
    cells = {row: [short(scores.get(row, {}).get(name)) for name in names] for row in rows}
    return dict(title=title, heads=heads, cells=cells)
