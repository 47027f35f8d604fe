"""The page of tools/report.py in a real browser, opened as a file."""

import json
import time

import browser as browsers
import cv2
import numpy as np
import pytest
import torch
from browser import SIZES, Tab
from places import ROOT
from reported import FAMILIES

from mmagic_mikd.apps.report.report import main
from mmagic_mikd.objectives.energy.chain_record import State
from mmagic_mikd.visualization.pictures import picture

STUDY = ROOT / 'benchmarks' / 'studies' / 'starts_flat.yaml'
HOSTILE = '<img src=x onerror="window.hit=1"></script><script>window.hit=1</script>'
STAMP = '20260101_000000'
WARNING = '2026/01/01 00:00:00 - mmengine - WARNING - distill.guard.floor: '


@pytest.fixture(scope='module')
def browser():
    yield from browsers.open_browser()


def until(tab, expression):
    """The value of an expression, once it is true."""
    end = time.monotonic() + 60
    while not (value := tab.page.evaluate(expression)):
        assert time.monotonic() < end, (expression, tab.complaints)
        time.sleep(0.05)
    return value


@pytest.fixture(scope='module')
def pages(tmp_path_factory):
    """Of a run with hostile names, and of a study."""
    folder = tmp_path_factory.mktemp('pages')
    run = folder / 'run'
    pictures = run / STAMP / 'vis_data' / 'vis_image'
    pictures.mkdir(parents=True)
    (run / 'config.py').write_text(f'model = dict(type={HOSTILE!r})')
    (run / STAMP / 'x.log').write_text(
        f'2026/01/01 00:00:00 - mmengine - INFO - Iter(train) [ 20/40] loss: 1\n{WARNING}{HOSTILE}\n'
    )
    curves = {f'loss_{HOSTILE}': 1.0, 'mi_grad_ratio': 0.1}
    entries = [
        {name: step * value for name, value in curves.items()} | dict(step=step) for step in range(1, 41)
    ]
    text = ''.join(f'{json.dumps(entry)}\n' for entry in entries)
    (run / STAMP / 'vis_data' / 'scalars.json').write_text(text)
    shades = dict(input=-1.0, student=0.5, teacher=0.0, target=1.0)
    states = [State(name, torch.full((3, 3, 128, 128), shade), None) for name, shade in shades.items()]
    cv2.imwrite(str(pictures / 'distill_generator_40.png'), picture(states, rgb=True))
    main([str(run), '--images', '0', '--out', str(folder / 'run.html')])
    main([str(STUDY), '--out', str(folder / 'study.html')])
    return folder


@pytest.mark.parametrize('name', ['run', 'study'])
@pytest.mark.parametrize(('size', 'scheme'), [('desktop', 'light'), ('phone', 'dark')])
def test_it_opens_without_complaints_and_everybody_can_use_it(browser, pages, name, size, scheme):
    tab = Tab(browser, pages / f'{name}.html')
    tab.page.set_viewport_size(SIZES[size])
    tab.page.emulate_media(color_scheme=scheme)
    until(
        tab, "document.querySelectorAll('.plot canvas').length == document.querySelectorAll('.plot').length"
    )
    assert not tab.wider_than_the_screen()
    paper = tab.page.evaluate('getComputedStyle(document.body).backgroundColor')
    assert (paper == 'rgb(255, 255, 255)') == (scheme == 'light')
    assert tab.serious_findings() == []
    assert tab.complaints == [] and tab.page.evaluate('window.hit') is None
    tab.page.close()


@pytest.mark.slow
@pytest.mark.parametrize('family', FAMILIES)
def test_the_page_of_every_family_opens_without_complaints(browser, reported, family):
    run, _ = reported(family)
    tab = Tab(browser, run / 'report.html')
    until(
        tab, "document.querySelectorAll('.plot canvas').length == document.querySelectorAll('.plot').length"
    )
    assert tab.page.locator('.plot').count() > 0
    sliders = tab.page.locator('img-comparison-slider').count()
    assert sliders >= 3  # best, median and worst, of each generator
    until(tab, f"document.querySelectorAll('img-comparison-slider.rendered').length == {sliders}")
    until(tab, '[...document.images].every(image => image.complete && image.naturalWidth > 0)')
    assert not tab.wider_than_the_screen()
    assert tab.serious_findings() == []
    assert tab.complaints == []
    tab.page.close()


def test_the_border_moves_and_the_sides_can_be_chosen(browser, pages):
    tab = Tab(browser, pages / 'run.html')
    until(tab, "document.querySelectorAll('img-comparison-slider.rendered').length == 3")
    where = "document.querySelector('img-comparison-slider').value"
    assert tab.page.evaluate(where) == 50
    box = tab.page.locator('img-comparison-slider').first.bounding_box()
    tab.page.mouse.move(box['x'] + box['width'] / 2, box['y'] + box['height'] / 2)
    tab.page.mouse.down()
    tab.page.mouse.move(box['x'] + box['width'] * 0.9, box['y'] + box['height'] / 2, steps=4)
    tab.page.mouse.up()
    moved = until(tab, f'{where} > 80 && {where}')
    tab.page.locator('img-comparison-slider').first.focus()
    tab.page.keyboard.press('ArrowLeft', delay=300)
    until(tab, f'{where} < {moved}')
    tab.page.select_option('[data-side=left]', label='target')
    assert tab.page.inner_text('[slot=first] figcaption') == 'target'
    shot = tab.page.locator('img-comparison-slider').first.screenshot()
    pixels = cv2.imdecode(np.frombuffer(shot, np.uint8), cv2.IMREAD_GRAYSCALE)
    middle = pixels[len(pixels) // 4]
    assert abs(int(middle[20]) - 255) <= 2 and abs(int(middle[-20]) - 191) <= 2  # target and student
    assert tab.complaints == []
    tab.page.close()


def test_curves_are_drawn_with_the_warning_beside_them(browser, pages):
    tab = Tab(browser, pages / 'run.html')
    until(tab, "document.querySelectorAll('.plot canvas').length == 2")
    assert 'after iteration 20' in tab.page.inner_text('.warnings')
    colours = """[...document.querySelectorAll('.plot canvas')].map(canvas => {
        const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        const seen = new Set();
        for (let i = 0; i < data.length; i += 4) if (data[i + 3] === 255) seen.add(data.slice(i, i + 3).join());
        return [...seen];
    })"""
    for seen in tab.page.evaluate(colours):
        assert '11,114,196' in seen and '180,35,24' in seen  # the curve, the mark of the warning
    assert HOSTILE in tab.page.inner_text('.u-legend >> nth=0')
    tab.page.close()
