"""The plots of a study: scores against multiply-accumulates, one line per objective."""

from math import isfinite
from pathlib import Path

from .cells import Study
from .rows import number
from .study_file import TEACHER
from .summary import Summary
from .table import ARROWS, study_rows

COLUMNS = 4  # plots beside each other
SPREAD = 0.3  # of the objectives of one student, as a share of its multiply-accumulates


def write_plot(study: Study, which: str = 'last') -> Path:
    """Write STUDY.png: means and standard deviations over seeds.

    Raises:
        ConfigError: there are no rows yet.
    """
    import matplotlib

    matplotlib.use('Agg')
    import matplotlib.pyplot as plt

    summary = Summary(study_rows(study)[0], which)
    columns = min(COLUMNS, len(study.scores))
    lines = -(-len(study.scores) // columns)
    figure, axes = plt.subplots(
        lines, columns, figsize=(4 * columns, 3.2 * lines), squeeze=False, layout='constrained'
    )
    for axis, (score, better) in zip(axes.flat, study.scores.items(), strict=False):
        draw(axis, study, summary, score)
        axis.set_title(f'{plain(score)} {ARROWS[better]}')
    for axis in axes.flat[len(study.scores) :]:
        axis.remove()
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc='outside lower center', ncols=6)
    figure.suptitle(
        f'{plain(study.name)}, {which} checkpoint: mean ± standard deviation against MACs of the generator'
    )
    path = study.csv.with_suffix('.png')
    figure.savefig(path, dpi=100)
    plt.close(figure)
    return path


def plain(name: str) -> str:
    """A name that is no formula, whatever dollar signs it has."""
    return name.replace('$', r'\$')


def draw(axis, study: Study, summary: Summary, score: str) -> None:
    """One score: a line of the teacher's, points of every objective, slightly apart."""
    from matplotlib import colormaps

    for value in summary.values(TEACHER, TEACHER, score).values():
        axis.axhline(value, color='grey', linestyle='--', label=TEACHER)
    students, pairs = study.spec['students'], colormaps['tab20'].colors
    objectives = [
        name
        for name in study.spec['objectives']
        if any(summary.mean_sd(student, name, score)[2] for student in students)
    ]
    for index, objective in enumerate(objectives):
        shift = 1 + SPREAD * ((index + 0.5) / len(objectives) - 0.5)
        points = []
        for student in students:
            mean, sd, n = summary.mean_sd(student, objective, score)
            if n:
                points.append((shift * macs(summary, student), mean, sd if isfinite(sd) else 0))
        x, y, error = zip(*sorted(points), strict=True)
        colour = pairs[(2 * index + index // 10) % len(pairs)]  # the dark ones first
        axis.errorbar(
            x, y, error, marker='o', markersize=4, capsize=2, linewidth=1, color=colour, label=objective
        )
    label_students(axis, {name: macs(summary, name) for name in students})


def label_students(axis, costs: dict[str, float | None]) -> None:
    known = {name: cost for name, cost in costs.items() if cost}
    axis.set_xscale('log')
    axis.set_xticks([], minor=True)
    axis.set_xticks(list(known.values()), [f'{name}\n{cost / 1e6:.3g} M' for name, cost in known.items()])
    if known:
        axis.set_xlim(min(known.values()) / 1.5, max(known.values()) * 1.5)


def macs(summary: Summary, student: str) -> float | None:
    """Of the student's generator; None where there is no row of it."""
    return next((number(row, 'macs') for row in summary.rows if row['student'] == student), None)
