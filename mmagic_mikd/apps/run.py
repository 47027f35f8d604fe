"""Starts a tool by its name: `python -m mmagic_mikd TOOL [arguments]`."""

import sys
from importlib import import_module

from ..utils.checks import proposal
from ..utils.errors import ConfigError
from .launch.launch import user_errors

TOOLS = dict(  # in the order of a project: module with a `main`, what it is for
    quickstart=('quickstart.quickstart', 'from image pairs to a distilled Pix2Pix'),
    build_student=('builder.build_student', "a student's config from its teacher's"),
    start_student=('builder.start_student', 'a student at its start, as a plain checkpoint'),
    train=('launch.train', 'train a config, with or without distillation'),
    test=('launch.test', 'evaluate a checkpoint'),
    export=('export.export', 'a trained student as a file that runs without the toolbox'),
    translate=('export.translate', 'pictures through that file'),
    plot_run=('analysis.plot_run', 'what a run has logged, as a picture'),
    complexity=('analysis.complexity', 'parameters and multiply-accumulates of a generator'),
    benchmark=('export.benchmark', 'milliseconds of student and teacher, beside their multiply-accumulates'),
    scaling=('scaling.scaling', 'messages, memory and time on many GPUs'),
    study=('study.study', 'a grid of trainings, its table and its plots'),
)
USAGE = 'usage: python -m mmagic_mikd TOOL [arguments]\n\n' + '\n'.join(
    f'  {name:<14} {purpose}' for name, (_, purpose) in TOOLS.items()
)


@user_errors()
def main() -> None:
    name, *arguments = sys.argv[1:] or ['--help']
    if name in ('-h', '--help'):
        print(USAGE)
        return
    if name not in TOOLS:
        raise ConfigError(f'there is no tool {name!r}: {proposal(name, TOOLS)}')
    sys.argv = [f'mmagic_mikd {name}', *arguments]
    sys.exit(import_module(f'mmagic_mikd.apps.{TOOLS[name][0]}').main())
