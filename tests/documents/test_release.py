"""The files of a release agree: version, requirements, citation, wheel."""

import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution, version

import pytest
import yaml
from packaging.requirements import Requirement
from places import ROOT

from mmagic_mikd import __version__


def requirements(name: str) -> list[Requirement]:
    lines = (ROOT / 'requirements' / f'{name}.txt').read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith('#')]


def test_the_version_is_everywhere_the_same():
    assert yaml.safe_load((ROOT / 'CITATION.cff').read_text())['version'] == __version__
    assert re.search(r'^## (\S+?)[, \n]', (ROOT / 'CHANGELOG.md').read_text(), re.M)[1] == __version__


@pytest.mark.parametrize('name', ['runtime', 'openmmlab', 'headless', 'host', 'tests'])
def test_this_environment_is_the_one_that_is_declared(name):
    found = requirements(name)
    assert (
        found and [str(r) for r in found if not r.specifier.contains(version(r.name), prereleases=True)] == []
    )


def test_docker_installs_by_the_script():
    text = (ROOT / 'Dockerfile').read_text()
    assert 'tools/install.sh' in text and all(
        (ROOT / name).exists() for name in re.findall(r'requirements/\S+', text)
    )


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    """Built from a copy, because setuptools leaves its own beside the sources, old files included."""
    copy, out = tmp_path_factory.mktemp('clone'), tmp_path_factory.mktemp('wheel')
    for name in ('mmagic_mikd', 'mikd', 'configs', 'tools', 'requirements'):
        ignore = shutil.ignore_patterns('__pycache__')
        shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=ignore)
    for name in ('pyproject.toml', 'README.md', 'LICENSE', 'model-index.yml'):
        shutil.copy(ROOT / name, copy)
    pip = [sys.executable, '-m', 'pip', 'wheel', '--quiet', '--no-deps', '--wheel-dir', out, copy]
    done = subprocess.run(pip, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return next(out.glob('*.whl'))


@pytest.mark.slow
def test_the_wheel_has_every_file_of_the_package(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = set()
    for name, prefix in (
        ('mmagic_mikd', ''),
        ('mikd', ''),
        *((n, 'mmagic_mikd/.mim/') for n in ('configs', 'tools')),
    ):
        files = {p for p in (ROOT / name).rglob('*') if p.is_file() and '__pycache__' not in p.parts}
        wanted |= {f'{prefix}{path.relative_to(ROOT).as_posix()}' for path in files}
    assert wanted - names == set()


@pytest.mark.slow
def test_the_wheel_declares_what_resolves_and_nothing_else(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    (info,) = tmp_path.glob('*.dist-info')
    declared = [Requirement(text) for text in Distribution.at(info).requires]
    always = {str(r) for r in declared if not r.marker}
    assert always == {str(r) for r in requirements('runtime') + requirements('openmmlab')}
    assert {r.name for r in declared} & {r.name for r in requirements('host')} == set()
    extras = {str(r.marker).split('"')[1] for r in declared if r.marker}
    assert extras == {'export', 'cluster', 'report', 'docs', 'dev'}


@pytest.mark.slow
def test_the_wheel_alone_reads_its_configs_from_another_folder(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / 'site')
    (tmp_path / 'leaf.py').write_text(
        "_base_ = ['mmagic::edsr/edsr_x4c64b16_1xb16-300k_div2k.py', 'mmagic_mikd::_base_/mikd.py']\n"
    )
    code = (
        'import mmagic_mikd; from mmengine.config import Config\n'
        "print(mmagic_mikd.__file__, Config.fromfile('leaf.py').distill.recipe)"
    )
    env = dict(PYTHONPATH=str(tmp_path / 'site'), PATH='/usr/bin:/bin', HOME=str(tmp_path))
    done = subprocess.run([sys.executable, '-c', code], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.stdout.split() == [str(tmp_path / 'site' / 'mmagic_mikd' / '__init__.py'), 'pyramid'], (
        done.stderr
    )
