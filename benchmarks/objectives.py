"""What each objective of a study adds to an iteration: time, and memory.

    python benchmarks/objectives.py                        writes benchmarks/objectives.md, in minutes
    python benchmarks/objectives.py --quick --rounds 1     two objectives, nothing written

Teacher, student and data are those of benchmarks/studies/pix2pix_facades_rivals.yaml. The iterations of one run
take turns: with each objective alone, and without any, when the teacher does not run either. A time is that
beyond the neighbour without.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

import torch
from cost import TakesTurns, prepare
from mmengine.config import Config
from mmengine.runner import Runner

from mmagic_mikd.apps.launch.launch import user_errors
from mmagic_mikd.apps.scaling.footprint import shortened
from mmagic_mikd.apps.study.cells import Study
from mmagic_mikd.cost.training_macs import cpu_name

HERE = Path(__file__).resolve().parent
STUDY = HERE / 'studies' / 'pix2pix_facades_rivals.yaml'
WITHOUT = 'without'


def own(study: Study) -> dict[str, dict]:
    """Each objective of the study's file that has one entry, by the name of its rows."""
    given = {
        name: (settings or {}).get('objectives') or {} for name, settings in study.spec['objectives'].items()
    }
    return {name: entries['own'] for name, entries in given.items() if list(entries) == ['own']}


def config(study: Study, student: str, objectives: dict[str, dict], folder: Path, rounds: int) -> Config:
    """One training of the study's student with all objectives at once."""
    cfg = study.cell(student, next(iter(objectives)), 0).config
    cfg.default_hooks.distill.objectives = objectives
    cfg.default_hooks.distill.guard = None  # random weights of the teacher are nothing that it knows
    return shortened(cfg, folder, TakesTurns.iterations(1 + len(objectives), rounds))


def page(args: argparse.Namespace) -> str:
    study = Study(STUDY, Path(tempfile.gettempdir()), args.data)
    objectives = own(study)
    if args.quick:
        objectives = dict(list(objectives.items())[:2])
    turns = TakesTurns({WITHOUT: []} | {name: [name] for name in objectives})
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner.from_cfg(config(study, args.student, objectives, Path(folder), args.rounds))
        runner.register_hook(turns)
        runner.train()
    seconds, peak = statistics.median(turns.seconds[WITHOUT]), turns.peak[WITHOUT]
    lines = [f'| without | - | - | {1e3 * seconds:.0f} | - | {peak / 2**20:.1f} |']
    for name, settings in objectives.items():
        added = [
            with_it - without
            for with_it, without in zip(turns.seconds[name], turns.seconds[WITHOUT], strict=True)
        ]
        middle, held = statistics.median(added), turns.peak[name]
        lines.append(
            f'| `{name}` | `{settings["type"]}` | {settings.get("backbone", "-")} | {1e3 * middle:.0f} '
            f'| {middle / seconds:.2f} | {(held - peak) / 2**20:.1f} |'
        )
    command = f'python benchmarks/objectives.py --student {args.student} --rounds {args.rounds}'
    where = f'one thread of {cpu_name()}, PyTorch {torch.__version__}'
    return PAGE.format(command=command, where=where, table='\n'.join(lines))


PAGE = """\
# Cost of objectives

Written by `{command}` on
{where}.

Pix2Pix at 64 px in batches of 4, teacher and student of pix2pix_facades_rivals.yaml. The first line
is an iteration without a teacher. The others say what each adds to that: the teacher's forward
pass, which they share, and the objective with its gradient. Milliseconds are medians, and also a
share of the first line. Memory is the peak of the tensors that a step makes, without weights and
optimisers.

| rows | type | backbone | ms | share | MiB |
| --- | --- | --- | ---: | ---: | ---: |
{table}
"""


@user_errors()
def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--student', default='x16')
    parser.add_argument('--data', type=Path, help='folder of the data sets')
    parser.add_argument('--rounds', type=int, default=20, help='timed iterations with each')
    parser.add_argument('--quick', action='store_true', help='two objectives, nothing written')
    args = parser.parse_args(argv)
    prepare(threads=1)
    text = page(args)
    if not args.quick:
        (HERE / 'objectives.md').write_text(text)
    print(text)


if __name__ == '__main__':
    main()
