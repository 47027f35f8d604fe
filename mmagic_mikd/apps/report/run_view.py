"""What the page shows of runs: sizes, scores, pictures, curves, settings, commands."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ...cost.complexity import Complexity
from ...utils.errors import ConfigError
from ...version import __version__
from ..analysis.plot_run import read as read_series
from . import pictures
from .charts import charts_of
from .differences import base_of, differences
from .looks import look, slider
from .runs import Run
from .scores import Saved, saved
from .sizes import behind_of, cards, costs_of, networks, score_table, times_of

PACKAGES = dict(  # by the names that the toolbox has for them
    mmagic_mikd=None, MMagic='mmagic', MMEngine='mmengine', PyTorch='torch', TorchVision='torchvision'
)


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


def alone_of(runs: Sequence[Run], main: Run, costs: Mapping[str, Mapping[str, Complexity]]) -> Run | None:
    """The run that trains the network of the main one without distilling it."""
    size = costs[main.name].get(pictures.STUDENT)
    for run in runs:
        if run is not main and not run.is_distilled and costs[run.name].get(pictures.STUDENT) == size:
            return run
    return None


def missing_scores(runs: Sequence[Run], kept: Mapping[str, Saved]) -> list[str]:
    return [
        f'No evaluation of {run.name} was found; the command is below.'
        for run in runs
        if not kept[run.name].values
    ]


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
    rows = [[name, *(run.log.versions.get(name, '-') for run in runs), now.get(name, '-')] for name in names]
    return dict(heads=heads, rows=rows)


def installed(package: str | None) -> str:
    try:
        return version(package) if package else __version__
    except PackageNotFoundError:
        return '-'


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
    return shlex.join(['mikd', name, *map(shown, arguments)])


def shown(path: object) -> str:
    """As it would be typed here."""
    if isinstance(path, Path) and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return str(path)
