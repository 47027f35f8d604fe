"""What is installed, what of the toolbox is repaired, what is absent and what that costs.

mikd doctor

Nothing is changed, and no network is used. Put its output into a report of a fault.
"""

import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

import torch

from mikd.arguments.doctor import parse_args

from ... import __version__, compat
from ...compat.mmcv_ops import is_uncompiled
from ...compat.placeholders import NEEDED
from ...utils import escape
from ..launch.launch import user_errors

TESTED = dict(  # as in requirements/
    torch='2.11.0',
    torchvision='0.26.0',
    mmengine='0.10.7',
    mmcv='2.1.0',
    mmagic='1.2.0',
    mmpretrain='1.2.0',
)
COSTS = dict(  # modules that only some things need, and what does not work without them
    onnx='mikd export to ONNX: pip install onnx onnxruntime onnxscript',
    onnxruntime='the same, and mikd translate',
    onnxscript='mikd export to ONNX',
    pytorch_msssim="SSIMLoss: pip install 'pytorch-msssim<2'",
    skimage='photographs and edges of the quickstart: pip install scikit-image',
    tensorboard='curves in TensorBoard: pip install tensorboard',
)
UNCOMPILED = 'the compiled part of mmcv: its operations, such as those of StyleGAN2, run in plain PyTorch'
OPTIONAL = 'models of MMagic that nothing here trains; each names its package when it is used'
HOST_ALONE = 'from mmagic.utils import register_all_modules; register_all_modules()'
REMEDY = (
    'to load a student, `import mmagic_mikd` first, or make the environment that docs/students.md describes'
)


@user_errors()
def main(argv: list[str] | None = None) -> int:
    parse_args(argv)
    from mmagic.utils import register_all_modules

    register_all_modules()  # repairs take effect with the modules that they repair
    print('\n'.join(map(escape.line, report())))
    return 0


def report() -> list[str]:
    """All lines, by paragraph."""
    repairs = [f'{name}: {summary(compat.REPAIRS[name])}' for name in compat.applied()]
    return [
        *paragraph('Versions', versions()),
        *paragraph('Devices', devices()),
        *paragraph('Repaired in the toolbox, one file each in mmagic_mikd/compat', repairs),
        *paragraph('Absent, and what that costs', absent()),
        *paragraph('MMagic without this package', [host_alone()]),
    ]


def paragraph(title: str, lines: Iterable[str]) -> list[str]:
    return [f'{title}:', *(f'  {line}' for line in list(lines) or ['nothing']), '']


def versions() -> list[str]:
    """Of what matters, beside the version that this package is tested with."""
    found = [f'mmagic_mikd {__version__}', f'Python {platform.python_version()} on {platform.platform()}']
    for name, tested in TESTED.items():
        own = installed(name)
        found.append(f'{name} {own}' + ('' if own.split('+')[0] == tested else f' (tested with {tested})'))
    return found


def installed(name: str) -> str:
    for distribution in (name, f'{name}-lite'):
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return 'of unknown version'


def devices() -> list[str]:
    """What a training would run on."""
    cuda = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    threads = f'{torch.get_num_threads()} threads of {os.cpu_count()} cores'
    return cuda or [f'no GPU that PyTorch sees (built for CUDA {torch.version.cuda}); the CPU, {threads}']


def absent() -> list[str]:
    """Packages that are not there, with what does not work without them."""
    lines = [f'{name}: {cost}' for name, cost in COSTS.items() if find_spec(name) is None]
    lines += [UNCOMPILED] if is_uncompiled() else []
    optional = sorted(name for name in set().union(*NEEDED.values()) if find_spec(name) is None)
    return lines + ([f'{", ".join(optional)}: {OPTIONAL}'] if optional else [])


def host_alone() -> str:
    """Whether the toolbox imports by itself, as in a program that loads a student and nothing else."""
    command = [sys.executable, '-c', HOST_ALONE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return 'can be imported here, so a student loads in plain MMagic'
    reason = done.stderr.strip().splitlines()[-1:] or ['it says nothing']
    return f'cannot be imported here ({reason[0]}); {REMEDY}'


def summary(module: object) -> str:
    """The first sentence of a docstring, without its full stop."""
    text = ' '.join(module.__doc__.split('\n\n')[0].split())
    return re.split(r'(?<!\.)\.(?: |$)', text)[0]
