"""How fast a page of tools/demo.py is in Chromium, and how much memory it takes: a row of docs/demo.md.

    python benchmarks/browser.py DIR [DIR ...]

Seconds are of the clock and, for busy machines, of the processor. On label maps every frame follows a stroke;
photographs are enlarged from 256 x 256 pixels. Needs requirements/browser.txt and Chromium.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
from playwright.sync_api import Page, sync_playwright

SIDE = 256  # of the photograph
TICK = os.sysconf('SC_CLK_TCK')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('folders', nargs='+', type=Path, metavar='DIR')
    parser.add_argument('--frames', type=int, default=20)
    args = parser.parse_args()
    print('| page | MB | loaded in, CPU | a picture, clock | a picture, CPU | peak memory |')
    print('| --- | ---: | ---: | ---: | ---: | ---: |')
    with sync_playwright() as running:
        for folder in args.folders:
            browser = running.chromium.launch(executable_path=shutil.which('chromium'), args=['--no-sandbox'])
            page = browser.new_page()
            page.goto((folder / 'demo.html').resolve().as_uri(), timeout=0)
            settle(page)
            loaded = processor_seconds()
            clock, processor = time_pictures(page, folder, args.frames)
            size = (folder / 'demo.html').stat().st_size / 1e6
            times = f'{loaded:.1f} s | {seconds(clock)} | {seconds(processor)}'
            print(f'| {folder} | {size:.1f} | {times} | {peak_megabytes():.0f} MB |', flush=True)
            browser.close()


def time_pictures(page: Page, folder: Path, frames: int) -> tuple[float, float]:
    """Seconds of one picture, by the clock, the median, and of the processor, the mean."""
    before = processor_seconds()
    if page.query_selector('#sheet'):
        clock = [stroke(page, number) for number in range(frames)]
    else:
        frames, clock = 1, [enlarge(page, folder)]
    return statistics.median(clock), (processor_seconds() - before) / frames


def stroke(page: Page, number: int) -> float:
    place = dict(x=20 + 10 * number, y=40 + 7 * number)
    page.locator('#sheet').click(position=place)
    settle(page)
    return float(page.inner_text('#milliseconds').split(',')[0]) / 1000


def enlarge(page: Page, folder: Path) -> float:
    """Of a start picture, as a square of 256 pixels."""
    picture = cv2.imread(str(next((folder / 'inputs').glob('*.png'))))
    with tempfile.TemporaryDirectory() as scratch:
        square = Path(scratch) / 'square.png'
        cv2.imwrite(str(square), cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC))
        page.set_input_files('#file', square)
        while f'{SIDE} \N{MULTIPLICATION SIGN} {SIDE} became' not in page.inner_text('#status'):
            time.sleep(0.05)
    return float(page.inner_text('#milliseconds').split(',')[0]) / 1000


def settle(page: Page) -> None:
    while page.get_attribute('main', 'data-state') != 'ready':
        time.sleep(0.02)


def seconds(value: float) -> str:
    return f'{value * 1000:.0f} ms' if value < 1 else f'{value:.1f} s'


def renderers() -> Iterator[Path]:
    """Processes of this one's browser that show pages."""
    waiting = [os.getpid()]
    while waiting:
        process = Path(f'/proc/{waiting.pop()}')
        for children in process.glob('task/*/children'):
            waiting += map(int, children.read_text().split())
        if b'--type=renderer' in (process / 'cmdline').read_bytes():
            yield process


def processor_seconds() -> float:
    """Of all threads of all renderers so far."""
    fields = [(process / 'stat').read_text().rpartition(')')[2].split() for process in renderers()]
    return sum(int(user) + int(system) for *_, user, system in (each[:13] for each in fields)) / TICK


def peak_megabytes() -> float:
    """Most memory that one renderer has had in use."""
    peaks = [(process / 'status').read_text().partition('VmHWM:')[2].split()[0] for process in renderers()]
    return max(map(int, peaks)) / 1000


if __name__ == '__main__':
    main()
