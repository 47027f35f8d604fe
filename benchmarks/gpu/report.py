"""The report: what machine it was, and a table for each phase, from the rows that there are."""

import json
import os
import platform
from pathlib import Path
from typing import Any

import mmengine
import numpy
import torch

from mmagic_mikd.cost.training_macs import cpu_name

from .bench import read_rows

LAST = ('ok', 'seconds', 'error')


def machine() -> dict[str, Any]:
    found: dict[str, Any] = dict(
        processor=cpu_name(),
        cores=len(os.sched_getaffinity(0)),
        python=platform.python_version(),
        torch=torch.__version__,
        numpy=numpy.__version__,
        mmengine=mmengine.__version__,
        gpu='none',
    )
    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        found |= dict(
            gpu=properties.name,
            gpus=torch.cuda.device_count(),
            memory_mib=properties.total_memory // 2**20,
            processors=properties.multi_processor_count,
            capability=f'{properties.major}.{properties.minor}',
            cuda=torch.version.cuda,
            cudnn=torch.backends.cudnn.version(),
        )
    return found


def write(out: Path, about: dict[str, Any], phases: dict[str, str]) -> None:
    """report.json and report.md, of all rows so far.

    Args:
        about: the machine, and how the run was started.
        phases: each, and how it ended.
    """
    rows = read_rows(out)
    (out / 'report.json').write_text(json.dumps(dict(about=about, phases=phases, rows=rows), indent=1))
    held = sum(row.get('ok') is True for row in rows)
    lines = ['# A run on one machine', '', f'{held} of {len(rows)} rows hold what they claim.', '']
    lines += ['| | |', '| --- | --- |', *(f'| {name} | {value} |' for name, value in about.items())]
    for phase, end in phases.items():
        own = [row for row in rows if row['phase'] == phase]
        lines += ['', f'## {phase}', '', f'{end}.', '', *tables(own)]
    (out / 'report.md').write_text('\n'.join(lines) + '\n')


def tables(rows: list[dict[str, Any]]) -> list[str]:
    """One table for rows of the same kind, which is the first name that they have."""
    kinds: dict[str, list[dict]] = {}
    for row in rows:
        kinds.setdefault(next(iter(key for key in row if key != 'phase'), ''), []).append(row)
    lines: list[str] = []
    for own in kinds.values():
        names = list(dict.fromkeys(name for row in own for name in row if name not in ('phase', *LAST)))
        names += [name for name in LAST if any(name in row for row in own)]
        lines += ['| ' + ' | '.join(names) + ' |', '|' + ' --- |' * len(names)]
        lines += ['| ' + ' | '.join(cell(row.get(name)) for name in names) + ' |' for row in own]
        lines.append('')
    return lines[:-1]


def cell(value: Any) -> str:
    if value is None:
        return ''
    if isinstance(value, bool):
        return 'yes' if value else 'no'
    if isinstance(value, float):
        return f'{value:.3g}' if abs(value) < 1000 else f'{value:,.0f}'
    return str(value).replace('|', '\\|').replace('\n', ' ')
