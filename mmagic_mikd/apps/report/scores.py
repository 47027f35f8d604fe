"""The scores of a run, which of two is better, and where distillation is behind."""

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ..analysis.plot_run import panel_of

HIGHER = {'psnr', 'ssim', 'msssim', 'precision', 'recall', 'density', 'coverage', 'snr'}
LOWER = {'fid', 'kid', 'frechet', 'swd', 'l1', 'l2', 'mae', 'mse', 'niqe', 'lpips', 'ppl', 'gradient', 'sad'}
ARROWS = dict(higher='↑', lower='↓')
NO_SCORES = ('time', 'data_time', 'memory', 'step', 'iter', 'epoch', 'lr')


class Saved(NamedTuple):
    """Scores by name, and what measured them."""

    values: dict[str, float]
    origin: str


def better(name: str) -> str | None:
    """'higher' or 'lower', by what a score is called; None for one that nobody knows here."""
    words = {*re.split(r'[^a-z0-9]+', name.lower().replace('ms_ssim', 'msssim'))}
    directions = {'higher': words & HIGHER, 'lower': words & LOWER}
    found = [direction for direction, known in directions.items() if known]
    return found[0] if len(found) == 1 else None


def saved(folder: Path) -> Saved:
    """Of the newest test of a run, else of its last validation; empty where there was neither."""
    for path in sorted(folder.rglob('*.json'), key=lambda path: path.stem, reverse=True):
        if path.stem == path.parent.name and (values := numbers(read_json(path))):
            return Saved(values, f'the test of {path.stem}')
    for path in sorted(folder.glob('*/vis_data/scalars.json'), reverse=True):
        lines = [read_json_line(line) for line in path.read_text(errors='replace').splitlines()]
        for entry in reversed(lines):
            if not is_of_training(entry) and (values := numbers(entry)):
                return Saved(values, f'the validation after iteration {entry.get("step", "?")}')
    return Saved({}, '')


def is_of_training(entry: Mapping) -> bool:
    return 'iter' in entry or 'epoch' in entry or any(map(panel_of, entry))


def read_json(path: Path) -> dict:
    return read_json_line(path.read_text(errors='replace'))


def read_json_line(text: str) -> dict:
    """What is no object of JSON, such as a line that a kill cut short, says nothing."""
    try:
        entry = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return entry if isinstance(entry, dict) else {}


def numbers(entry: Mapping) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in entry.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and name not in NO_SCORES
    }


def behind(name: str, scores: Mapping[str, float], alone: str, others: Mapping[str, float]) -> str:
    """In which scores a distilled student is behind the one trained alone, in one line; '' for none."""
    worse = []
    for score, value in scores.items():
        other, direction = others.get(score, math.nan), better(score)
        if direction and (value < other if direction == 'higher' else value > other):
            worse.append(f'{score} ({short(value)} against {short(other)})')
    return f'{name} is behind {alone} in {", ".join(worse)}.' if worse else ''


def short(value: float | None) -> str:
    """Four significant digits."""
    if value is None or math.isnan(value):
        return '-'
    return f'{value:.4g}' if abs(value) < 1e4 else f'{value:,.0f}'
