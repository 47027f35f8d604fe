"""Plots what a run has logged: losses, distance, energies, the chain, each objective's gradient."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mikd.arguments.plot_run import parse_args

from ...utils import escape
from ...utils.errors import ConfigError
from ..launch.launch import user_errors

COLUMNS = 3  # panels beside each other
PLACES = ('scalars.json', 'vis_data/scalars.json', '*/vis_data/scalars.json')
# With those of runs before every objective was one of `objectives`.
OURS = ('loss_distill', 'loss_critic', 'loss_mi')
ENERGIES = ('energy_t', 'energy_neg', 'energy_gap')
CHAIN = ('chain_drift', 'chain_distance')
Series = dict[str, dict[int, float]]  # name to values by iteration


class Panel(NamedTuple):
    """What is drawn together, by its name, which in a run of several pairs ends with the pair.

    Attributes:
        names: what the names begin with ...
        parts: ... or what comes in them after the objective's name.
        scale: of the values, as matplotlib has them.
        lines: values to compare with, and what they mean.
    """

    title: str
    names: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    scale: str = 'linear'
    lines: tuple[tuple[float, str], ...] = ()

    def has(self, name: str) -> bool:
        return name.startswith(self.names) or any(part in name for part in self.parts)


PANELS = (
    Panel('losses of the model', ('loss', 'teacher_loss'), scale='symlog'),
    Panel('losses of the distillation', OURS, ('_loss_critic',)),
    Panel('energies of t and t~, and their gap', ENERGIES, tuple(f'_{name}' for name in ENERGIES)),
    Panel(
        'how far t is, and how far the chain goes',
        ('distance', *CHAIN),
        tuple(f'_{name}' for name in CHAIN),  # of several chains
        scale='log',
    ),
    Panel(
        "each objective's gradient over all others'",
        parts=('_grad_ratio',),
        scale='log',
        lines=((0.01, 'below: does nothing'), (1.0, 'above: overrules')),
    ),
    Panel(
        "cosine of each objective's way and that to its target",
        parts=('_towards',),
        lines=((0.0, 'below: away from it'),),
    ),
    Panel('norm of the gradient of what learns', ('critic_grad_norm',), ('_learner_norm',), scale='log'),
)


@user_errors()
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    picture = args.out or args.work_dir / 'run.png'
    print(escape.line(draw(read(args.work_dir), picture, args.work_dir.resolve().name)))
    print(escape.line(f'Next: mikd report {args.work_dir}, the same curves with scores and pictures'))


def read(work_dir: Path) -> Series:
    """What was logged in a folder: a later run goes on from an earlier one, or takes its place.

    Raises:
        ConfigError: no training was logged there.
    """
    series: Series = {}
    for path in sorted(path for place in PLACES for path in work_dir.glob(place)):
        entries = list(entries_of(path))
        first = min((step for step, _ in entries), default=math.inf)
        series = {k: {step: v[step] for step in v if step < first} for k, v in series.items()}
        for step, entry in entries:
            for name, value in entry.items():
                series.setdefault(name, {})[step] = value
    series = {name: values for name, values in series.items() if values}
    if not series:
        raise ConfigError(
            f'{work_dir} has no vis_data/scalars.json in which a training was logged: name the work_dir of a '
            'run whose vis_backends hold a VisBackend or LocalVisBackend'
        )
    return series


def entries_of(path: Path) -> Iterator[tuple[int, dict[str, float]]]:
    """Iteration and values of each line; a run may be killed within one, and evaluations log there too."""
    for line in path.read_text(errors='replace').splitlines():
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(entry, dict) and isinstance(entry.get('step'), int):
            shown = {k: v for k, v in entry.items() if panel_of(k) and isinstance(v, int | float)}
            if shown:
                yield entry['step'], shown


def panel_of(name: str) -> Panel | None:
    """Losses that are not ours are the model's."""
    panels = [panel for panel in PANELS if panel.has(name)]
    return panels[-1] if panels else None


def draw(series: Series, out: Path, title: str) -> Path:
    """Write the panels that have values.

    Raises:
        ConfigError: the ending of ``out`` is of no picture.
    """
    import matplotlib

    matplotlib.use('Agg')
    import matplotlib.pyplot as plt

    panels = [panel for panel in PANELS if panel in map(panel_of, series)]
    columns = min(COLUMNS, len(panels))
    size = (5 * columns, 3.4 * -(-len(panels) // columns))
    figure, axes = plt.subplots(
        -(-len(panels) // columns), columns, figsize=size, squeeze=False, layout='constrained'
    )
    if out.suffix[1:] not in figure.canvas.get_supported_filetypes():
        raise ConfigError(f'--out {out} names no kind of picture: let it end with .png, .svg or .pdf')
    for axis in axes.flat[len(panels) :]:
        axis.remove()
    for axis, panel in zip(axes.flat, panels, strict=False):
        draw_panel(axis, panel, {k: v for k, v in series.items() if panel_of(k) is panel})
    figure.suptitle(plain(title))
    figure.savefig(out, dpi=100)
    plt.close(figure)
    return out


def draw_panel(axis, panel: Panel, series: Series) -> None:
    for name, values in series.items():
        steps = sorted(values)
        marker = '.' if len(steps) < 30 else None
        axis.plot(steps, [values[step] for step in steps], linewidth=1, marker=marker, label=plain(name))
    for value, meaning in panel.lines:
        axis.axhline(value, color='grey', linestyle='--', linewidth=1)
        axis.annotate(meaning, (0.01, value), xycoords=('axes fraction', 'data'), fontsize=7, va='bottom')
    axis.set_yscale(panel.scale)
    axis.set_title(panel.title)
    axis.set_xlabel('iteration')
    axis.legend(fontsize=7)


def plain(text: str) -> str:
    """A name from a log in a plot: no formula, and not hidden from the legend."""
    return escape.line(text).replace('$', r'\$').lstrip('_')


if __name__ == '__main__':
    main()
