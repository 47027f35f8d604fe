"""The list of repairs, and the machinery that applies one when its module is imported."""

import importlib
import sys
from contextlib import contextmanager

import pytest
from places import ROOT

from mmagic_mikd import compat
from mmagic_mikd.compat import on_import


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A package `host` with one module, importable and forgotten afterwards."""
    package = tmp_path / 'host'
    package.mkdir()
    (package / '__init__.py').write_text('')
    (package / 'part.py').write_text('def answer():\n    return 41\n')
    (package / 'user.py').write_text('from host.part import answer\n')
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in [name for name in sys.modules if name.split('.')[0] == 'host']:
        del sys.modules[name]


def repair(part) -> None:
    stock = part.answer
    on_import.replace(stock, _named('answer', lambda: stock() + 1), package='host')


def _named(name, function):
    function.__name__ = name
    return function


def test_a_repair_waits_for_its_module_and_comes_before_its_users(host):
    on_import.after('host.part', repair)
    assert 'host.part' not in sys.modules
    assert importlib.import_module('host.user').answer() == 42


def test_a_repair_reaches_users_that_were_imported_before(host):
    user = importlib.import_module('host.user')
    on_import.after('host.part', repair)
    assert user.answer() == 42


def test_a_repair_runs_once(host):
    on_import.after('host.part', repair)
    part = importlib.import_module('host.part')
    importlib.reload(part)
    assert part.answer() == 41


def test_the_module_keeps_its_own_loader(host):
    on_import.after('host.part', repair)
    part = importlib.import_module('host.part')
    assert part.__loader__ is part.__spec__.loader
    assert part.__loader__.get_source('host.part').startswith('def answer')


def test_around_encloses_the_execution(host):
    events = []

    @contextmanager
    def wrap(module):
        events.append(('before', hasattr(module, 'answer')))
        yield
        events.append(('after', hasattr(module, 'answer')))

    on_import.around('host.part', wrap)
    importlib.import_module('host.part')
    assert events == [('before', False), ('after', True)]


def test_own_import_is_seen_by_one_module_only(host, tmp_path):
    (tmp_path / 'host' / 'lonely.py').write_text('import no_such_package\n')
    (tmp_path / 'host' / 'other.py').write_text('import no_such_package\n')

    def import_(stock, name, *args):
        return name if name == 'no_such_package' else stock(name, *args)

    on_import.around('host.lonely', lambda module: on_import.own_import(module, import_))
    assert importlib.import_module('host.lonely').no_such_package == 'no_such_package'
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module('host.other')


def test_a_module_that_fails_to_import_stays_unrepaired(host, tmp_path):
    (tmp_path / 'host' / 'broken.py').write_text('raise ZeroDivisionError\n')
    repaired = []
    on_import.after('host.broken', repaired.append)
    with pytest.raises(ZeroDivisionError):
        importlib.import_module('host.broken')
    assert repaired == []


def test_applying_twice_changes_nothing():
    finders = list(sys.meta_path)
    compat.apply()
    assert sys.meta_path == finders


def test_applied_keeps_to_the_list():
    importlib.import_module('mmagic.models')
    assert set(compat.applied()) <= set(compat.REPAIRS)
    assert {'translation_init', 'translation_sync', 'pix2pix_test_step'} <= set(compat.applied())


@pytest.mark.parametrize(
    ('value', 'left_out'),
    [('', set()), ('safe_resume', {'safe_resume'}), (' sqrtm, amp_', None), ('all', set(compat.REPAIRS))],
)
def test_repairs_are_left_out_by_name(monkeypatch, value, left_out):
    monkeypatch.setenv('MIKD_WITHOUT', value)
    if left_out is None:
        with pytest.raises(ValueError, match=r"MIKD_WITHOUT names no repair: \['amp_'\]"):
            compat._left_out()
    else:
        assert compat._left_out() == left_out


def test_every_repair_says_when_it_can_go():
    for name, module in compat.REPAIRS.items():
        text = ' '.join(module.__doc__.split())
        assert 'Delete' in text, f'{name} does not say when it can be deleted'
        assert '#' in text or 'No upstream thread' in text, f'{name} names no upstream thread'


def test_every_repair_is_in_the_table_of_the_documentation():
    table = (ROOT / 'docs' / 'installation.md').read_text().partition('## What is repaired')[2]
    assert [name for name in compat.REPAIRS if f'`{name}`' not in table] == []
