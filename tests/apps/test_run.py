"""The tools without a clone, as after `pip install`: `python -m mmagic_mikd TOOL`, and a command."""

import re
import shutil
import sys
from importlib import import_module

import pytest
from places import ROOT

from mmagic_mikd.apps.run import TOOLS, USAGE, main


def test_the_command_is_there():
    project = (ROOT / 'pyproject.toml').read_text()  # tomllib is of Python 3.11
    module, name = re.search(r'\[project.scripts\]\nmmagic_mikd = "(.+):(.+)"\n', project).groups()
    assert getattr(import_module(module), name) is main


@pytest.mark.parametrize('arguments', [[], ['--help']])
def test_it_lists_the_tools(monkeypatch, capsys, arguments):
    monkeypatch.setattr(sys, 'argv', ['mmagic_mikd', *arguments])
    main()
    assert capsys.readouterr().out == f'{USAGE}\n' and all(f'  {tool} ' in USAGE for tool in TOOLS)


@pytest.mark.slow
def test_from_another_folder_with_the_package_alone(run, tmp_path):
    """No tools, configs or data of a clone: what is measured and what is looked for lies in the folder."""
    shutil.copytree(ROOT / 'mmagic_mikd', tmp_path / 'site' / 'mmagic_mikd')
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
