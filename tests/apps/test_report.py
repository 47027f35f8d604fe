"""tools/report.py without a browser: what it reads of runs and studies, what it counts, what it refuses."""

import base64
import hashlib
import html
import json
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from families import pix2pix
from families.base import data_folder, save_teacher
from places import ROOT
from reported import FAMILIES, with_test_set

from mmagic_mikd.apps.analysis.plot_run import PANELS
from mmagic_mikd.apps.report import page, study_view
from mmagic_mikd.apps.report.charts import MOST, chart
from mmagic_mikd.apps.report.differences import Change, base_of, differences
from mmagic_mikd.apps.report.logs import Warned, read_log
from mmagic_mikd.apps.report.pictures import Sample, beside, measured, ranked
from mmagic_mikd.apps.report.report import main
from mmagic_mikd.apps.report.runs import Run, named
from mmagic_mikd.apps.report.scores import behind, better, saved
from mmagic_mikd.apps.report.study_view import opened
from mmagic_mikd.apps.report.testing import Witness, of_test_set
from mmagic_mikd.apps.study.table import legend, study_rows, table
from mmagic_mikd.deploy.spec import Spec

STUDY = ROOT / 'benchmarks' / 'studies' / 'starts_flat.yaml'
HOSTILE = '<img src=x onerror="window.hit=1"></script><script>window.hit=1</script>\u202e'
STAMP = '20260101_000000'
LINE = '2026/01/01 00:00:00 - mmengine - '


def pictures_in(text: str) -> dict[str, np.ndarray]:
    """Thumbnails of a page by their descriptions, RGB."""
    found = re.findall(r'<img src="data:image/\w+;base64,([^"]+)"[^>]* alt="([^"]+)"', text)
    decoded = {
        html.unescape(alt): cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
        for data, alt in found
    }
    return {alt: image[..., ::-1] for alt, image in decoded.items()}


def written_run(
    folder: Path, log: str = '', scalars: list[dict] = (), config: str = 'model = dict()'
) -> Path:
    """A work_dir by hand."""
    logged = folder / STAMP / 'vis_data'
    logged.mkdir(parents=True)
    (folder / 'config.py').write_text(config)
    (folder / STAMP / f'{STAMP}.log').write_text(log)
    (logged / 'scalars.json').write_text(''.join(f'{json.dumps(entry)}\n' for entry in scalars))
    return folder


# ---- whole pages --------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize('family', FAMILIES)
def test_a_run_of_every_family(family, reported):
    run, said = reported(family)
    *_, written, following = said.splitlines()
    assert written.startswith(f'{run}/report.html: ')
    assert re.fullmatch(rf'Next: mikd export {run}/\S+py {run}/iter_2.pth --out {run}/export', following)
    text = (run / 'report.html').read_text()
    shown = pictures_in(text)
    columns = ['teacher', 'student'] if family == 'stylegan2' else ['input', 'teacher', 'student']
    columns += ['target'] if family in ('pix2pix', 'edsr') else []
    generators = 2 if family == 'cyclegan' else 1
    assert [text.count(f'alt="{name}: ') for name in columns] == [3 * generators] * len(columns)
    assert text.count('alt="') == 3 * generators * len(columns)
    assert [text.count(f'class="rank {rank}"') for rank in ('best', 'median', 'worst')] == [generators] * 3
    distances = [float(d) for d in re.findall(r'([\d.]+) grey levels from the teacher', text)]
    assert all(distances[i : i + 3] == sorted(distances[i : i + 3]) for i in range(0, len(distances), 3))
    assert 'fewer parameters' in text and 'losses of the distillation' in text
    if family == 'edsr':  # colours and borders as they are in the files
        for name in ('baby.png', 'head.png', 'woman.png'):
            for column, place in (('input', 'LR_x4'), ('target', 'GT')):
                file = cv2.imread(str(data_folder('sr_set5') / place / name))
                np.testing.assert_array_equal(shown[f'{column}: {name}'], file[..., ::-1])


def test_a_study(tmp_path, capsys):
    main([str(STUDY), '--out', str(tmp_path / 'study.html')])
    assert capsys.readouterr().out.splitlines()[-1] == f'Next: mikd study table {STUDY}'
    text = html.unescape((tmp_path / 'study.html').read_text())
    table = STUDY.with_suffix('.md').read_text()
    rows = [line.strip('| ').split(' | ') for line in table.splitlines() if re.match(r'\| \w+ \| \d', line)]
    numbers = {cell for row in rows for cell in row if '±' in cell}
    assert len(numbers) > 10 and [cell for cell in numbers if cell not in text] == []
    intervals = set(re.findall(r'\[[-+][\d.]+, [-+][\d.]+\]', table))
    assert len(intervals) > 10 and [interval for interval in intervals if interval not in text] == []


