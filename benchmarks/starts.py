"""Scores of a student before its first iteration, by what it starts from, on the test split of a study.

    python tools/study.py run benchmarks/studies/starts_flat.yaml --only student=x16
    python benchmarks/starts.py benchmarks/studies/starts_flat.yaml --student x16

The first command leaves the teacher; the second prints a table. No student is trained.
"""

import argparse
import contextlib
import copy
from pathlib import Path

import mmengine.config.config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmagic_mikd.apps.launch.launch import user_errors
from mmagic_mikd.apps.study.cell import Scores
from mmagic_mikd.apps.study.cells import Study
from mmagic_mikd.engine.settings import Settings
from mmagic_mikd.engine.starting import BATCHES
from mmagic_mikd.host.locate import pairs_of_updates
from mmagic_mikd.host.training_calls import training_calls
from mmagic_mikd.students.start import StudentStart

CRITERIA = ('first', 'even', 'random', 'l1', 'gamma', 'activation')
STARTS = {
    'own weights': None,
    **{name: dict(type='pruned', criterion=name) for name in CRITERIA},
    'random, another seed': dict(type='pruned', criterion='random', seed=1),
    **{f'{name}, refitted': dict(type='pruned', criterion=name, refit=True) for name in CRITERIA},
    'random, another seed, refitted': dict(type='pruned', criterion='random', seed=1, refit=True),
}


class _Measured(Exception):
    """The table is there, and no training follows."""


class Measure(Hook):
    """Starts the student in each way, one after the other, and tests it.

    Args:
        names: of the scores.
        scores: the hook that keeps them.
    """

    priority = 'LOWEST'

    def __init__(self, names: list[str], scores: Scores) -> None:
        self.names, self.scores = names, scores

    def before_train(self, runner: Runner) -> None:
        hook = next(hook for hook in runner.hooks if isinstance(getattr(hook, 'settings', None), Settings))
        calls = training_calls(runner, {pair.path: pair.student for pair in hook.pairs}, BATCHES)
        own = copy.deepcopy(runner.model.state_dict())
        for name, start in STARTS.items():
            runner.model.load_state_dict(own)
            for optim_wrapper, pairs in pairs_of_updates(hook.pairs, runner.optim_wrapper) if start else ():
                StudentStart({'': start}, pairs, optim_wrapper, calls=calls).remove()
            runner.test_loop.run()
            print(row(name, [self.scores.values[score] for score in self.names]), flush=True)
        raise _Measured


def row(name: str, values: list[float]) -> str:
    return f'| {name} | {" | ".join(f"{value:.4g}" for value in values)} |'


@user_errors()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('study', type=Path)
    parser.add_argument('--student', required=True)
    parser.add_argument('--objective', default='pyramid_alone', help='one that says nothing of a start')
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/studies'), help='as of the study')
    parser.add_argument('--data', type=Path)
    args = parser.parse_args()
    study = Study(args.study, args.work_dir, args.data)
    mmengine.config.config.FormatCode = lambda text, **_: (text, True)  # slower than all of the starts
    cfg = study.cell(args.student, args.objective, 0).config
    cfg.work_dir = str(study.work_dir / 'starts')
    names = list(study.scores)
    runner = Runner.from_cfg(cfg)
    scores = Scores()
    runner.register_hook(scores)
    runner.register_hook(Measure(names, scores))
    print(f'| start | {" | ".join(names)} |\n| --- |{" ---: |" * len(names)}')
    with contextlib.suppress(_Measured):
        runner.train()


if __name__ == '__main__':
    main()
