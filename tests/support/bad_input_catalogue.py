"""The catalogue as the table of docs/bad_input.md.

`python tests/support/bad_input_catalogue.py` meets every bad input once more and puts what the tool prints
into the table.
"""

import contextlib
import io
import os
import sys
import tempfile
from pathlib import Path

from bad_input_cases import CASES, Case
from bad_input_world import World, run_tool
from places import ROOT

from mmagic_mikd.utils.escape import code

DOCUMENT = ROOT / 'docs' / 'bad_input.md'
BEGIN, END = '<!-- bad input: begin -->\n', '<!-- bad input: end -->\n'
HEAD = '| what is wrong | what the tool says, with exit code 2 |\n| --- | --- |\n'


def meet(case: Case, root: Path) -> tuple[int, str, bool]:
    """What a tool ends with in a folder of its own, and whether that is as it was, but for a begun training."""
    world = World(root)
    config = world.config({'experiment_name': f'{root.parent.name}_{root.name}', **case.changes})
    case.prepare(world)
    before = world.snapshot()
    code, stderr = run_tool(case.tool, case.arguments if case.whole else (config.name, *case.arguments))
    after = world.snapshot()
    if any(name.endswith('scalars.json') for name in after):
        after = {name: after.get(name) for name in before}
    return code, stderr, before == after


def sentences(stderr: str) -> list[str]:
    return [line.removeprefix('Error: ') for line in stderr.splitlines() if line.startswith('Error: ')]


def row(case: Case, sentence: str, root: Path) -> str:
    """One line of the table; the folder of the run is left out of the paths."""
    text = sentence.replace(f'{root.resolve()}/', '').replace(f'{root}/', '')
    return f'| {case.name} | {code(text)} |'


def rows_of(document: str) -> list[str]:
    table = document.partition(BEGIN)[2].partition(END)[0]
    return table.removeprefix(HEAD).splitlines()


def main() -> None:
    from mmengine.config import config

    config.FormatCode = lambda text, **_: (text, True)  # as in conftest.py: it takes long
    rows, start = [], Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        for number, case in enumerate(CASES):
            root = Path(folder) / str(number)
            root.mkdir()
            os.chdir(root)
            os.environ.pop('LOCAL_RANK', None)
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    _, stderr, _ = meet(case, root)
                rows.append(row(case, *sentences(stderr), root))
            except Exception as error:
                sys.exit(f'{case.name}: {type(error).__name__}: {error}')
            finally:
                os.chdir(start)
    text = DOCUMENT.read_text()
    old = text.partition(BEGIN)[2].partition(END)[0]
    DOCUMENT.write_text(text.replace(BEGIN + old + END, BEGIN + HEAD + '\n'.join(rows) + '\n' + END))


if __name__ == '__main__':
    main()