def test_a_study_has_the_marks_of_its_table_and_what_they_mean(tmp_path, monkeypatch):
    """Of a table with differences that do and do not stand in its company, one of them far worse."""
    study = opened(STUDY.with_stem('starts_facades'))
    changes = [dict(teacher='as of seed 0', cpu='one'), dict(teacher='another', cpu='two')]
    rows = [
        row | changes[row['seed'] != '0'] | (dict(cpu='one') if row['objective'] == 'none' else {})
        for row in study_rows(study)[0]
    ]
    for row in rows:
        if row['objective'] == 'pyramid_sliced':
            row['teacher/psnr'] = str(0.2 * float(row['teacher/psnr']))
    monkeypatch.setattr(study_view, 'study_rows', lambda study: (rows, []))
    main([str(study.path), '--out', str(tmp_path / 'study.html')])
    page_text = html.unescape((tmp_path / 'study.html').read_text())
    text = table(study, (rows, []))
    of_differences = re.findall(r'(?<=\| minus none).*?(?=\n\n)', text, re.DOTALL)
    lines = [line.split(' | ') for each in of_differences for line in each.splitlines()[2:]]
    tones = ['better' if '**' in cell else 'worse' * ('†' in cell) for line in lines for cell in line[2:]]
    assert re.findall(r'<td class="difference (\w*)">', page_text) == tones
    assert page_text.count('†</div>') == tones.count('worse') > 0 and tones.count('better') > 2
    counts = [line[1] for line in lines]
    assert re.findall(r'<td>(\d+ \(.*?\))</td>', page_text) == counts
    assert '‡' in counts[0] and '§' in counts[0]
    assert ' '.join(legend(text).split()) in page_text and '§:' in page_text and '‡:' in page_text


def test_the_objective_to_compare_with(tmp_path):
    main([str(STUDY), '--out', str(tmp_path / 'study.html'), '--against', 'pyramid_alone'])
    assert 'minus pyramid_alone' in (tmp_path / 'study.html').read_text()


def test_what_others_have_written_is_text(tmp_path):
    config = f'model = dict(type={HOSTILE!r})\nlong = [dict(type={HOSTILE!r})]'
    scalars = [{f'loss_{HOSTILE}': 1.0, 'step': 1}, {f'loss_{HOSTILE}': float('nan'), 'step': 2}]
    log = f'{LINE}WARNING - distill.guard.floor: {HOSTILE}\n    Python: {HOSTILE}\n'
    runs = [written_run(tmp_path / name, log, scalars, config) for name in ('one', 'other')]
    (runs[0] / 'test' / STAMP).mkdir(parents=True)
    (runs[0] / 'test' / STAMP / f'{STAMP}.json').write_text(json.dumps({f'psnr {HOSTILE}': 1.0}))
    main([*map(str, runs), '--out', str(tmp_path / 'page.html')])
    text = (tmp_path / 'page.html').read_text()
    assert text.count('onerror=') > 5 and '<img src=x' not in text and '\u202e' not in text
    data = text.count('<script type="application/json">')
    assert text.count('<script') == text.count('</script>') == 3 + data


def test_a_distilled_student_that_is_behind_the_one_alone(tmp_path):
    distill = "default_hooks = dict(distill=dict(type='DistillRunner', teacher=dict(type='Foreign')))"
    runs = [written_run(tmp_path / 'alone'), written_run(tmp_path / 'distilled', config=distill)]
    for run, psnr in zip(runs, (20.0, 19.0), strict=True):
        (run / 'test' / STAMP).mkdir(parents=True)
        (run / 'test' / STAMP / f'{STAMP}.json').write_text(json.dumps(dict(PSNR=psnr, FID=psnr)))
    for order in (runs, runs[::-1]):
        main([*map(str, order), '--out', str(tmp_path / 'page.html')])
        assert 'distilled is behind alone in PSNR (19 against 20).' in (tmp_path / 'page.html').read_text()
    main([*map(str, runs), '--out', str(tmp_path / 'page.html'), '--against', 'distilled'])
    assert 'is behind' not in (tmp_path / 'page.html').read_text()


