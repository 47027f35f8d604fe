"""What docs/faq.md points at is there."""

import re

from places import ROOT

PAGE = ROOT / 'docs' / 'faq.md'


def anchors(text: str) -> set[str]:
    titles = re.findall(r'^#+ (.*)$', text, re.M)
    return {re.sub(r'[^\w -]', '', title.lower()).replace(' ', '-') for title in titles}


def test_its_links_lead_somewhere():
    links = re.findall(r'\]\(([^)#]+)#?([^)]*)\)', PAGE.read_text())
    assert len(links) >= 4
    for file, anchor in links:
        path = PAGE.parent / file
        assert path.exists(), file
        assert not anchor or anchor in anchors(path.read_text()), anchor


def test_the_readme_points_at_it():
    assert '(docs/faq.md)' in (ROOT / 'README.md').read_text()
