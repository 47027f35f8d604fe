"""benchmarks/exports.md says in plain words why a family is no file, and docs/export.md counts right."""

import re

from places import ROOT

ROWS = [
    dict(zip(('family', 'generator', 'onnx', 'sizes', 'error', 'why'), cells, strict=True))
    for line in (ROOT / 'benchmarks' / 'exports.md').read_text().splitlines()
    if line.startswith('| ') and not line.startswith(('| family', '| ---'))
    for cells in [[cell.strip() for cell in line[1:-1].split(' | ')]]
]


def test_what_is_not_written_says_why_in_plain_words():
    assert len(ROWS) > 40
    for row in ROWS:
        if row['onnx'] == 'yes':
            assert row['sizes'] and float(row['error']) < 1e-3 and not row['why'], row
        else:
            assert 10 < len(row['why']) < 140, row
            assert not re.search(r'\w(Error|Exception)\b|\.\.\.', row['why']), row


def test_the_page_counts_the_families_as_the_table_does():
    page = ' '.join((ROOT / 'docs' / 'export.md').read_text().split())
    (told,) = re.findall(
        r"Of the toolbox's (\d+) families, each made tiny, (\d+) can be written .*? "
        r'Of the other (\d+), (\d+) take several tensors, .*?, (\d+) take the frames of a video, and (\d+) ',
        page,
    )
    refused = [row['why'] for row in ROWS if row['onnx'] == 'no']
    several = sum(bool(re.fullmatch(r'it takes \d tensors', why)) for why in refused)
    frames = sum('frames' in why for why in refused)
    count = len(ROWS), len(ROWS) - len(refused), len(refused), several, frames
    assert tuple(map(int, told)) == (*count, len(refused) - several - frames)