def test_it_says_what_it_could_not_show(tmp_path):
    run = written_run(tmp_path / 'run', scalars=[dict(loss=1.0, step=1)])
    main([str(run)])
    text = html.unescape((run / 'report.html').read_text())
    assert 'Sizes of student are unknown' in text and 'holds no checkpoint' in text
    assert 'No evaluation of student was found' in text and 'losses of the model' in text


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['nothing'], 'nothing is no folder'),
        (['empty'], 'empty holds no config'),
        (
            ['apart'],
            'apart holds checkpoints without a config, which is where default_hooks.checkpoint.out_dir',
        ),
        (['nothing.yaml'], 'there is no study nothing.yaml'),
        (['run', '--against', 'l1'], '--against l1 is neither a run nor an objective here'),
        ([str(STUDY), '--against', 'pyramid'], 'has no frechet_resnet56-cifar10 to compare with it'),
        (['run', 'run'], 'is named twice'),
        (['run', '--images', '-1'], '--images -1 must be at least 0'),
        # before the work: that there is no such run would be found later
        (['nothing', '--out', 'run/config.py/x.html'], 'cannot be written, because '),
        (['nothing', '--out', 'run'], '--out run is a folder: name a file in it'),
        (['nothing', '--out', 'mine.html'], 'mine.html exists and is no page of mikd report: give another'),
        (['timed'], 'benchmark.json is not what `mikd benchmark --out` writes'),
    ],
)
def test_what_cannot_be_told_ends_in_one_sentence(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    Path('empty').mkdir()
    Path('apart').mkdir()
    Path('apart/iter_1.pth').touch()
    Path('mine.html').write_text('mine')
    for name in ('run', 'timed'):
        written_run(tmp_path / name)
    (tmp_path / 'timed' / 'benchmark.json').write_text('{"milliseconds": {"ort": 3}}')
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    error = capsys.readouterr().err
    assert (
        stop.value.code == 2 and error.startswith('Error: ') and error.count('\n') == 1 and message in error
    )


# ---- pictures -----------------------------------------------------------------------------------


def test_a_student_with_its_teachers_weights_is_its_teacher(tmp_path):
    """Dropout and statistics of the batch included: both have the same draws on the same batch."""
    cfg = with_test_set(pix2pix(tmp_path / 'run'), side=64)  # from which on a U-Net has dropout
    teacher = cfg.default_hooks.distill.teacher
    for model in (cfg.model, teacher.model):
        model.generator.update(base_channels=4, num_down=6, use_dropout=True)
    teacher.checkpoint = save_teacher(teacher.model, tmp_path / 'run')
    shutil.copy(teacher.checkpoint, tmp_path / 'run' / 'iter_2.pth')
    cfg.dump(tmp_path / 'run' / 'config.py')
    run = Run(tmp_path / 'run', 'student')
    (found,) = of_test_set(run, run.teacher, 3)
    assert [sample.distance('student') for sample in found.samples] == [0, 0, 0]
    (other,) = of_test_set(run, run.teacher, 3)
    assert found.samples[0].images['input'].std() > 10
    np.testing.assert_array_equal(found.samples[0].images['target'], other.samples[0].images['target'])


def sample(name, student, teacher=0, **more):
    images = dict(input=np.zeros((2, 2, 3), np.uint8), teacher=np.full((12, 12, 3), teacher, np.uint8))
    images['student'] = np.full((12, 12, 3), student, np.uint8)
    return Sample(name, images | more)


def test_input_and_output_are_drawn_in_an_order_each():
    """Red that comes in as RGB and goes out as BGR is red in both."""

    class Turning(torch.nn.Conv2d):
        def forward(self, x):
            return x.flip(1)

    spec = Spec('image', 'RGB', 0.0, 1.0, 1, 1.0, 'none', (3, 1, 1), output_order='BGR')
    generator = Turning(3, 3, 1)
    witness = Witness(generator, {}, None, spec)
    generator(torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1))
    (row,) = witness.images
    assert row['input'].tolist() == row['student'].tolist() == [[[255, 0, 0]]]


def test_best_median_and_worst_by_the_distance_to_the_teacher():
    samples = [sample(str(level), level) for level in (40, 10, 30, 20, 50)]
    found = [(r.rank, r.sample.name, r.distance) for r in ranked(samples, 'student')]
    assert found == [('best', '10', 10), ('median', '30', 30), ('worst', '50', 50)]
    assert [r.rank for r in ranked(samples[:2], 'student')] == ['best', 'worst']
    assert [r.rank for r in ranked(samples[:1], 'student')] == ['best']
    assert ranked(samples, 'nobody') == []


