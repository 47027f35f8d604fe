"""The command `mikd TOOL [arguments]`: a package of its own, so that what it says need not wait for PyTorch.

`mikd.arguments` has the arguments of each tool, and `mmagic_mikd.apps` what it does with them.
"""

import difflib
import sys
from importlib import import_module
from importlib.util import find_spec

from .refusal import refuse

TOOLS = {  # in the order of a project: module in mmagic_mikd.apps with a `main`, what it is for
    'doctor': ('doctor.doctor', 'what is installed, repaired and absent, and what that costs'),
    'quickstart': ('quickstart.quickstart', 'from image pairs to a distilled Pix2Pix'),
    'showcase': (
        'showcase.showcase',
        'Real-ESRGAN made small, from the published weights to an ONNX file',
    ),
    'build_student': ('builder.build_student', "a student's config from its teacher's"),
    'start_student': ('builder.start_student', 'a student at its start, as a plain checkpoint'),
    'train': ('launch.train', 'train a config, with or without distillation'),
    'distil': ('launch.distil', 'train, and refuse a config that does not distil'),
    'test': ('launch.test', 'evaluate a checkpoint'),
    'mim': ('launch.mim', 'let `mim train mmagic CONFIG` start in this environment'),
    'export': ('export.export', 'a trained student as a file that runs without the toolbox'),
    'translate': ('export.translate', 'pictures through that file'),
    'demo': ('demo.demo', 'that file in a page, which runs it in a browser'),
    'plot_run': ('analysis.plot_run', 'what a run has logged, as a picture'),
    'complexity': ('analysis.complexity', 'parameters and multiply-accumulates of a generator'),
    'benchmark': (
        'export.benchmark',
        'milliseconds of student and teacher, beside their multiply-accumulates',
    ),
    'scaling': ('scaling.scaling', 'messages, memory and time on many GPUs'),
    'report': ('report.report', 'one page about finished runs or a study'),
    'study': ('study.study', 'a grid of trainings, its table and its plots'),
}
USAGE = 'usage: mikd TOOL [arguments]; `mikd TOOL --help` says which\n\n' + '\n'.join(
    f'  {name.replace("_", "-"):<14} {purpose}' for name, (_, purpose) in TOOLS.items()
)
HOST = ('torch', 'torchvision', 'mmengine', 'mmcv', 'mmagic', 'mmpretrain')


def main() -> None:
    name, *arguments = sys.argv[1:] or ['--help']
    if name in ('-h', '--help'):
        print(USAGE)
        return
    known = name.replace('-', '_')
    if known not in TOOLS:
        near = difflib.get_close_matches(known, TOOLS, n=1)
        remedy = f'did you mean {near[0]!r}?' if near else 'mikd --help lists them'
        refuse(f'there is no tool {name!r}: {remedy}')
    sys.argv = [f'mikd {known.replace("_", "-")}', *arguments]
    run(known)


def run(name: str) -> None:
    """Start a tool, with the arguments in `sys.argv`, and end with its exit code.

    The arguments are parsed here and once more by the tool, so that `--help`, and what is wrong with them, need
    not wait for the seconds that PyTorch and the toolbox take to import.
    """
    import_module(f'mikd.arguments.{name}').parse_args()
    if absent := [package for package in HOST if find_spec(package) is None]:
        refuse(f'{", ".join(absent)} cannot be found; docs/installation.md has the commands for them', code=1)
    sys.exit(import_module(f'mmagic_mikd.apps.{TOOLS[name][0]}').main())
