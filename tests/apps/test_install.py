"""tools/install.sh, with a stand-in for Python that keeps a diary in place of installing."""

import shutil

import pytest
from places import ROOT

# `python -m venv DIR` copies itself into DIR; everything else is written down. FAIL_AT makes the
# first call that mentions it fail, as a broken connection or Ctrl-C would.
PYTHON = """
echo "$*" >> "$DIARY"
case "$*" in
    *"${FAIL_AT:-never}"*) echo 'connection lost'; exit 1 ;;
    *'not (3, 10)'*) exit "${WRONG_VERSION:-0}" ;;
    '--version') echo 'Python 3.9.1' ;;
    '-m venv '*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
esac
"""


@pytest.fixture
def install(run, stub, tmp_path):
    """Installs into tmp_path/'my env'; returns the finished process and what was installed."""
    root, diary = tmp_path / 'a clone', tmp_path / 'diary'
    for name in ('tools', 'requirements'):
        ignore = shutil.ignore_patterns('__pycache__')
        shutil.copytree(ROOT / name, root / name, ignore=ignore)
    shutil.copy(ROOT / 'pyproject.toml', root)
    python = stub('python3.11', PYTHON)

    def install(**variables):
        diary.write_text('')
        variables = (
            dict(MIKD_VENV=tmp_path / 'my env', PYTHON=python, DIARY=diary, MIKD_PIP='pip') | variables
        )
        done = run('bash', root / 'tools' / 'install.sh', cwd=tmp_path, **variables)
        return done, [line for line in diary.read_text().splitlines() if 'pip install' in line]

    install.root, install.env, install.diary = root, tmp_path / 'my env', diary
    return install


def test_it_installs_the_host_without_its_dependencies(install):
    done, installed = install()
    assert done.returncode == 0, done.stderr
    runtime, host, ours = installed
    assert 'requirements/runtime.txt' in runtime and 'requirements/tests.txt' in runtime
    assert '--no-deps' not in runtime
    assert '--no-deps' in host and 'requirements/host.txt' in host
    assert host.count('requirements/') == 2 and 'requirements/openmmlab.txt' in host
    assert 'requirements/headless.txt' in runtime
    assert f'--no-deps -e {install.root}' in ours
    assert [f'[{k}/5]' in done.stdout for k in range(1, 6)] == [True] * 5
    assert f'source {install.env}/bin/activate' in done.stdout


@pytest.fixture
def path_with_uv(stub):
    """A PATH with a `uv` that only writes down how it was called."""
    return f'{stub("uv", """echo "uv $*" >> "$DIARY" """).parent}:/usr/bin:/bin'


def test_uv_is_taken_where_it_is_there(install, path_with_uv):
    done, installed = install(PATH=path_with_uv, MIKD_PIP=None)
    assert done.returncode == 0 and len(installed) == 3
    assert all(line.startswith(f'uv pip install --python {install.env}/bin/python ') for line in installed)


def test_pip_may_be_asked_for(install, path_with_uv):
    _, installed = install(PATH=path_with_uv, MIKD_PIP='pip')
    assert [line.startswith('-m pip install ') for line in installed] == [True] * 3


@pytest.mark.parametrize(
    ('asked', 'said'), [('conda', "pip or uv, not 'conda'"), ('uv', 'no uv is on the PATH')]
)
def test_another_installer_is_refused_before_anything_is_made(install, asked, said):
    done, installed = install(PATH='/usr/bin:/bin', MIKD_PIP=asked)
    assert done.returncode == 2 and installed == [] and said in done.stderr and not install.env.exists()


def test_a_second_time_nothing_happens(install):
    install()
    done, installed = install()
    assert done.returncode == 0 and installed == [] and 'is ready' in done.stdout


@pytest.mark.parametrize('place', ['-m venv', 'runtime.txt', 'host.txt', '-e ', 'register_all'])
def test_interrupted_anywhere_it_is_finished_the_next_time(install, place):
    done, _ = install(FAIL_AT=place)
    assert done.returncode == 2 and 'connection lost' in done.stderr
    assert 'Run the same command again' in done.stderr
    assert not (install.env / '.mikd-done').exists()
    done, installed = install()
    assert done.returncode == 0 and len(installed) == 3
    assert ('-m venv' in install.diary.read_text()) == (place == '-m venv')
    assert install()[1] == []


@pytest.mark.parametrize('file', ['runtime.txt', 'host.txt', 'tests.txt', 'export.txt'])
def test_changed_requirements_are_installed(install, file):
    install()
    with (install.root / 'requirements' / file).open('a') as requirements:
        requirements.write('one-more==1\n')
    assert len(install()[1]) == 3
    assert install()[1] == []


def test_a_broken_python_is_replaced(install):
    install()
    (install.env / 'bin' / 'python').write_text('#!/bin/sh\nexit 1\n')
    done, installed = install()
    assert done.returncode == 0 and len(installed) == 3
    assert '-m venv' in install.diary.read_text()


def test_a_package_that_was_cut_off_is_forgotten(install):
    install(FAIL_AT='host.txt')
    packages = install.env / 'lib' / 'site-packages'
    for name, files in (('whole', ['METADATA', 'RECORD']), ('half', ['METADATA'])):
        (packages / f'{name}.dist-info').mkdir(parents=True)
        for file in files:
            (packages / f'{name}.dist-info' / file).touch()
    install()
    assert [path.name for path in packages.iterdir()] == ['whole.dist-info']


def test_an_environment_of_somebody_else_is_left_alone(install):
    install.env.mkdir()
    (install.env / 'precious').touch()
    done, installed = install()
    assert done.returncode == 2 and installed == [] and 'left alone' in done.stderr
    assert [path.name for path in install.env.iterdir()] == ['precious']


def test_an_environment_of_somebody_else_with_mmagic_is_used_as_it_is(install, stub):
    stub('python', 'exit 0', install.env / 'bin')
    done, installed = install()
    assert done.returncode == 0 and installed == [] and 'used as it is' in done.stdout


def test_an_unfit_python_is_named_with_the_remedy(install):
    done, installed = install(WRONG_VERSION=1)
    assert done.returncode == 2 and installed == []
    assert 'Python 3.10 to 3.12' in done.stderr and 'Python 3.9.1' in done.stderr
    assert 'PYTHON=' in done.stderr


def test_a_python_that_is_not_there_is_named(install):
    done, _ = install(PYTHON='/no/such/python')
    assert done.returncode == 2 and '/no/such/python is not there' in done.stderr


def test_none_means_your_own_environment(install):
    done, installed = install(MIKD_VENV='none')
    assert done.returncode == 2 and installed == []
    assert 'pip install --no-deps -e .' in done.stderr


def test_a_relative_place_is_meant_from_here(install, tmp_path):
    done, _ = install(MIKD_VENV='some/env')
    assert done.returncode == 0 and (tmp_path / 'some' / 'env' / '.mikd-done').is_file()