def test_scores_of_known_images():
    assert measured([sample('a', 255)], 'student')['teacher/psnr'] == 0
    assert measured([sample('a', 25, 0)], 'student')['teacher/psnr'] == pytest.approx(20 * np.log10(255 / 25))


def test_runs_on_the_same_inputs_are_beside_each_other():
    from mmagic_mikd.apps.report.pictures import Pictures

    one, two = (Pictures('g', [sample('a', level)], 'test') for level in (1, 2))
    (joined,) = beside([('alone', one), ('distilled', two)])
    assert list(joined.samples[0].images) == ['input', 'teacher', 'alone', 'distilled']
    assert joined.samples[0].images['distilled'].max() == 2
    other = Pictures('g', [sample('a', 1, input=np.ones((2, 2, 3), np.uint8))], 'test')
    assert len(beside([('alone', one), ('distilled', other)])) == 2


# ---- logs, scores, settings ---------------------------------------------------------------------


def test_the_log(tmp_path):
    command = "cd '/a b' && python tools/train.py 'my config.py' --work-dir run"
    lines = [
        *('    Python: 3.11.2 (main)', '    PyTorch: 2.11.0', f'{LINE}INFO - Command: {command}'),
        f'{LINE}WARNING - distill.guard.chain: early',
        f'{LINE}INFO - Iter(train) [ 20/100]  lr: 1',
        f'{LINE}WARNING - something of the toolbox',
        f'{LINE}WARNING - distill.guard.floor: low (nothing is done about it)',
    ]
    log = read_log(written_run(tmp_path / 'run', '\n'.join(lines)))
    assert log.versions == dict(Python='3.11.2 (main)', PyTorch='2.11.0')
    guard = 'distill.guard.floor: low (nothing is done about it)'
    assert log.warnings == [Warned(0, 'distill.guard.chain: early'), Warned(20, guard)]
    assert log.started == (Path('/a b'), ['my config.py', '--work-dir', 'run'])
    module = log._replace(command='cd /x && python -m mmagic_mikd train c.py')
    assert module.started == (Path('/x'), ['c.py'])
    assert log._replace(command="cd '").started is None and log._replace(command='').started is None


def test_what_train_py_logs_can_be_read(monkeypatch, tmp_path):
    from mmagic_mikd.apps.launch.train import command_line

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr('sys.argv', ['tools/train.py', "it's.py", '--amp'])
    log = read_log(written_run(tmp_path / 'run', f'{LINE}INFO - Command: {command_line()}'))
    assert log.started == (tmp_path, ["it's.py", '--amp'])
    monkeypatch.setattr('sys.argv', ['mmagic_mikd train', 'c.py'])
    assert command_line().endswith('python -m mmagic_mikd train c.py')


def test_which_scores_are_better_high():
    names = {
        'higher': ['PSNR', 'Set5/SSIM', 'teacher/psnr', 'MS_SSIM', 'coverage_x'],
        'lower': ['target/l1', 'swd/avg', 'frechet_resnet56-cifar10', 'FID-50k/fid', 'NIQE'],
        None: ['IS', 'loss', 'psnr_l1'],
    }
    assert {key: [n for n in each if better(n) == key] for key, each in names.items()} == names


def test_the_line_of_a_distilled_student_that_is_behind():
    alone = dict(psnr=20.0, fid=30.0, odd=1.0)
    line = 'distilled is behind alone in psnr (19 against 20), fid (31 against 30).'
    assert behind('distilled', dict(psnr=19.0, fid=31.0, odd=0.0, ssim=1.0), 'alone', alone) == line
    assert behind('distilled', dict(psnr=20.0, fid=29.0), 'alone', alone) == ''


def test_scores_of_the_newest_test_then_of_the_last_validation(tmp_path):
    entries = [dict(PSNR=1.0, step=5), dict(PSNR=2.0, time=9.0, step=10), dict(loss=1.0, iter=11, step=11)]
    run = written_run(tmp_path / 'run', scalars=entries)
    assert saved(run) == (dict(PSNR=2.0), 'the validation after iteration 10')
    for stamp, value in (('20260102_000000', 3.0), ('20260103_000000', 4.0)):
        (run / 'test' / stamp).mkdir(parents=True)
        (run / 'test' / stamp / f'{stamp}.json').write_text(json.dumps(dict(PSNR=value, data_time=1.0)))
    assert saved(run) == (dict(PSNR=4.0), 'the test of 20260103_000000')
    assert saved(tmp_path / 'none') == ({}, '')


