"""The plan of the package: folders import downwards, files and functions are short, scripts stay scripts."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from places import ROOT

from mmagic_mikd.engine.recipes import RECIPES

PACKAGE = ROOT / 'mmagic_mikd'
# from the bottom: a folder imports from itself and from those before it
ORDER = [
    *(
        'utils',
        'objectives',
        'compat',
        'host',
        'teachers',
        'cost',
        'students',
        'online',
        'backbones',
        'guard',
        'resume',
    ),
    *('engine', 'deploy', 'evaluation', 'datasets', 'visualization', 'apps'),
]
TOOLBOX = ('mmengine', 'mmcv', 'mmagic')
# they read what was written before objectives had names of the user's, when there was one by a fixed name
OLD = [PACKAGE / 'engine' / f'{name}.py' for name in ('settings', 'old_spelling', 'checkpoint')]
FORBIDDEN = dict(utils=(*TOOLBOX, 'torch.nn'), objectives=TOOLBOX)


def imports(path: Path) -> Iterator[str]:
    """Full names of what a file imports, in functions too."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else ()
            yield from ('.'.join([*base, *filter(None, [node.module]), alias.name]) for alias in node.names)


def within(name: str, packages: tuple[str, ...]) -> bool:
    return name.startswith(tuple(f'{package}.' for package in packages)) or name in packages


@pytest.mark.parametrize('folder', ORDER)
def test_a_folder_imports_downwards(folder):
    below = tuple(f'mmagic_mikd.{name}' for name in ORDER[: ORDER.index(folder) + 1])
    allowed = ('mmagic_mikd',) if folder == 'apps' else below
    found = [(str(path), name) for path in (PACKAGE / folder).rglob('*.py') for name in imports(path)]
    upwards = [(p, n) for p, n in found if within(n, ('mmagic_mikd',)) and not within(n, allowed)]
    assert found and upwards + [(p, n) for p, n in found if within(n, FORBIDDEN.get(folder, ()))] == []


def test_files_and_functions_are_short():
    long, kinds = [], (ast.FunctionDef, ast.AsyncFunctionDef)
    for path in PACKAGE.rglob('*.py'):
        text = path.read_text()
        functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]
        long += [(path.name, f.name) for f in functions if f.end_lineno - f.lineno >= 40]
        long += [path.name] * (len(text.splitlines()) > 250)
    assert sorted(ORDER) == sorted(path.parent.name for path in PACKAGE.glob('*/__init__.py')) and long == []


def test_tools_are_scripts_of_a_few_lines_and_nobody_edits_the_path_of_imports():
    assert [path for path in (ROOT / 'tools').rglob('*.py') if len(path.read_text().splitlines()) > 15] == []
    folders = [PACKAGE, *(ROOT / name for name in ('tools', 'tests', 'benchmarks'))]
    sources = [path for folder in folders for path in folder.rglob('*.py')]
    edits = [f'sys.path{rest}' for rest in ('[', '.insert', '.append', '.extend', ' = ', ' += ')]
    texts = {path: path.read_text() for path in sources if path != Path(__file__)}
    assert [path for path, text in texts.items() if any(edit in text for edit in edits)] == []


def test_nothing_depends_on_the_name_of_an_objective():
    """Names are the user's; those of recipes stand in recipes alone, and in apps, which name recipes too."""
    names = {'mi'}.union(*(recipe.get('objectives', {}) for recipe in RECIPES.values()))
    found = {}
    for path in set(PACKAGE.rglob('*.py')) - set((PACKAGE / 'apps').rglob('*.py')):
        texts = {
            node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)
        }
        if used := {text for text in texts if isinstance(text, str)} & names:
            found[path] = used
    assert len(names) > 1 and found == {path: {'mi'} for path in OLD}
