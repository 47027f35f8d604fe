"""Mixed precision: energies and losses in float16 and bfloat16 against float32."""

import numpy as np
import precision_runs

from .bench import Bench, exact

FIRST = dict(bfloat16=0.01, float16=0.002)  # of the energies, as tests/contract/test_precision.py has it
LATER = 0.25


def run(bench: Bench) -> None:
    exact()
    iters = 3 if bench.dry else 10
    for family in precision_runs.FAMILIES[:1] if bench.dry else precision_runs.FAMILIES:
        full = None
        for precision in precision_runs.PRECISIONS:
            with bench.row(family=family, precision=precision) as row:
                logged, skipped = precision_runs.run(family, precision, bench.folder('run'), iters)
                full = logged if precision == 'float32' else full
                row |= dict(ok=finite(logged), skipped=skipped)
                if precision != 'float32':
                    row |= compared(logged, full, precision)


def finite(logged: dict) -> bool:
    return all(np.isfinite(values).all() for values in logged.values())


def compared(logged: dict, full: dict | None, precision: str) -> dict:
    if full is None:
        raise RuntimeError('there is no run in float32 to compare with')
    energies = precision_runs.deviation(logged, full)
    losses = [name for name in full if name.startswith('loss') and 'distill' not in name]
    worst = max(
        float(np.abs(logged[name] - full[name]).max() / np.abs(full[name]).max().clip(1e-12))
        for name in losses
    )
    ok = finite(logged) and energies[0] < FIRST[precision] and energies.max() < LATER
    return dict(ok=bool(ok), first_energies=float(energies[0]), energies=float(energies.max()), losses=worst)
