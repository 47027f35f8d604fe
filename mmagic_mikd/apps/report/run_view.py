"""What the page shows of runs: sizes, scores, pictures, curves, settings, commands."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from ...cost.complexity import Complexity
from ...utils.errors import ConfigError
from ...version import __version__
from ..analysis.plot_run import read as read_series
from ..clone import CLONE
from ..launch.explain import explain
from . import pictures
from .charts import charts_of
from .differences import base_of, differences
from .page import data_uri
from .pictures import Pictures
from .runs import Run
from .scores import ARROWS, Saved, behind, better, saved, short

PACKAGES = dict(mmagic_mikd=None, MMagic='mmagic', MMEngine='mmengine', PyTorch='torch', TorchVision='torchvision')


class Card(NamedTuple):
    """One number that matters, large; what it is; where it comes from."""

    value: str
    label: str
    note: str


class Seen(NamedTuple):
    """Pictures of all runs, the scores measured on them by network, and why there are no others."""

    pictures: list[Pictures]
    scores: dict[str, dict[str, float]]
    notes: list[str]


def view(runs: Sequence[Run], against: Run | None, images: int) -> dict[str, Any]:
    """Everything about runs, for the template.

    Args:
        against: the run that the others are compared with; by default the same student trained alone.
        images: of the test set, for each run; 0 for the pictures that it has drawn itself.
    """
    main = next((run for run in reversed(runs) if run.is_distilled), runs[-1])
    notes: list[str] = []
    costs = {run.name: costs_of(run, notes) for run in runs}
    against = against or alone_of(runs, main, costs)
    seen = look(runs, main, images)
    kept = {run.name: saved(run.folder) for run in runs}
    rows = networks(runs, main, costs)
    return dict(
        main=main.name,
        cards=cards(main, against, costs, seen),
        behind=behind_of(main, against, seen, kept),
        notes=[*notes, *seen.notes, *missing_scores(runs, kept)],
        scores=score_table(rows, seen, kept, times_of(main)),
        pictures=[slider(found, main.name, [run.name for run in runs]) for found in seen.pictures],
        curves=curves(runs),
        warnings={run.name: run.log.warnings for run in runs},
        changes=changes(runs, against),
        versions=versions(runs),
        commands=commands(runs, main),
    )


# ---- sizes ----------------------------------------------------------------------------------------


def costs_of(run: Run, notes: list[str]) -> dict[str, Complexity]:
    """By 'teacher' and 'student'; what cannot be counted is a note."""
    try:
        rows = run.costs
    except ConfigError as error:
        notes.append(f'Sizes of {run.name} are unknown: {error}.')
        return {}
    names = (pictures.TEACHER, pictures.STUDENT) if len(rows) == 2 else (pictures.STUDENT,)
    return {name: row.cost for name, row in zip(names, rows, strict=True)}


def alone_of(runs: Sequence[Run], main: Run, costs: Mapping[str, Mapping[str, Complexity]]) -> Run | None:
    """The run that trains the network of the main one without distilling it."""
    size = costs[main.name].get(pictures.STUDENT)
    for run in runs:
        if run is not main and not run.is_distilled and costs[run.name].get(pictures.STUDENT) == size:
            return run
    return None


def networks(runs: Sequence[Run], main: Run, costs: Mapping[str, Mapping]) -> dict[str, Complexity | None]:
    """Rows of the table: the teacher, then every run."""
    rows = {run.name: costs[run.name].get(pictures.STUDENT) for run in runs}
    teacher = costs[main.name].get(pictures.TEACHER)
    return {pictures.TEACHER: teacher, **rows} if main.is_distilled else rows


def times_of(run: Run) -> dict[str, dict[str, dict[str, float]]]:
    """By runtime, then by 'teacher' and the run's name."""
    names = {pictures.STUDENT: run.name, 'generator': run.name}
    return {
        runtime: {names.get(name, name): time for name, time in networks.items()}
        for runtime, networks in run.times.items()
    }


