"""The curves of a run as data for the page, in the panels of tools/analysis/plot_run.py."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..analysis.plot_run import PANELS, Panel, Series, panel_of
from .logs import Warned
from .scores import short

CALM = 20  # times the median, up to which the largest value may reach
MOST = 1000  # points of a curve: more are not seen, and make the page heavy


def charts_of(series: Series, warnings: Sequence[Warned]) -> list[dict[str, Any]]:
    """A chart for each panel that has values."""
    panels = [panel for panel in PANELS if panel in map(panel_of, series)]
    marks = sorted({warned.iteration for warned in warnings})
    return [
        chart(panel, {name: v for name, v in series.items() if panel_of(name) is panel}, marks)
        for panel in panels
    ]


def chart(panel: Panel, series: Series, marks: Sequence[int]) -> dict[str, Any]:
    """What the page draws, and a row of numbers for each curve, for those who cannot see it."""
    steps = sorted({step for values in series.values() for step in values})
    stride = -(-len(steps) // MOST)
    shown = steps[::stride]
    note = f'Every {ordinal(stride)} of {len(steps)} logged values is drawn.' if stride > 1 else ''
    return dict(
        title=panel.title,
        note=note,
        data=dict(
            scale=scale_of(panel, series),
            x=shown,
            series=[dict(label=name, values=_drawn(values, shown, panel)) for name, values in series.items()],
            lines=[list(line) for line in panel.lines],
            marks=list(marks),
        ),
        rows=[row(name, values) for name, values in series.items()],
    )


def scale_of(panel: Panel, series: Series) -> str:
    """Linear where a few large values do not press all others to zero."""
    sizes = sorted(abs(v) for values in series.values() for v in values.values() if math.isfinite(v))
    spread = bool(sizes) and sizes[-1] > CALM * sizes[len(sizes) // 2]
    return 'linear' if panel.scale == 'symlog' and not spread else panel.scale


def row(name: str, values: Mapping[int, float]) -> list[str]:
    """Name, first, last, smallest and largest value; what is not finite is counted."""
    ordered = [values[step] for step in sorted(values)]
    finite = [value for value in ordered if math.isfinite(value)]
    ends = (ordered[0], ordered[-1], min(finite, default=math.nan), max(finite, default=math.nan))
    return [name, *map(short, ends), str(len(ordered) - len(finite) or '')]


def _drawn(values: Mapping[int, float], steps: Iterable[int], panel: Panel) -> list[float | None]:
    """Gaps where there is no value, none that is finite, or none that the scale has a place for."""
    found = (values.get(step) for step in steps)
    return [
        float(f'{value:.5g}')
        if value is not None and math.isfinite(value) and (value > 0 or panel.scale != 'log')
        else None
        for value in found
    ]


def ordinal(number: int) -> str:
    ending = 'th' if 10 < number % 100 < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')
    return f'{number}{ending}'
