"""Names that mean something to Python, MMEngine, Markdown, HTML or a terminal stay names in what we write."""

import html
import re
import sys
from pathlib import Path

import pytest
from families import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from matrix.case import Case
from matrix.run import Row
from matrix.table import line as matrix_line
from mmengine.config import Config

from mmagic_mikd.apps.analysis import complexity
from mmagic_mikd.apps.builder import build_student
from mmagic_mikd.apps.quickstart.configs import config_texts
from mmagic_mikd.apps.quickstart.pairs import Pairs
from mmagic_mikd.cost.complexity import Complexity
from mmagic_mikd.utils import escape

NASTY = 'it\'s "{{ fileDirname }}" {x} | <script>alert(1)</script> \\n [a](b) `id` $HOME ü\x1b[31m\nimport os'
TEXTS = st.text(st.characters(exclude_categories=['Cs'])) | st.sampled_from(
    [NASTY, r'\|', '`|`', '{{_base_.model}}', '{{$HOME:x}}', '{{{', "'''", '\\{{ a }}', '\r\n', '#']
)
QUICK = settings(deadline=None, max_examples=40, derandomize=True)


@QUICK
@given(TEXTS)
def test_a_config_gives_back_what_was_written_into_it(tmp_path_factory, text):
    path = tmp_path_factory.mktemp('literal') / 'config.py'
    path.write_text(f'a = {escape.literal(text)}\nb = dict(c=[{escape.literal(text)}])\n')
    cfg = Config.fromfile(path)
    assert cfg.a == text and cfg.b.c == [text]


@QUICK
@given(TEXTS)
def test_a_cell_ends_where_its_text_ends(text):
    """GitHub's Markdown: a bar without a backslash before it ends a cell, also within a code span."""
    for written in (escape.cell(text), escape.code(text)):
        assert written.isprintable() and not re.search(r'(?<!\\)(\\\\)*\|', written)
    assert '<' not in escape.cell(text)
    shown = re.sub(r'\\([\\|\[\]])', r'\1', html.unescape(escape.cell(text)))
    assert shown == escape.line(text)


@QUICK
@given(TEXTS)
def test_a_code_span_ends_where_its_text_ends(text):
    written = escape.code(text)
    if written == escape.cell(text):
        assert '\\|' in text
        return
    fence = re.match('`+', written)[0]
    inside = written[len(fence) + 1 : -len(fence) - 1]
    assert written == f'{fence} {inside} {fence}' and fence not in inside
    assert inside.replace(r'\|', '|') == escape.line(text)


def test_a_line_is_one_line():
    assert escape.line(NASTY).endswith(r'ü\x1b[31m\nimport os')
    assert len(escape.line(NASTY).splitlines()) == 1


def test_the_configs_of_the_quickstart(tmp_path):
    places = [tmp_path / f'{kind} {NASTY}' for kind in ('data', 'teacher', 'weights')]
    data, checkpoint, weights = places
    made = Pairs(data, 8, 2, 'test')
    for name, text in config_texts(made, checkpoint, 64, 10, 0, 'BtoA', weights).items():
        (tmp_path / f'{name}.py').write_text(text)
    cfg = Config.fromfile(tmp_path / 'student_distilled.py')
    assert cfg.train_dataloader.dataset.data_root == cfg.test_dataloader.dataset.data_root == str(data)
    assert cfg.default_hooks.distill.teacher.checkpoint == str(checkpoint)
    assert cfg.metrics[1].checkpoint == str(weights)
    assert not hasattr(cfg, 'os')


def test_the_config_that_build_student_writes(tmp_path, monkeypatch, capsys):
    name = NASTY.replace('/', ':')
    teacher, out = tmp_path / f't {name}.py', tmp_path / f's {name}.py'
    teacher.write_text(
        "_base_ = ['mmagic::edsr/edsr_x4c64b16_1xb16-300k_div2k.py']\nexperiment_name = 'mine'\n"
    )
    command = ['build_student.py', teacher, '--width', '0.5', '--teacher-checkpoint', name, '--out', out]
    monkeypatch.setattr(sys, 'argv', list(map(str, command)))
    build_student.main()
    cfg = Config.fromfile(out)
    assert cfg.model.generator.mid_channels == 32
    assert cfg.default_hooks.distill.teacher.checkpoint == name
    assert cfg.work_dir == f'./work_dirs/{out.stem}' and cfg.experiment_name == out.stem
    assert 'import os' not in out.read_text().splitlines()


def test_the_table_of_complexity(tmp_path, monkeypatch, capsys):
    path = tmp_path / f'{NASTY.replace("/", ":")}.py'
    path.write_text(
        "_base_ = ['mmagic::edsr/edsr_x4c64b16_1xb16-300k_div2k.py']\nmodel = dict(generator=None)\n"
    )
    with pytest.raises(SystemExit):
        complexity.main([str(path)])
    err = capsys.readouterr().err
    assert 'has no `model.generator`' in err and err.rstrip('\n').isprintable()
    row = complexity.Row('a | <b>', (3, 4, 4), Complexity(1, 1, 1))
    assert '| a \\| &lt;b&gt; |' in complexity.table([row])


def test_the_table_of_the_families():
    case = Case('X', 'x.py', {}, {}, {}, 8, distill=dict(terms=dict(a='|')))
    written = matrix_line(case, Row('X', 'x.py', 'G', 'one', 'Error: a | <b>\n| yes |'))
    assert written.count('\n') == 1 and '<b>' not in written
    assert len(re.findall(r'(?<!\\)\|', written)) == 8  # of seven cells


def test_no_generated_document_holds_html_of_names():
    for name in ('families.md', 'bad_input.md'):
        rows = [row for row in Path(ROOT / 'docs' / name).read_text().splitlines() if row.startswith('|')]
        assert rows and not re.search('<[a-z/]', re.sub('(`+) .*? \\1|`[^`]*`', '', '\n'.join(rows)))
