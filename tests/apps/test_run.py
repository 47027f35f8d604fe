"""The tools without a clone, as after `pip install`: `python -m mmagic_mikd TOOL`, and `mikd TOOL`."""

import re
import shutil
import sys
from importlib import import_module

import pytest
from places import ROOT

from mikd import TOOLS, USAGE, main


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


def test_its_help_waits_for_nothing(run):
    """PyTorch alone takes seconds to import."""
    slow = "{'torch', 'mmengine', 'mmagic_mikd'}"
    code = f'import mikd, sys; mikd.main(); sys.exit(str({slow} & set(sys.modules)))'
    done = run(sys.executable, '-c', code, PYTHONPATH=ROOT)
    assert done.stdout == f'{USAGE}\n' and done.stderr == 'set()\n'


def test_hyphens_and_underscores_are_the_same(monkeypatch):
    started = []
    monkeypatch.setattr('mmagic_mikd.apps.builder.build_student.main', lambda: started.append(sys.argv))
    for name in ('build-student', 'build_student'):
        monkeypatch.setattr(sys, 'argv', ['mikd', name, 'x.py'])
        with pytest.raises(SystemExit):
            main()
    assert started == [['mikd build-student', 'x.py']] * 2


def test_without_the_toolbox_it_says_what_to_install(run, tmp_path):
    (tmp_path / 'mikd.py').write_text((ROOT / 'mikd.py').read_text())
    done = run(sys.executable, '-S', 'mikd.py', 'train', 'x.py', cwd=tmp_path, PYTHONPATH=None)
    assert done.returncode == 1 and done.stderr.startswith(
        'Error: torch, torchvision, mmengine, mmcv, mmagic'
    )
    assert done.stderr.count('\n') == 1 and 'docs/installation.md' in done.stderr


@pytest.mark.slow
def test_from_another_folder_with_the_package_alone(run, tmp_path):
    """No tools, configs or data of a clone: what is measured and what is looked for lies in the folder."""
    shutil.copytree(ROOT / 'mmagic_mikd', tmp_path / 'site' / 'mmagic_mikd')
    shutil.copy(ROOT / 'mikd.py', tmp_path / 'site')
    (tmp_path / 'here').mkdir()
    (tmp_path / 'here' / 'config.py').write_text(
        "model = dict(type='BaseEditModel', generator=dict(type='EDSRNet', in_channels=3, out_channels=3))\n"
    )
    where = dict(cwd=tmp_path / 'here', PYTHONPATH=tmp_path / 'site')
    tool = [sys.executable, '-m', 'mmagic_mikd']
    done = run(*tool, 'complexity', 'config.py', '--input-shape', 3, 8, 8, **where)
    assert done.returncode == 0 and '| generator | 3x8x8 |' in done.stdout, done.stderr
    said = ' '.join(run(*tool, 'study', '--help', **where).stdout.split())
    assert "(default: the study's `data`, else data)" in said
