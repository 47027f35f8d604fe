"""A page in headless Chromium, and axe, which judges whether everybody can use it."""

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

import pytest

AXE = 'axe-core-4.14.1.tgz'
AXE_SHA256 = '29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c'  # of axe.min.js
PHONE, DESKTOP = dict(width=390, height=844), dict(width=1280, height=900)


def chromium():
    """The browser until the tests of a file are over; for fixtures."""
    playwright = pytest.importorskip('playwright.sync_api', reason='needs pip install playwright')
    path = shutil.which('chromium') or shutil.which('google-chrome')
    if path is None:
        pytest.skip('needs Chromium: apt-get install chromium')
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=['--no-sandbox'])
        yield browser
        browser.close()


def axe() -> str:
    """The script, of npm, once for this machine."""
    kept = Path(tempfile.gettempdir()) / 'mmagic_mikd_tests' / 'axe.min.js'
    if not kept.is_file():
        npm = shutil.which('npm') or pytest.skip('needs npm, which fetches axe-core')
        with tempfile.TemporaryDirectory() as folder:
            command = [npm, 'pack', AXE.removesuffix('.tgz').replace('core-', 'core@'), '--silent']
            if subprocess.run(command, cwd=folder, capture_output=True).returncode:
                pytest.skip('npm could not fetch axe-core')
            with tarfile.open(Path(folder) / AXE) as archive:
                content = archive.extractfile('package/axe.min.js').read()
        kept.parent.mkdir(exist_ok=True)
        kept.write_bytes(content)
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == AXE_SHA256
    return kept.read_text()


class Tab:
    """A file in the browser, and all that it complained about or asked the network for."""

    def __init__(self, browser, path: Path, viewport: dict = DESKTOP, **settings) -> None:
        self.page = browser.new_page(viewport=viewport, **settings)
        self.page.set_default_timeout(180_000)  # a busy machine
        self.complaints: list[str] = []
        self.page.on('console', lambda message: self.complaints.append(message.text))
        self.page.on('pageerror', lambda error: self.complaints.append(str(error)))
        self.page.on('request', self._requested)
        self.page.goto(path.resolve().as_uri())

    def _requested(self, request) -> None:
        if not request.url.startswith(('file:', 'data:')):
            self.complaints.append(f'asked for {request.url}')

    def until(self, expression: str) -> object:
        """The value of an expression, once it is true."""
        end = time.monotonic() + 60
        while not (value := self.page.evaluate(expression)):
            assert time.monotonic() < end, (expression, self.complaints)
            time.sleep(0.05)
        return value

    def findings(self) -> list[tuple[str, str]]:
        """Of axe, those that keep somebody from using the page."""
        self.page.evaluate(axe())
        found = self.page.evaluate('axe.run()')['violations']
        grave = [each for each in found if each['impact'] in ('serious', 'critical')]
        return [(each['id'], each['nodes'][0]['html']) for each in grave]
