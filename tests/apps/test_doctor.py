"""`mikd doctor`: what it tells is what is there."""

import re
import subprocess
from importlib.metadata import version
from types import SimpleNamespace

import pytest
from places import ROOT

from mmagic_mikd import __version__, compat
from mmagic_mikd.apps.doctor import doctor


def test_the_tested_versions_are_those_of_the_requirements():
    texts = [(ROOT / 'requirements' / f'{name}.txt').read_text() for name in ('runtime', 'openmmlab', 'host')]
    pinned = dict(re.findall(r'^([\w-]+)==(.+)$', '\n'.join(texts), re.M))
    assert {name.removesuffix('-lite'): number for name, number in pinned.items()} == doctor.TESTED


def test_it_tells_versions_repairs_and_costs(monkeypatch, capsys):
    monkeypatch.setattr(doctor, 'host_alone', lambda: 'not asked')
    monkeypatch.setattr(doctor, 'find_spec', lambda name: None)
    assert doctor.main([]) == 0
    said = capsys.readouterr().out
    assert f'  mmagic_mikd {__version__}\n' in said and f'\n  torch {version("torch")}' in said
    assert all(f'\n  {name}: ' in said for name in compat.applied()) and compat.applied()
    assert all(f'\n  {name}: {cost}\n' in said for name, cost in doctor.COSTS.items())
    assert 'albumentations, ' in said


def test_nothing_absent_is_said_so(monkeypatch):
    monkeypatch.setattr(doctor, 'find_spec', lambda name: True)
    monkeypatch.setattr(doctor, 'is_uncompiled', lambda: False)
    assert doctor.paragraph('Absent', doctor.absent()) == ['Absent:', '  nothing', '']


def test_another_version_than_the_tested_one_is_named(monkeypatch):
    monkeypatch.setitem(doctor.TESTED, 'torch', '0.0.1')
    assert f'torch {version("torch")} (tested with 0.0.1)' in doctor.versions()


@pytest.mark.parametrize(
    ('code', 'stderr', 'said'),
    [
        (0, '', 'can be imported here'),
        (1, 'Traceback\nAttributeError: no bool8\n', 'cannot be imported here (AttributeError: no bool8)'),
        (-9, '', 'cannot be imported here (it says nothing)'),
    ],
)
def test_plain_mmagic_is_tried(monkeypatch, code, stderr, said):
    done = SimpleNamespace(returncode=code, stderr=stderr)
    monkeypatch.setattr(subprocess, 'run', lambda command, **_: done)
    assert said in doctor.host_alone()


@pytest.mark.slow
def test_plain_mmagic_is_tried_in_a_process_of_its_own():
    """This environment has NumPy 2, under which the toolbox cannot be imported by itself."""
    said = doctor.host_alone()
    assert said.startswith('cannot be imported here (AttributeError: ') and 'import mmagic_mikd' in said


def test_a_summary_is_the_first_sentence():
    module = SimpleNamespace(__doc__='It dies of "...\n x" and more. Then this.\n\nAnd that.')
    assert doctor.summary(module) == 'It dies of "... x" and more'
