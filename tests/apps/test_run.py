"""The tools without a clone, as after `pip install`: `python -m mmagic_mikd TOOL`, and `mikd TOOL`."""

import re
import shutil
import sys
from importlib import import_module

import pytest
from places import ROOT

from mikd import TOOLS, USAGE, main
from mikd.arguments import export, translate
from mikd.refusal import line
from mmagic_mikd.apps.export.export import LIMITS
from mmagic_mikd.deploy.form import STATISTICS
from mmagic_mikd.deploy.picture import OVERLAP
from mmagic_mikd.utils import escape

# `processes` is torchrun, whose arguments come from dist_train.sh
SCRIPTS = [path for path in sorted((ROOT / 'tools').rglob('*.py')) if path.stem != 'processes']


def test_the_command_is_there():
    project = (ROOT / 'pyproject.toml').read_text()  # tomllib is of Python 3.11
    module, name = re.search(r'\[project.scripts\]\nmikd = "(.+):(.+)"\n', project).groups()
    assert getattr(import_module(module), name) is main


@pytest.mark.parametrize('arguments', [[], ['--help']])
def test_it_lists_the_tools(monkeypatch, capsys, arguments):
    monkeypatch.setattr(sys, 'argv', ['mikd', *arguments])
    main()
    assert capsys.readouterr().out == f'{USAGE}\n'
    assert all(f'  {tool.replace("_", "-")} ' in USAGE for tool in TOOLS)


def test_every_tool_is_there():
    assert all(callable(import_module(f'mmagic_mikd.apps.{module}').main) for module, _ in TOOLS.values())


START = """
import contextlib, json, runpy, sys
slow = {'torch', 'numpy', 'mmengine', 'mmagic', 'mmagic_mikd'}
try:
    %s
finally:
    print('imported:', sorted(slow & set(sys.modules)))
"""
NO_ARGUMENT_NEEDED = ('doctor', 'quickstart', 'showcase')
ANSWERED_AT_ONCE = [
    (['--help'], 0, USAGE),
    (['trian'], 2, "did you mean 'train'?"),
    (['nothing-like-it'], 2, 'mikd --help lists them'),
    *(([tool.replace('_', '-'), '--help'], 0, 'usage: ') for tool in TOOLS),
    *(([tool], 2, 'are required') for tool in TOOLS if tool not in NO_ARGUMENT_NEEDED),
    *(([tool, '--nonsense'], 2, '--nonsense') for tool in NO_ARGUMENT_NEEDED),
    (['train', 'x.py', '--cfg-options', '=1'], 2, '--cfg-options =1 has no key: write it as KEY=VALUE'),
    (['study', 'run', 'x.yaml', '--jobs', '0'], 2, '--jobs must be at least 1'),
]


@pytest.mark.parametrize(('arguments', 'code', 'said'), ANSWERED_AT_ONCE, ids=lambda value: str(value)[:30])
def test_help_and_wrong_arguments_wait_for_nothing(run, arguments, code, said):
    """PyTorch alone takes seconds to import."""
    start = START % 'import mikd; mikd.main()'
    done = run(sys.executable, '-c', start, *arguments, PYTHONPATH=ROOT)
    assert done.returncode == code and done.stdout.endswith('imported: []\n'), done.stderr
    assert said in done.stdout + done.stderr


@pytest.mark.parametrize('script', SCRIPTS, ids=lambda path: path.stem)
def test_nor_does_the_help_of_a_script(run, script):
    start = START % f'runpy.run_path({str(script)!r}, run_name="__main__")'
    done = run(sys.executable, '-c', start, '--help', PYTHONPATH=ROOT)
    assert done.returncode == 0 and done.stdout.startswith('usage: '), done.stderr
    assert done.stdout.endswith('imported: []\n')


def test_the_choices_of_an_argument_are_those_of_the_tool():
    """They stand twice, because the arguments import nothing of the package."""
    assert ('auto', *STATISTICS) == export.STATISTICS
    assert tuple(LIMITS) == export.PRECISIONS
    assert translate.OVERLAP == OVERLAP
    odd = 'é "a\n\x1b[2J'
    assert line(odd) == escape.line(odd) != odd


def test_every_tool_has_arguments():
    assert all(callable(import_module(f'mikd.arguments.{tool}').parse_args) for tool in TOOLS)


def test_hyphens_and_underscores_are_the_same(monkeypatch):
    started = []
    monkeypatch.setattr('mmagic_mikd.apps.builder.build_student.main', lambda: started.append(sys.argv))
    arguments = ['x.py', '--width', '0.5', '--out', 'y.py']
    for name in ('build-student', 'build_student'):
        monkeypatch.setattr(sys, 'argv', ['mikd', name, *arguments])
        with pytest.raises(SystemExit):
            main()
    assert started == [['mikd build-student', *arguments]] * 2


def test_without_the_toolbox_it_says_what_to_install(run, tmp_path):
    shutil.copytree(ROOT / 'mikd', tmp_path / 'mikd')
    done = run(sys.executable, '-S', '-m', 'mikd', 'train', 'x.py', cwd=tmp_path, PYTHONPATH=None)
    assert done.returncode == 1 and done.stderr.startswith(
        'Error: torch, torchvision, mmengine, mmcv, mmagic'
    )
    assert done.stderr.count('\n') == 1 and 'docs/installation.md' in done.stderr


@pytest.mark.slow
def test_from_another_folder_with_the_package_alone(run, tmp_path):
    """No tools, configs or data of a clone: what is measured and what is looked for lies in the folder."""
    shutil.copytree(ROOT / 'mmagic_mikd', tmp_path / 'site' / 'mmagic_mikd')
    shutil.copytree(ROOT / 'mikd', tmp_path / 'site' / 'mikd')
    (tmp_path / 'here').mkdir()
    (tmp_path / 'here' / 'config.py').write_text(
        "model = dict(type='BaseEditModel', generator=dict(type='EDSRNet', in_channels=3, out_channels=3))\n"
    )
    where = dict(cwd=tmp_path / 'here', PYTHONPATH=tmp_path / 'site')
    tool = [sys.executable, '-m', 'mmagic_mikd']
    done = run(*tool, 'complexity', 'config.py', '--input-shape', 3, 8, 8, **where)
    assert done.returncode == 0 and '| generator | 3x8x8 |' in done.stdout, done.stderr
    code = 'from mmagic_mikd.apps.clone import data_folder; print(data_folder())'
    assert run(sys.executable, '-c', code, **where).stdout == 'data\n'
