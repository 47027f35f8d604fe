"""tools/analysis/plot_run.py: what it reads of a run, resumed and killed ones included, and what it draws."""

import json

import cv2
import numpy as np
import pytest
from families import cyclegan, pix2pix, scalars, train

from mmagic_mikd.apps.analysis.plot_run import PANELS, draw, main, panel_of, read


def log(work_dir, date, entries):
    folder = work_dir / date / 'vis_data'
    folder.mkdir(parents=True)
    (folder / 'scalars.json').write_text(''.join(f'{json.dumps(entry)}\n' for entry in entries))
    return folder / 'scalars.json'


def losses(*steps, value=1.0):
    return [dict(loss_distill_mi=value, step=step) for step in steps]


def test_a_run_and_its_resumption_end_to_end(tmp_path, capsys):
    train(pix2pix(tmp_path, iters=2))
    cfg = pix2pix(tmp_path, iters=4)
    cfg.resume = True
    runner = train(cfg)
    series = read(tmp_path)
    for name in (
        'loss',
        'loss_gan_g',
        'loss_distill_mi',
        'energy_gap',
        'chain_drift',
        'distance',
        'mi_grad_ratio',
        'mi_towards',
        'mi_learner_norm',
        'chain_distance',
    ):
        assert list(series[name]) == [1, 2, 3, 4]
    np.testing.assert_allclose(list(series['energy_neg'].values()), scalars(runner)['energy_neg'], rtol=1e-5)
    main([str(tmp_path)])
    *_, drawn, following = capsys.readouterr().out.splitlines()
    assert drawn == str(tmp_path / 'run.png') and following.startswith(f'Next: mikd report {tmp_path},')
    assert cv2.imread(str(tmp_path / 'run.png')).shape[1] > 1000  # three panels beside each other


def test_every_pair_has_a_line(tmp_path):
    train(cyclegan(tmp_path, iters=1))
    names = {name for name in read(tmp_path) if panel_of(name) is PANELS[3]}
    pairs = ('generators_summer', 'generators_winter')
    shown = ('chain_drift', 'chain_distance', 'distance')
    assert names == {f'{name}_{pair}' for name in shown for pair in pairs}


def test_a_name_is_in_the_panel_of_its_kind():
    places = dict(
        loss_gan_g=0,
        loss=0,
        loss_distill_pyramid=1,
        loss_critic_generators_photo=1,
        second_loss_critic=1,
        energy_gap=2,
        second_energy_t=2,
        distance_generators_photo=3,
        chain_distance=3,
        pyramid_grad_ratio_generators_photo=4,
        l1_towards=5,
        pyramid_learner_norm=6,
    )
    assert {name: PANELS.index(panel_of(name)) for name in places} == places
    for name in ('time', 'PSNR', 'pyramid_learner_lr', 'frechet_distance'):
        assert panel_of(name) is None


def test_runs_of_earlier_versions_are_drawn_too():
    old = dict(loss_mi=1, mi_grad_ratio=4, mi_towards=5, critic_grad_norm=6)
    assert {name: PANELS.index(panel_of(name)) for name in old} == old


def test_a_later_run_goes_on_or_takes_the_place_of_an_earlier_one(tmp_path):
    log(tmp_path, '20260101', losses(1, 2, 3, 4))
    log(tmp_path, '20260102', losses(3, 4, 5, value=2.0))
    log(tmp_path, '20260103', [dict(PSNR=30.0, step=0)])  # an evaluation
    assert read(tmp_path)['loss_distill_mi'] == {1: 1, 2: 1, 3: 2, 4: 2, 5: 2}
    assert read(tmp_path / '20260101')['loss_distill_mi'] == {1: 1, 2: 1, 3: 1, 4: 1}
    log(tmp_path, '20260104', [dict(loss=3.0, step=1)])
    assert read(tmp_path) == dict(loss={1: 3.0})


def test_a_line_that_a_kill_cut_short_and_numbers_that_are_none(tmp_path):
    path = log(tmp_path, '20260101', [*losses(1, 2), *losses(3, value=float('nan'))])
    path.write_text(
        path.read_text() + '[1]\n{"loss_distill_mi": "high", "step": 4}\n{"loss_distill_mi": 1.0, "st'
    )
    series = read(tmp_path)
    assert list(series['loss_distill_mi']) == [1, 2, 3] and np.isnan(series['loss_distill_mi'][3])
    draw(series, tmp_path / 'run.png', 'broken')


def test_only_panels_with_values_and_names_that_are_no_formulas(tmp_path):
    series = {r'loss_$\frac$': {1: 1.0}, 'mi_grad_ratio': {1: 0.0, 2: 0.1}}
    draw(series, tmp_path / 'two.png', '$x')
    draw({'loss': {1: 1.0}}, tmp_path / 'one.png', '_')
    two, one = (cv2.imread(str(tmp_path / f'{name}.png')).shape for name in ('two', 'one'))
    assert two[0] == one[0] and two[1] == 2 * one[1]


@pytest.mark.parametrize(
    ('content', 'arguments', 'message'),
    [
        (None, [], 'has no vis_data/scalars.json in which a training was logged'),
        ([dict(PSNR=30.0, step=1)], [], 'has no vis_data/scalars.json in which a training was logged'),
        (losses(1), ['--out', 'run.foo'], 'let it end with .png'),
        (losses(1), ['--out', 'no such folder/run.png'], 'correct the path'),
    ],
)
def test_what_cannot_be_drawn_ends_in_one_sentence(
    tmp_path, monkeypatch, capsys, content, arguments, message
):
    monkeypatch.chdir(tmp_path)
    if content:
        log(tmp_path / 'work', '20260101', content)
    with pytest.raises(SystemExit) as stop:
        main(['work', *arguments])
    error = capsys.readouterr().err
    assert (
        stop.value.code == 2 and error.startswith('Error: ') and error.count('\n') == 1 and message in error
    )
