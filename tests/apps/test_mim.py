"""`mim train mmagic CONFIG`: MMagic's own train.py, started as MIM starts it, on configs of ours."""

import sys
from pathlib import Path

import pytest
from places import ROOT
from tiny_quickstart import TINY, TINY_TEACHER

from mmagic_mikd.apps.launch import mim
from mmagic_mikd.apps.quickstart.configs import config_texts
from mmagic_mikd.apps.quickstart.pairs import make_pairs


@pytest.fixture(scope='module')
def script():
    """What MIM starts."""
    import mmagic

    path = Path(mmagic.__file__).parent / '.mim' / 'tools' / 'train.py'
    if not path.is_file():
        pytest.skip(f'this MMagic has no {path}, which MIM would start')
    return path


@pytest.fixture
def started(run, tmp_path, monkeypatch):
    """A Python that reads the file of `mikd mim on` when it starts, as the environment's own would."""
    import sysconfig

    packages, folder = sysconfig.get_path('purelib'), tmp_path / 'packages'
    folder.mkdir()
    monkeypatch.setattr(mim.sysconfig, 'get_path', lambda name: str(folder))
    mim.main(['on'])
    # site.py reads .pth files of such folders only, and only a folder given to it by a program is one of them
    program = f'import site, sys; site.addsitedir({str(folder)!r}); import runpy; sys.argv = sys.argv[1:]; '
    program += "runpy.run_path(sys.argv[0], run_name='__main__')"

    def started(*arguments, **variables):
        return run(sys.executable, '-c', program, *arguments, PYTHONPATH=f'{ROOT}:{packages}', **variables)

    return started


def test_it_writes_and_removes_one_file(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(mim.sysconfig, 'get_path', lambda name: str(tmp_path))
    mim.main(['on'])
    (path,) = tmp_path.iterdir()
    assert path.read_text().count('\n') == 1 and str(path) in capsys.readouterr().out
    mim.main(['off'])
    mim.main(['off'])
    assert list(tmp_path.iterdir()) == []


def test_other_programs_do_not_import_us(started, tmp_path):
    (tmp_path / 'other.py').write_text("import sys; print('mmagic_mikd' in sys.modules)")
    done = started(tmp_path / 'other.py')
    assert (done.stdout, done.stderr) == ('False\n', '')


@pytest.mark.whole
def test_the_toolboxs_own_train_py_distils_by_custom_imports_and_resumes(started, script, tmp_path):
    made = make_pairs(tmp_path / 'data', size=32, train=1, test=1)
    texts = config_texts(made, tmp_path / 'teacher' / 'iter_2.pth', 32, 2, 0, 'BtoA', None)
    for name in ('teacher', 'student_distilled'):
        (tmp_path / f'{name}.py').write_text(texts[name])
    teacher = ['--work-dir', tmp_path / 'teacher', '--cfg-options', *TINY]
    done = started(script, tmp_path / 'teacher.py', '--launcher', 'none', *teacher)
    assert done.returncode == 0, done.stderr[-2000:]
    student = ['--work-dir', tmp_path / 'student', '--cfg-options', *TINY, TINY_TEACHER]
    done = started(script, tmp_path / 'student_distilled.py', *student)
    assert done.returncode == 0, done.stderr[-2000:]
    assert 'loss_distill_pyramid' in done.stdout + done.stderr
    done = started(script, tmp_path / 'student_distilled.py', '--resume', *student, 'train_cfg.max_iters=3')
    assert done.returncode == 0, done.stderr[-2000:]
    assert 'resumed epoch: 0, iter: 2' in done.stdout + done.stderr
    assert (tmp_path / 'student' / 'iter_3.pth').is_file()
