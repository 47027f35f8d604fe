"""The command `mikd TOOL [arguments]`: a module of its own, so that its help need not wait for PyTorch."""

import sys
from importlib.util import find_spec

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
    if absent := [package for package in HOST if find_spec(package) is None]:
        sys.exit(
            f'Error: {", ".join(absent)} cannot be found; docs/installation.md has the commands for them'
        )
    from mmagic_mikd.apps.run import start  # takes seconds: imports PyTorch and the toolbox

    start(name, arguments)


if __name__ == '__main__':
    main()
