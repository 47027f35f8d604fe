"""Every code block of the documentation is read, run or checked; one of a kind that nobody checks is refused.

Other files here train what a page promises. This one finds names, options, files and settings that are not
there.
"""

import ast
import importlib
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from mmengine.config import Config
from places import ROOT

from mikd import TOOLS, USAGE
from mmagic_mikd.engine.settings import NEW_KEYS, read

FOLDERS = ('.', 'docs', 'configs', 'configs/*', 'benchmarks', 'benchmarks/studies')
PAGES = sorted(path for folder in FOLDERS for path in ROOT.glob(f'{folder}/*.md') if '/_' not in str(path))
SCRIPTS = {  # tools/ that start a tool of another name
    'dist_train.sh': 'train',
    'slurm_train.sh': 'train',
    'dist_test.sh': 'test',
    'slurm_test.sh': 'test',
    'quickstart.sh': 'quickstart',
}
# programs of others, and scripts whose arguments are another program's
OTHERS = (
    'bash',
    'cd',
    'docker',
    'git',
    'pip',
    'pytest',
    'source',
    'srun',
    'tensorboard',
    'uv',
    'ruff',
    'python',
)
WRITTEN_BY_USERS = re.compile(r'configs/my_|configs/<|NAME|DIR$')


class Block(NamedTuple):
    page: Path
    line: int
    kind: str
    text: str


def blocks() -> list[Block]:
    found = []
    for page in PAGES:
        text = page.read_text()
        for match in re.finditer(r'^([ ]*)```(\S*)[^\n]*\n(.*?)^\1```$', text, re.M | re.S):
            line = text.count('\n', 0, match.start()) + 1
            found.append(Block(page, line, match[2], match[3]))
    return found


BLOCKS = blocks()


def of(*kinds: str) -> pytest.MarkDecorator:
    chosen = [block for block in BLOCKS if block.kind in kinds]
    names = [f'{block.page.relative_to(ROOT)}:{block.line}' for block in chosen]
    return pytest.mark.parametrize('block', chosen, ids=names)


def test_there_is_a_check_for_every_kind():
    checked = {'bash', 'python', '', 'text', 'bibtex'} | {'{eval-rst}', '{literalinclude}', '{toctree}'}
    assert [(b.page.name, b.line, b.kind) for b in BLOCKS if b.kind not in checked] == []
    assert len(BLOCKS) > 60


@of('', 'text')
def test_what_has_no_kind_is_output_or_a_drawing(block):
    assert not re.search(r'^(\$|python|mikd|pip|bash|uv|import|from|_base_) ', block.text, re.M)


# ---- commands -----------------------------------------------------------------------------------


@of('bash')
def test_its_commands_are_there_and_so_are_their_options(block):
    parsed = subprocess.run(['bash', '-n'], input=block.text, capture_output=True, text=True, timeout=60)
    assert parsed.stderr == ''
    for words in commands(block.text):
        check_command(words)
        for word in words:
            path = word.split('=')[-1]
            if re.match(r'(tools|configs|benchmarks|docs|tests|requirements|examples)/', path):
                assert (ROOT / path).exists() or WRITTEN_BY_USERS.search(path), f'there is no {path}'


def commands(text: str) -> list[list[str]]:
    """The words of each command, without assignments before it; `$S` of an `S=...` above is put in."""
    text = re.sub(r'\\\n', ' ', text)
    for name, value in re.findall(r'^(\w+)=(\S+)$', text, re.M):
        text = re.sub(rf'\$({name}\b|{{{name}}})', value, text)
    text = re.sub(r'^(\w+)="[^"]*"$', '', text, flags=re.M)  # of several lines
    found = []
    for line in re.split(r'\n|&&', text):
        words = shlex.split(line, comments=True)
        while words and re.match(r'\w+=', words[0]):
            words.pop(0)
        found += [words] if words else []
    return found


def check_command(words: list[str]) -> None:
    program, *rest = words
    name = Path(program).name
    if name == 'python' and rest[0].startswith('tools/'):
        name, rest = Path(rest[0]).stem, rest[1:]
    elif name == 'bash' and Path(rest[0]).name in SCRIPTS:
        name, rest = SCRIPTS[Path(rest[0]).name], rest[1:]
    elif name == 'mikd':
        name, rest = rest[0].replace('-', '_'), rest[1:]
        assert name in TOOLS
    name = SCRIPTS.get(name, name)
    if name in TOOLS:
        unknown = [option for option in options(rest) if not re.search(rf'{option}\b', helped(name))]
        assert unknown == [], f'{name} has no {unknown}'
    else:
        assert name in OTHERS or (ROOT / program).exists(), f'who is {program}?'


def options(words: list[str]) -> list[str]:
    return [word.split('=')[0] for word in words if re.match(r'--[a-z]', word)]


@cache
def helped(tool: str) -> str:
    """What `mikd TOOL --help` prints."""
    import contextlib
    import io

    said, argv = io.StringIO(), sys.argv
    sys.argv = [f'mikd {tool}', '--help']
    try:
        with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
            importlib.import_module(f'mmagic_mikd.apps.{TOOLS[tool][0]}').main()
    finally:
        sys.argv = argv
    assert 'usage' in said.getvalue() and tool.replace('_', '-') in USAGE
    return said.getvalue()


# ---- configs and programs -----------------------------------------------------------------------


class Filled(ast.NodeTransformer):
    """`...` stands for a dict that the reader has."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.copy_location(ast.Dict([], []), node) if node.value is ... else node


def keywords(text: str) -> dict:
    """A fragment that goes between brackets, such as `recipe='reference', start='sliced'`."""
    lines = [line.partition('  #')[0].rstrip().rstrip(',') for line in text.strip().splitlines()]
    return eval(f'dict({", ".join(lines)})')


@of('python')
def test_its_settings_are_some_and_its_names_can_be_imported(block, tmp_path, monkeypatch):
    if re.match(r'^\w+=\S', block.text):
        read(keywords(block.text))
        return
    tree = Filled().visit(ast.parse(block.text))
    check_imports(tree)
    if '_base_' in {name.id for name in ast.walk(tree) if isinstance(name, ast.Name)}:
        check_config(block, tmp_path, monkeypatch)
    elif 'default_hooks' in block.text:
        scope: dict = {}
        exec(compile(ast.fix_missing_locations(tree), str(block.page), 'exec'), scope)
        distill = scope['default_hooks'].get('distill', {})
        read({key: value for key, value in distill.items() if key in NEW_KEYS})


def check_imports(tree: ast.AST) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = importlib.import_module(node.module)
            assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []
        elif isinstance(node, ast.Import):
            for alias in node.names:
                importlib.import_module(alias.name)


def check_config(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a file in a folder that has our bases, with the page's own modules beside it."""
    if (
        '<config>' in block.text
        or "'mmagic::...'" in block.text
        or not re.search(r'^_base_ =', block.text, re.M)
    ):
        return  # one of many, or a part of one
    shutil.copytree(ROOT / 'configs' / '_base_', tmp_path / '_base_')
    (tmp_path / 'student_plain.py').write_text('teacher = dict()\n')  # of a quickstart
    for other in (b for b in BLOCKS if b.page == block.page and b.kind == 'python'):
        if found := re.match(r'# (\w+\.py)\n', other.text):
            (tmp_path / found[1]).write_text(other.text)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / 'page.py').write_text(block.text)
    cfg = Config.fromfile(tmp_path / 'page.py')
    distill = cfg.get('default_hooks', {}).get('distill')
    if distill:
        read({key: value for key, value in distill.to_dict().items() if key != 'type'})