def cards(main: Run, against: Run | None, costs: Mapping[str, Mapping], seen: Seen) -> list[Card]:
    teacher, student = (costs[main.name].get(name) for name in (pictures.TEACHER, pictures.STUDENT))
    made = []
    if teacher and student:
        for label, name in (('parameters', 'params'), ('multiply-accumulates', 'macs')):
            many, few = getattr(teacher, name), getattr(student, name)
            ratio = f'{many / few:.1f}×' if few else '–'
            made.append(Card(ratio, f'fewer {label}', f'{amount(many)} → {amount(few)}'))
    for runtime, times in main.times.items():
        if {pictures.TEACHER, pictures.STUDENT} <= times.keys():
            slow, fast = (times[name]['median'] for name in (pictures.TEACHER, pictures.STUDENT))
            made.append(Card(f'{slow / fast:.1f}×', f'faster in {runtime}', f'{slow:.1f} → {fast:.1f} ms'))
    return made + [card for target in (pictures.TARGET, pictures.TEACHER) if (card := kept(seen, main, against, target))]


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
    return Card(f'{measured[name]:.2f} dB', f'PSNR to the {what}', ', '.join(told) or f'on {len(seen.pictures[0].samples)} images')


def amount(number: float) -> str:
    unit, size = next(((u, s) for u, s in (('G', 1e9), ('M', 1e6), ('k', 1e3)) if number >= s), ('', 1))
    return f'{number / size:.3g} {unit}'.strip()


# ---- pictures and scores --------------------------------------------------------------------------


def look(runs: Sequence[Run], main: Run, images: int) -> Seen:
    """Test images through all networks; the pictures of the training where that cannot be."""
    found, notes = [], []
    for run in runs:
        seen, note = look_at(run, main.teacher or None, images)
        notes += [note] if note else []
        found += [(run.name, each) for each in seen]
    joined = pictures.beside(found)
    scores: dict[str, dict[str, float]] = {}
    for each in joined:
        prefix = f'{each.generator} ' if len({one.generator for one in joined}) > 1 else ''
        for name in dict.fromkeys(n for s in each.samples for n in s.images):
            if name not in ('input', pictures.TARGET):
                values = pictures.measured(each.samples, name)
                scores.setdefault(name, {}).update({prefix + score: value for score, value in values.items()})
    return Seen(joined, scores, notes)


def look_at(run: Run, teacher: dict | None, images: int) -> tuple[list[Pictures], str]:
    """Pictures of one run, and a sentence where they are not of the test set."""
    note = ''
    if images:
        from .testing import of_test_set

        try:
            return of_test_set(run, run.teacher or teacher, images), ''
        except Exception as error:
            reason = explain(error)
            if reason is None:  # a bug of ours keeps its traceback
                raise
            note = f'The test images of {run.name} could not be shown: {reason}.'
    return pictures.saved_pictures(run), note


def slider(found: Pictures, main: str, runs: Sequence[str]) -> dict[str, Any]:
    """Best, median and worst sample of the main run, as files within the page."""
    names = list(dict.fromkeys(name for sample in found.samples for name in sample.images))
    judged = main if main in names else next((name for name in runs if name in names), '')
    samples = []
    for rank, sample, distance in pictures.ranked(found.samples, judged) or unranked(found.samples):
        shown = {name: (data_uri(*pictures.encoded(image)), *image.shape[1::-1]) for name, image in sample.images.items()}
        samples.append(dict(rank=rank, name=sample.name, distance=distance, images=shown))
    left = pictures.TEACHER if pictures.TEACHER in names else names[0]
    return dict(found._asdict(), names=names, judged=judged, left=left, right=judged or names[-1], samples=samples)


def unranked(samples: Sequence[pictures.Sample]) -> list[pictures.Ranked]:
    """The first ones, where there is no teacher to be near to."""
    return [pictures.Ranked('', sample, float('nan')) for sample in samples[:3]]


