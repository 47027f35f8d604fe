"""The plots of a study: scores against multiply-accumulates, one line per objective."""

from math import nan
from pathlib import Path

from cells import TEACHER, Study
from summary import Summary, interval
from table import ARROWS, study_rows

ROW = 4  # plots beside each other


def write_plot(study: Study, which: str = 'last') -> Path:
    """Write STUDY.png: means with their 95 % confidence intervals over seeds.

    Raises:
        ConfigError: there are no rows yet.
    """
    import matplotlib

    matplotlib.use('Agg')
    import matplotlib.pyplot as plt

    summary = Summary(study_rows(study)[0], which)
    columns = min(ROW, len(study.scores))
    lines = -(-len(study.scores) // columns)
    figure, axes = plt.subplots(lines, columns, figsize=(4 * columns, 3.2 * lines), squeeze=False)
    for axis, (score, better) in zip(axes.flat, study.scores.items(), strict=False):
        draw(axis, study, summary, score)
        axis.set(xscale='log', xlabel='MACs of the generator', title=f'{score} {ARROWS[better]}')
    for axis in axes.flat[len(study.scores) :]:
        axis.remove()
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc='outside lower center', ncols=6)
    figure.suptitle(f'{study.name}, {which} checkpoint, mean and 95 % confidence interval')
    figure.set_layout_engine('constrained')
    path = study.csv.with_suffix('.png')
    figure.savefig(path, dpi=100)
    plt.close(figure)
    return path


def draw(axis, study: Study, summary: Summary, score: str) -> None:
    """One score: a line of the teacher's, points of every objective, slightly apart."""
    for value in summary.values(TEACHER, TEACHER, score).values():
        axis.axhline(value, color='grey', linestyle='--', label=TEACHER)
    for number, objective in enumerate(study.spec['objectives']):
        points = [
            (macs(summary, student, objective) * 1.04**number, *bars(summary, student, objective, score))
            for student in study.spec['students']
            if summary.values(student, objective, score)
        ]
        if points:
            x, y, error = zip(*sorted(points), strict=True)
            axis.errorbar(x, y, error, marker='o', markersize=4, capsize=2, label=objective)


def bars(summary: Summary, student: str, objective: str, score: str) -> tuple[float, float]:
    """Mean and half the confidence interval; none of a single seed."""
    mean, low, _ = interval(list(summary.values(student, objective, score).values()))
    return mean, mean - low if low == low else nan


def macs(summary: Summary, student: str, objective: str) -> float:
    return next(iter(summary.values(student, objective, 'macs').values()))
