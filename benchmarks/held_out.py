"""Scores of the Real-ESRGAN study on photographs that no training saw: the last 20 of BSDS200.

    PYTHONPATH=benchmarks/studies/configs python benchmarks/held_out.py --work-dir work_dirs/studies \
        > benchmarks/held_out.md

Of the last checkpoints of `tools/study.py run benchmarks/studies/real_esrgan_bsds200.yaml`, in its work dir.
The study itself looked at these photographs only to choose its best checkpoints.
"""

import argparse
import copy
import json
import statistics
from collections import defaultdict
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner
from mmengine.utils import import_modules_from_strings

from mmagic_mikd.apps.study.cell import Scores
from mmagic_mikd.apps.study.cells import TEACHER, Cell, Study
from mmagic_mikd.teachers.weights import load_network

STUDY = Path(__file__).parent / 'studies' / 'real_esrgan_bsds200.yaml'
COLUMNS = {'teacher/psnr': '.2f', 'teacher/ssim': '.3f', 'NIQE': '.2f'}
HEAD = """# Real-ESRGAN's students on 20 held-out photographs

`benchmarks/held_out.py`: the last 20 photographs of BSDS200, a quarter of their side, enlarged by
four. Means ± standard deviations over the seeds of the study, at the last iteration. Distances are
in RGB; NIQE is the toolbox's.

| student | objective | seeds | PSNR to the teacher ↑ | SSIM to the teacher ↑ | NIQE ↓ |
| --- | --- | ---: | ---: | ---: | ---: |
"""


def config(study: Study, cell: Cell, folder: Path) -> Config:
    """A test of the cell's network on what it was validated with."""
    cfg = copy.deepcopy(cell.config)
    import_modules_from_strings(cfg.custom_imports['imports'])
    cfg.default_hooks.pop('distill', None)
    cfg.load_from, cfg.work_dir, cfg.log_level = None, str(folder), 'ERROR'
    cfg.test_dataloader = [cfg.val_dataloader]
    metrics = [dict(type='NIQE', convert_to='Y', input_order='CHW', crop_border=4)]
    if cell.student != TEACHER:
        metrics.append(dict(type='PairedImageQuality', against='teacher', teacher=study.teacher_entry))
    cfg.test_evaluator = [dict(metrics=metrics)]
    return cfg


def scored(study: Study, cell: Cell) -> dict[str, float]:
    """Once for each checkpoint: the file beside it is read the next time."""
    folder = study.work_dir / cell.folder
    known = folder / 'held_out.json'
    if known.is_file():
        return json.loads(known.read_text())
    runner, scores = Runner.from_cfg(config(study, cell, folder / 'held_out')), Scores()
    runner.register_hook(scores)
    load_network(runner.model.generator, str(folder / 'last.pth'), 'generator')
    runner.test()
    known.write_text(json.dumps({name: float(value) for name, value in scores.values.items()}))
    return scores.values


def row(name: tuple[str, str], found: list[dict[str, float]]) -> str:
    cells = []
    for column, form in COLUMNS.items():
        values = [scores[column] for scores in found if column in scores]
        text = format(statistics.mean(values), form) if values else '-'
        cells.append(f'{text} ± {statistics.stdev(values):{form}}' if len(values) > 1 else text)
    return f'| {name[0]} | `{name[1]}` | {len(found)} | {" | ".join(cells)} |'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--work-dir', type=Path, required=True, help='of the study')
    parser.add_argument('--data', type=Path, help='folder of data sets')
    args = parser.parse_args()
    study = Study(STUDY, args.work_dir, args.data)
    found: dict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    for cell in [study.teacher, *study.cells()]:
        # without an update every seed is the same network
        again = cell.objective == 'published' and (cell.student, cell.objective) in found
        if (study.work_dir / cell.folder / 'last.pth').is_file() and not again:
            found[cell.student, cell.objective].append(scored(study, cell))
    print(HEAD + '\n'.join(row(*each) for each in found.items()))


if __name__ == '__main__':
    main()