def test_settings_that_differ():
    before = dict(model=dict(width=64, deep=[1, 2]), work_dir='a', old=1)
    after = dict(model=dict(width=16, deep=[1, 3]), work_dir='b')
    before['steps'], after['steps'] = ([dict(type='A'), dict(type=kind)] for kind in 'BC')
    for each in (before, after):
        each['model']['long'] = 'y' * 150
    after['hook'] = dict(teacher=dict(model=before['model'], mode='x' * 200))
    assert differences(before, after) == [
        Change('model.width', '64', '16'),
        Change('model.deep', '[1, 2]', '[1, 3]'),
        Change('old', '1', ''),
        Change('steps[1].type', "'B'", "'C'"),
        Change('hook.teacher.model', '', 'as `model` of the other'),
        Change('hook.teacher.mode', '', repr('x' * 200)),
    ]
    after['hook'] = dict(model=dict(after['model'], width=8))
    assert differences(before, after)[-1] == Change(
        'hook.model', '', 'as `model` of the other, but width=8; deep=[1, 3]'
    )
    assert differences(before, before) == []
    assert differences(dict(a=1), dict(a=True)) == [Change('a', '1', 'True')]


def test_the_base_that_a_config_inherits(tmp_path):
    (tmp_path / 'base.py').write_text('model = dict(width=64)')
    (tmp_path / 'mine.py').write_text("_base_ = ['base.py']\nmodel = dict(width=16)")
    log = f'{LINE}INFO - Command: cd {tmp_path} && python tools/train.py mine.py'
    run = Run(written_run(tmp_path / 'run', log, config='model = dict(width=16)'), 'student')
    base = base_of(run)
    assert base.names == 'base.py'
    assert differences(base.values, run.cfg.to_dict()) == [Change('model.width', '64', '16')]
    (tmp_path / 'base.py').unlink()
    assert base_of(run) is None
    assert base_of(Run(written_run(tmp_path / 'other'), 'student')) is None


def test_runs_have_names_of_their_own(tmp_path):
    folders = [written_run(tmp_path / parent / 'run') for parent in ('a', 'b')]
    assert [run.name for run in named(folders)] == ['a/run', 'b/run']
    assert [run.name for run in named(folders[:1])] == ['student']


def test_the_newest_checkpoint_also_of_a_run_that_was_moved(tmp_path):
    run = written_run(tmp_path / 'run')
    for name in ('iter_1.pth', 'iter_2.pth'):
        torch.save({}, run / name)
    (run / 'last_checkpoint').write_text('/elsewhere/iter_1.pth')
    assert Run(run, 'student').checkpoint == run / 'iter_1.pth'
    (run / 'last_checkpoint').unlink()
    assert Run(run, 'student').checkpoint.parent == run


def test_long_curves_are_thinned_and_what_is_not_finite_is_a_gap():
    values = {step: float(step) for step in range(10 * MOST)} | {20: float('nan')}
    drawn = chart(PANELS[0], dict(loss=values), [])
    assert len(drawn['data']['x']) == MOST and drawn['note'].startswith(f'Every 10th of {10 * MOST} logged')
    assert drawn['data']['series'][0]['values'][:4] == [0, 10, None, 30]
    assert drawn['rows'][0][-1] == '1'
    log = next(panel for panel in PANELS if panel.scale == 'log')
    assert chart(log, dict(distance={1: 0.0, 2: 0.5}), [])['data']['series'][0]['values'] == [None, 0.5]


# ---- the package --------------------------------------------------------------------------------


def test_vendored_scripts_are_those_of_npm_and_come_with_their_licences():
    folder = ROOT / 'mmagic_mikd' / 'apps' / 'report' / 'vendored'
    listed = dict(re.findall(r'\| `(\S+)` \| .* \| `([0-9a-f]{64})` \|', (folder / 'README.md').read_text()))
    files = {path.name for path in folder.iterdir()} - {'README.md'}
    assert files - {*listed} == {'uPlot.LICENSE', 'img-comparison-slider.LICENSE'}
    for name, digest in listed.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert all('Permission is hereby granted' in page._text(name) for name in page.LICENCES)
