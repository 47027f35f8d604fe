"""A real browser for tests of pages: Chromium, driven by playwright; and axe, which judges accessibility."""

import base64
import shutil
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmagic_mikd.apps.demo import npm
from mmagic_mikd.utils.errors import ConfigError

AXE = 'axe-core@4.14.1'
AXE_FILES = {'axe.min.js': '29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c'}
SIZES = dict(desktop=dict(width=1200, height=900), phone=dict(width=375, height=720))


def fetched(package: str, files: dict[str, str]) -> Path:
    """Files of npm, or a skip that says why there are none."""
    try:
        return npm.cached(package, files, 'do without this test')
    except ConfigError as error:
        pytest.skip(str(error))


def open_browser(*options: str):
    """Chromium until the test is over; a generator, for fixtures."""
    playwright = pytest.importorskip(
        'playwright.sync_api', reason='needs pip install -r requirements/browser.txt'
    )
    path = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
    if path is None:
        pytest.skip('needs Chromium: apt-get install chromium')
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=['--no-sandbox', *options])
        yield browser
        browser.close()


class Tab:
    """A page of a file, and all that it complained about or asked the network for."""

    def __init__(self, browser, path: Path, patience: int = 120) -> None:
        self.patience = patience  # seconds
        self.page = browser.new_page(viewport=SIZES['desktop'], has_touch=True)
        self.complaints: list[str] = []
        self.page.on('console', lambda message: self.complaints.append(message.text))
        self.page.on('pageerror', lambda error: self.complaints.append(str(error)))
        self.page.on('request', self._requested)
        self.page.goto(path.resolve().as_uri(), timeout=120_000)

    def _requested(self, request) -> None:
        if not request.url.startswith(('file:', 'blob:', 'data:')):
            self.complaints.append(f'asked for {request.url}')

    def settle(self, *expected: str) -> None:
        """Wait until the page is at rest, and what is expected is true.

        By asking: a busy machine starves playwright's own waiting, and the page forbids it to evaluate texts.
        """
        end = time.monotonic() + self.patience
        while not (all(map(self.page.evaluate, expected)) and self._state() == 'ready'):
            said = self.page.inner_text('#status')
            assert time.monotonic() < end and self._state() != 'failed', (expected, said, self.complaints)
            time.sleep(0.05)

    def _state(self) -> str | None:
        return self.page.get_attribute('main', 'data-state')

    def canvas(self, selector: str) -> np.ndarray:
        """RGB pixels of a canvas."""
        url = self.page.eval_on_selector(selector, "canvas => canvas.toDataURL('image/png')")
        coded = np.frombuffer(base64.b64decode(url.partition(',')[2]), np.uint8)
        return cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1].astype(int)

    def serious_findings(self) -> list:
        """Of axe, those that keep somebody from using the page."""
        self.page.evaluate((fetched(AXE, AXE_FILES) / 'axe.min.js').read_text())
        # else it asks for the style sheets again, which a page of a file may not
        found = self.page.evaluate('axe.run({preload: false})')['violations']
        return [
            (each['id'], each['nodes'][0]['html'])
            for each in found
            if each['impact'] in ('serious', 'critical')
        ]

    def wider_than_the_screen(self) -> bool:
        return self.page.evaluate('document.documentElement.scrollWidth > innerWidth')