def behind_of(main: Run, against: Run | None, seen: Seen, kept: Mapping[str, Saved]) -> str:
    if against is None or against is main:
        return ''
    one, other = (
        {f'{name} on these images': value for name, value in seen.scores.get(run.name, {}).items()}
        | kept[run.name].values
        for run in (main, against)
    )
    return behind(main.name, one, against.name, other)


def missing_scores(runs: Sequence[Run], kept: Mapping[str, Saved]) -> list[str]:
    return [
        f'No evaluation of {run.name} was found; the command is below.' for run in runs if not kept[run.name].values
    ]


def score_table(
    rows: Mapping[str, Complexity | None], seen: Seen, kept: Mapping[str, Saved], times: Mapping[str, Mapping]
) -> dict[str, Any]:
    """Groups of columns, each with its heads and what stands in them by network."""
    sizes = dict(title='', heads=['parameters', 'MACs', *(f'ms, {runtime}' for runtime in times)], cells={})
    for name, cost in rows.items():
        numbers = [amount(cost.params), amount(cost.macs)] if cost else ['–', '–']
        found = (each.get(name) for each in times.values())
        clock = [f'{time["median"]:.1f} ± {time["spread"]:.1f}' if time else '–' for time in found]
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


# ---- curves, settings, commands -------------------------------------------------------------------


def curves(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """By panel, those of all runs beside each other."""
    panels: dict[str, list] = {}
    for run in runs:
        try:
            series = read_series(run.folder)
        except ConfigError:  # nothing was logged
            continue
        for chart in charts_of(series, run.log.warnings):
            panels.setdefault(chart['title'], []).append(dict(chart, run=run.name))
    return [dict(title=title, charts=charts) for title, charts in panels.items()]


def changes(runs: Sequence[Run], against: Run | None) -> list[dict[str, Any]]:
    """Of a single run to what it inherits, of several to one of them."""
    if len(runs) == 1:
        base = base_of(runs[0])
        if base is None:
            return []
        found = differences(base.values, runs[0].cfg.to_dict())
        return [dict(before=base.names, after=runs[0].config_file.name, rows=found)]
    first = against or runs[0]
    return [
        dict(before=first.name, after=run.name, rows=differences(first.cfg.to_dict(), run.cfg.to_dict()))
        for run in runs
        if run is not first
    ]


def versions(runs: Sequence[Run]) -> dict[str, Any]:
    """Of what each run has logged, and of what has written the page."""
    now = {name: installed(package) for name, package in PACKAGES.items()}
    names = list(dict.fromkeys([*now, *(name for run in runs for name in run.log.versions)]))
    heads = [*(run.name for run in runs), 'this page']
    rows = [[name, *(run.log.versions.get(name, '–') for run in runs), now.get(name, '–')] for name in names]
    return dict(heads=heads, rows=rows)


def installed(package: str | None) -> str:
    try:
        return version(package) if package else __version__
    except PackageNotFoundError:
        return '–'


def commands(runs: Sequence[Run], main: Run) -> list[tuple[str, str]]:
    """What each command is for, and the command."""
    trained = [(f'train {run.name}', run.log.command or tool('train', run.config_file)) for run in runs]
    config, checkpoint = main.config_file, main.checkpoint
    found = [*trained]
    if checkpoint:
        found.append(('evaluate', tool('test', config, checkpoint, '--work-dir', main.folder / 'test')))
    found.append(('measure time', tool('benchmark', config, '--out', main.folder / 'benchmark.json')))
    if checkpoint:
        found.append(('export', tool('export', config, checkpoint, '--out', main.folder / 'export')))
    return [*found, ('this page', tool('report', *map(shown, sys.argv[1:])))]


def tool(name: str, *arguments: object) -> str:
    start = ['python', f'tools/{name}.py'] if CLONE else ['python', '-m', 'mmagic_mikd', name]
    return shlex.join([*start, *map(shown, arguments)])


def shown(path: object) -> str:
    """As it would be typed here."""
    if isinstance(path, Path) and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return str(path)
