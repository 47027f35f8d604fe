"""The documentation in a real browser: links, contrast, and the width of a phone.

    python -m sphinx -W --keep-going -c docs . site
    PYTHONPATH=. python tests/support/built_site.py site

Every page is opened in Chromium, light and dark, as wide as a desktop and as a phone. Links within the site
have to lead to a file and a place in it. No page may be wider than the window. Axe may have no serious finding,
such as a weak contrast. Prints what was found, and fails if that is anything.
"""

import argparse
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urldefrag

from browser import SIZES, Tab, open_browser

LINKS = 'elements => elements.map(element => element.href)'
PLACES = 'elements => elements.map(element => element.id)'


def findings(tab: Tab) -> list[str]:
    """What is wrong with a page that is open."""
    found = []
    for scheme in ('light', 'dark'):
        tab.page.emulate_media(color_scheme=scheme)
        for name, size in SIZES.items():
            tab.page.set_viewport_size(size)
            if tab.wider_than_the_screen():
                found.append(f'wider than a {name}')
        found += [f'{scheme}: {rule}: {element[:120]}' for rule, element in tab.serious_findings()]
    return list(dict.fromkeys([*found, *tab.complaints]))


def broken(links: dict[Path, list[str]], places: dict[Path, set[str]]) -> list[str]:
    """Links within the site that lead nowhere."""
    found = []
    for page, targets in links.items():
        for target in targets:
            address, place = urldefrag(target)
            path = Path(unquote(address.removeprefix('file://')))
            if not path.is_file() or (place and path in places and unquote(place) not in places[path]):
                found.append(f'{page.name}: {target}')
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('site', type=Path, help='folder that Sphinx has written')
    site = parser.parse_args().site.resolve()
    pages = sorted(path for path in site.rglob('*.html') if '_static' not in path.parts)
    links: dict[Path, list[str]] = {}
    places: dict[Path, set[str]] = {}
    wrong: list[str] = []
    with contextmanager(open_browser)() as browser:
        for path in pages:
            tab = Tab(browser, path)
            if path == site / 'index.html':  # which leads there
                tab.page.wait_for_url('**/docs/index.html')
            hrefs = tab.page.eval_on_selector_all('a[href]', LINKS)
            links[path] = sorted({href for href in hrefs if href.startswith('file:')})
            places[path] = set(tab.page.eval_on_selector_all('[id]', PLACES)) | {'top'}
            wrong += [f'{path.relative_to(site)}: {what}' for what in findings(tab)]
            tab.page.close()
    wrong += broken(links, places)
    count = sum(map(len, links.values()))
    print('\n'.join([*wrong, f'{len(pages)} pages, {count} links within the site, {len(wrong)} findings']))
    return bool(wrong)


if __name__ == '__main__':
    raise SystemExit(main())
