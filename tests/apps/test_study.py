"""tools/study.py: its statistics, what it keeps, what it refuses, and that its pairs are pairs."""

import copy
import math
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import torch
import yaml
from families import data_folder, edsr, equal, load, save_teacher
from mmagic.registry import MODELS
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.logging import MessageHub
from mmengine.runner import Runner
from places import ROOT, TOOLS

from mmagic_mikd.apps.study import grid
from mmagic_mikd.apps.study.cell import best_checkpoint, digest, given
from mmagic_mikd.apps.study.cell import run as run_cell
from mmagic_mikd.apps.study.cells import Study
from mmagic_mikd.apps.study.checks import check
from mmagic_mikd.apps.study.drawing import write_plot
from mmagic_mikd.apps.study.grid import run_cells
from mmagic_mikd.apps.study.rows import add_rows, locked, read_rows
from mmagic_mikd.apps.study.study import main, parse_args
from mmagic_mikd.apps.study.summary import Summary, chance, current, interval, mean_sd
from mmagic_mikd.apps.study.table import comparison, difference_lines, table, write_table
from mmagic_mikd.cost.training_macs import TrainingMacs
from mmagic_mikd.utils.errors import ConfigError

PIX2PIX = ROOT / 'benchmarks/studies/pix2pix_facades.yaml'
TINY = """
model = dict(generator=dict(base_channels=8))
test_evaluator = dict(metrics=[])
default_hooks = dict()
"""
SPEC = dict(
    config='base.py',
    iterations=10,
    seeds=[0, 1],
    scores={'loss': 'lower'},
    best={'loss': 'lower'},
    students={'x4': {'model.generator.base_channels': 4}},
    objectives={'none': None, 'l1': dict(terms=dict(l1=dict(type='L1Loss', loss_weight=1.0)))},
)


@pytest.fixture
def study(tmp_path):
    """study(key=value, ...): a study of two seeds and two objectives, with these keys in place of its own."""

    def study(**changes):
        (tmp_path / 'base.py').write_text(TINY)
        path = tmp_path / 'tiny.yaml'
        path.write_text(yaml.safe_dump({**SPEC, **changes}, sort_keys=False))
        return Study(path, tmp_path / 'work', tmp_path)

    return study


@pytest.fixture
def trained(monkeypatch):
    """Cells that only write down that they were trained; the one of the title `stop_at` is interrupted."""
    trained = SimpleNamespace(titles=[], stop_at=None, teacher='a')

    def train(cell, teacher, folder, result, stop, lock):
        if cell.title == trained.stop_at:
            stop.set()  # as Ctrl-C does
            return
        trained.titles.append(cell.title)
        folder.mkdir(parents=True)
        result.write_text(
            '{"scores": {"last": {"loss": 2}, "best": {"loss": 1}}, "best_iteration": 5,'
            ' "validation": {"last": 3, "best": 2}, "columns": {"iterations": 10, "params": 1, "macs": 1,'
            f' "gmacs_total": 1, "teacher": "{trained.teacher}"}}}}'
        )

    monkeypatch.setattr(grid, '_train', train)
    return trained


OWN = dict(optim_wrapper=dict(optimizer=dict(type='Adam', lr=0.01)))  # the hook's, not the term's


def row(student, objective, seed, which='last', **values):
    return dict(student=student, objective=objective, seed=str(seed), config_hash='h', which=which, **values)


# ---- statistics ---------------------------------------------------------------------------------


def test_the_interval_of_three_values():
    # t(0.975, 2) = 4.302653 and sd = 1, so half the width is 4.302653 / sqrt(3)
    mean, low, high = interval([1.0, 2.0, 3.0])
    assert mean == 2 and mean - low == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)
    assert high - mean == pytest.approx(mean - low)
    assert math.isnan(interval([1.0])[1])


def test_differences_are_paired_by_seed_and_measured_in_gaps_to_the_teacher():
    rows = [row('teacher', 'teacher', 0, loss='2')]
    rows += [row('x4', 'none', seed, loss=str(10 * seed + 4)) for seed in range(3)]
    rows += [row('x4', 'l1', seed, loss=str(10 * seed + 3)) for seed in (2, 1, 0, 7)]  # 7 has no partner
    difference = Summary(rows, 'last').difference('x4', 'l1', 'loss', 'lower')
    # seeds differ by tens, pairs by exactly one: an unpaired interval would be wide
    assert (difference.mean, difference.low, difference.high, difference.n) == (-1, -1, -1, 3)
    assert math.isnan(difference.gap)  # from 14 ± 25 to 2: a way within its noise
    # where higher is better, this teacher leaves no gap to close
    assert math.isnan(Summary(rows, 'last').difference('x4', 'l1', 'loss', 'higher').gap)


@pytest.mark.parametrize('teacher', [-10.0, -10.8, -10.9, -30.0])
def test_the_share_of_a_gap_within_its_noise_is_not_told(teacher):
    """The student alone: 14 with an interval of half a width of 24.84, for sd 10 and three seeds."""
    rows = [row('teacher', 'teacher', 0, loss=str(teacher))]
    rows += [row('x4', 'none', seed, loss=str(10 * seed + 4)) for seed in range(3)]
    rows += [row('x4', 'l1', seed, loss=str(10 * seed + 3)) for seed in range(3)]
    found = Summary(rows, 'last').difference('x4', 'l1', 'loss', 'lower').gap
    assert math.isnan(found) if 14 - teacher < 24.84 else found == pytest.approx(1 / (14 - teacher))


@pytest.mark.parametrize(('kinds', 'mixed'), [('AAA', 0), ('ABA', 1), ('BBB', 3)])
def test_pairs_on_two_kinds_of_processor_are_counted(study, kinds, mixed):
    rows = [row('x4', 'none', seed, loss=str(seed), cpu='A', params='1', macs='1') for seed in range(3)]
    rows += [row('x4', 'l1', seed, loss='2', cpu=cpu) for seed, cpu in enumerate(kinds)]
    assert Summary(rows, 'last').difference('x4', 'l1', 'loss', 'lower').mixed == mixed
    text = table(study(), (rows, []))
    assert ('another kind of processor' in text) == (mixed > 0)
    assert f'| l1 | 3{f" ({mixed}‡)" if mixed else ""} |' in text


@pytest.mark.parametrize(
    ('teachers', 'own', 'unlike'), [('aaa', 'a', 0), ('aba', 'a', 1), ('aaa', 'b', 3), ('aaa', '', 0)]
)
def test_pairs_that_have_not_had_one_teacher_are_counted(study, teachers, own, unlike):
    """The student alone had teacher a beside it, by which it was scored; `own` is of the teacher's row."""
    rows = [row('teacher', 'teacher', 0, loss='0', teacher=own)]
    rows += [row('x4', 'none', seed, loss=str(seed), teacher='a', params='1', macs='1') for seed in range(3)]
    rows += [row('x4', 'l1', seed, loss='2', teacher=name) for seed, name in enumerate(teachers)]
    assert Summary(rows, 'last').difference('x4', 'l1', 'loss', 'lower').unlike == unlike
    text = table(study(), (rows, []))
    assert ('have not had one teacher' in text) == (unlike > 0)
    assert f'| l1 | 3{f" ({unlike}§)" if unlike else ""} |' in text
    old = [{key: value for key, value in each.items() if key != 'teacher'} for each in rows]
    assert '§' not in table(study(), (old, []))  # rows without the column: nobody knows better


def test_the_digest_tells_one_teachers_weights_from_anothers(tmp_path):
    def of(**state):
        torch.save(dict(meta={}, state_dict=state), tmp_path / 'last.pth')
        return digest(tmp_path / 'last.pth')

    weights = {'generator.a': torch.ones(2, 2), 'generator.n': torch.tensor(3)}
    first = of(**weights, **{'discriminator.a': torch.zeros(1)})
    assert len(first) == 10 and of(**weights) == first == of(**dict(reversed(weights.items())))
    assert of(**weights | {'generator.a': torch.ones(2, 2).nextafter(torch.tensor(2.0))}) != first
    assert digest(tmp_path / 'gone.pth') == ''


def test_what_is_bold_has_stood_up_in_company(study):
    """Of one table: six differences, of which five are noise."""
    scores = dict.fromkeys('abcdef', 'higher')
    noise = {name: ('0', '9', '4') for name in 'bcdef'}

    def bold(*values):
        columns = dict(noise, a=values)
        rows = [row('x4', 'none', seed, **dict.fromkeys('abcdef', '5')) for seed in range(3)]
        rows += [row('x4', 'l1', s, **{name: found[s] for name, found in columns.items()}) for s in range(3)]
        line = difference_lines(study(scores=scores, best={'a': 'higher'}), Summary(rows, 'last'), 'x4')[1]
        assert '**' not in ''.join(line[3:])
        return line[2]

    assert '**' not in bold('6', '7', '8') and '†' not in bold('6', '7', '8')  # p 0.07
    assert '**' not in bold('6', '6.5', '7')  # p 0.037: the interval excludes 0, and Holm wants 0.0083
    assert bold('6', '6.1', '6.2').startswith('**+1.1') and bold('4', '3.9', '3.8').endswith('†')


def test_rows_of_changed_settings_are_set_apart(study):
    cells = study().cells()
    rows = [row('x4', 'none', 0) | dict(config_hash=cells[0].hash), row('x4', 'l1', 0)]
    fresh, stale = current(rows, cells)
    assert [r['objective'] for r in fresh] == ['none'] and [r['objective'] for r in stale] == ['l1']


def test_the_table(study):
    rows = []
    for which in ('last', 'best'):
        common = dict(which=which, params='2e6', macs='3e6', seconds='60', cpu_seconds='50', gmacs_total='7')
        rows += [row('teacher', 'teacher', 0, loss='-94.5', **common)]
        rows += [row('x4', 'none', seed, loss=str(5 + seed), **common) for seed in (0, 1)]
        rows += [row('x4', 'l1', seed, loss=str(4 + 1.02 * seed), **common) for seed in (0, 1)]
    text = table(study(), (rows, rows[:1]))
    assert '| none | 2 | 5.500 ± 0.707 |' in text and '| teacher | 1 | -94.50 |' in text
    # differences -1 and -0.98: mean -0.99, half width 12.706 * 0.01414 / sqrt(2); of the way to -94.5: 100
    assert '| l1 | 2 | **-0.9900 [-1.1171, -0.8629]**, 1 % |' in text
    assert '1 rows of the CSV are of other settings' in text and '2 M parameters, 3 M MACs' in text


def test_differences_to_another_objective(study, monkeypatch):
    rows = [row('teacher', 'teacher', 0, loss='-94.49')]
    rows += [row('x4', 'none', seed, loss=str(5 + seed)) for seed in (0, 1)]
    rows += [row('x4', 'l1', seed, loss=str(4 + 1.02 * seed)) for seed in (0, 1)]
    monkeypatch.setattr('mmagic_mikd.apps.study.table.study_rows', lambda study: (rows, []))
    text = comparison(study(), 'l1')
    # by 1 and 0.98 worse than L1, whose mean of 4.51 is 99 from the teacher's -94.49
    assert '| minus l1 |' in text and '| none | 2 | +0.9900 [+0.8629, +1.1171]†, -1 % |' in text
    assert '| l1 |' not in text
    with pytest.raises(ConfigError, match=r'--against l3: .* has none, l1'):
        comparison(study(), 'l3')
    monkeypatch.setattr('mmagic_mikd.apps.study.table.study_rows', lambda study: (rows[:3], []))
    with pytest.raises(ConfigError, match='no rows to compare'):
        comparison(study(), 'l1')


def test_the_name_of_a_score_is_a_name_and_nothing_more(study):
    """Those of students and objectives are checked when the study is read."""
    odd = 'a|b<script>[x](y)'
    rows = [row('teacher', 'teacher', 0, **{odd: '1'})]
    rows += [
        row(
            'x4',
            'none',
            0,
            params='2e6',
            macs='3e6',
            seconds='6',
            cpu_seconds='5',
            gmacs_total='7',
            **{odd: '5'},
        )
    ]
    text = table(study(scores={odd: 'lower'}, best={odd: 'lower'}), (rows, []))
    assert '<script>' not in text and '[x](y)' not in text
    assert {line.replace(r'\|', '').count('|') for line in text.splitlines() if 'script' in line} == {0, 4}


def test_multiply_accumulates_of_a_training_step():
    first, second = torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.Conv2d(4, 5, 3, padding=1)
    with TrainingMacs() as counter:
        second(first(torch.zeros(2, 3, 8, 8))).sum().backward()
    pixels = 2 * 8 * 8 * 9
    # forward, gradient of the weights and, but for the first layer, of the input
    assert counter.macs == 2 * pixels * 3 * 4 + 3 * pixels * 4 * 5


# ---- rows and restarts --------------------------------------------------------------------------


def test_rows_of_many_writers_are_all_kept(tmp_path):
    """Whatever their folders of work, and also by another name of the file."""
    path, link = tmp_path / 'rows.csv', tmp_path / 'elsewhere' / 'link.csv'
    link.parent.mkdir()
    link.symlink_to(path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda seed: add_rows((path, link)[seed % 2], [row('x4', 'l1', seed)]), range(32)))
    assert sorted(int(r['seed']) for r in read_rows(path)) == list(range(32))
    assert link.is_symlink() and not [*tmp_path.rglob('*.part')]
    add_rows(path, [row('x4', 'l1', 3, loss=1.5)])  # the same training again, one more column
    rows = read_rows(path)
    assert len(rows) == 32 and [r['loss'] for r in rows if r['seed'] == '3'] == ['1.5']


def test_a_lock_that_another_holds(tmp_path):
    with locked(tmp_path / 'a.lock') as mine, locked(tmp_path / 'a.lock', wait=False) as also_mine:
        assert mine and not also_mine


def test_a_training_that_outlives_its_study_keeps_the_lock(tmp_path):
    with locked(tmp_path / 'a.lock') as lock:
        child = subprocess.Popen(['sleep', '60'], pass_fds=(lock.fileno(),))
    with locked(tmp_path / 'a.lock', wait=False) as again:
        assert again is None
    child.kill()
    child.wait()
    with locked(tmp_path / 'a.lock', wait=False) as again:
        assert again is not None


def test_finished_cells_survive_an_interruption(study, trained):
    study = study()
    cells = study.cells()
    trained.stop_at = cells[2].title
    run_cells(study, cells, jobs=1)
    assert trained.titles == ['teacher', cells[0].title, cells[1].title]
    before = read_rows(study.csv)
    trained.stop_at, trained.titles[:] = None, []
    run_cells(study, cells, jobs=2)
    assert set(trained.titles) == {cells[2].title, cells[3].title}
    after = read_rows(study.csv)
    assert after[: len(before)] == before and len(after) == 2 * (1 + len(cells))
    trained.titles[:] = []
    shutil.rmtree(study.work_dir)  # as on another machine: the rows are enough
    run_cells(study, cells, jobs=1)
    assert trained.titles == [] and read_rows(study.csv) == after


def test_a_teacher_that_is_trained_again_leaves_its_rows(study, trained):
    study = study()
    first, *others = study.cells()
    run_cells(study, [first], jobs=1)
    shutil.rmtree(study.work_dir)  # and with it the weights
    trained.teacher = 'b'
    run_cells(study, others, jobs=1)
    assert trained.titles.count('teacher') == 2
    teachers = {(r['student'], r['objective'], r['seed']): r['teacher'] for r in read_rows(study.csv)}
    assert teachers.pop(('x4', 'none', '0')) == 'a' and set(teachers.values()) == {'b'}
    assert '| l1 | 2 (1§) |' in write_table(study).read_text()


def test_a_run_ends_with_the_comparison(study, trained, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr('mmagic_mikd.apps.study.checks.check', lambda study, cells: None)
    monkeypatch.setattr('signal.signal', lambda *args: None)
    study()
    main(['run', str(tmp_path / 'tiny.yaml'), '--work-dir', str(tmp_path / 'work'), '--data', str(tmp_path)])
    said = capsys.readouterr().out
    made = Study(tmp_path / 'tiny.yaml', tmp_path / 'work', tmp_path)
    assert said.endswith(f'All done: {made.csv}\n\n{write_table(made).read_text()}\n')
    assert '| minus none |' in said and '| l1 | 2 |' in said


def test_a_cell_that_fails_does_not_hold_up_the_others(study, trained, monkeypatch):
    def train(cell, *args, original=grid._train):
        if cell.objective == 'none' and cell.seed == 0:
            raise grid.CellFailed('no memory')
        original(cell, *args)

    monkeypatch.setattr(grid, '_train', train)
    with pytest.raises(grid.CellFailed, match='no memory'):
        run_cells(study(), study().cells(), jobs=1)
    assert len(trained.titles) == 4


def test_only_what_changed_is_trained_again(study, trained):
    run_cells(study(), study().cells(), jobs=1)
    trained.titles[:] = []
    changed = study(objectives=dict(SPEC['objectives'], l1=dict(terms=dict(l1=dict(type='MSELoss')))))
    run_cells(changed, changed.cells(), jobs=1)
    assert [title.split(',')[1] for title in trained.titles] == [' objective l1'] * 2


def test_a_score_that_is_not_measured(study, trained):
    changed = study(scores={'loss': 'lower', 'swd/avg': 'lower'})
    with pytest.raises(grid.CellFailed, match='swd/avg is not measured'):
        run_cells(changed, [], jobs=1)


# ---- what it refuses ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(iteration=3), "unknown key 'iteration'"),
        (dict(best='fid'), 'best=fid must name one score'),
        (dict(scores={'loss': 'less'}), "scores.loss must be 'higher' or 'lower'"),
        (dict(teacher=dict(steps=3)), 'unknown key teacher.steps'),
        (dict(students={'a-b': {}}), "'a-b' cannot be the name"),
        (dict(iterations=-3), 'iterations=-3 must be a whole number of at least 1'),
        (dict(iterations=0), 'iterations=0 must be a whole number of at least 1'),
        (dict(iterations='many'), "iterations='many' must be a whole number"),
        (dict(evaluations=0), 'evaluations=0 must be a whole number of at least 1'),
        (dict(decay=2), 'decay=2 must be a number of at least 0 and at most 1'),
        (dict(decay='half'), "decay='half' must be a number"),
        (dict(seeds=[0, 1, 0]), 'seeds has 0 more than once: name each once'),
        (dict(seeds=[-1]), 'seeds=-1 must be a whole number of at least 0'),
        (dict(seeds=['one']), "seeds='one' must be a whole number"),
        (dict(seeds=3), 'seeds=3 must be a list of numbers'),
        (dict(seeds=[]), 'seeds=.. must be a list of numbers'),
        (dict(teacher=dict(iterations=-1)), 'teacher.iterations=-1 must be'),
        (dict(teacher=dict(seed='x')), "teacher.seed='x' must be"),
        (dict(teacher=dict(overrides=3)), 'teacher.overrides=3 must be changes'),
        (dict(students={'x4': 'small'}), "students.x4='small' must be changes"),
        (dict(config=3), 'config=3 must be the path of a config'),
        (dict(data=3), 'data=3 must be the path of a folder'),
        (
            dict(objectives=dict(l1=dict(type='L1Loss'))),
            'objectives.l1.type is set by the study: leave it out',
        ),
        (dict(objectives=dict(l1=dict(teacher={}))), 'objectives.l1.teacher is set by the study'),
        (dict(objectives=dict(l1=[])), r'objectives.l1=\[\] must be a dict, or the name of a recipe'),
    ],
)
def test_a_wrong_study_is_refused_in_one_sentence(study, changes, message):
    with pytest.raises(ConfigError, match=message):
        study(**changes)


def test_a_study_that_builds_on_another_changes_what_it_names(study, tmp_path):
    base = study()
    path = tmp_path / 'longer.yaml'
    changes = dict(
        base='tiny.yaml', seeds=[2], objectives=dict(l1=dict(terms=dict(l1=dict(loss_weight=2.0))))
    )
    path.write_text(yaml.safe_dump(changes))
    spec = Study(path, tmp_path, tmp_path).spec
    assert spec['objectives']['l1']['terms']['l1'] == dict(type='L1Loss', loss_weight=2.0)
    assert spec['seeds'] == [2] and {**spec, 'seeds': [0, 1], 'objectives': SPEC['objectives']} == base.spec
    for wrong, message in (
        ('longer.yaml', 'base=longer.yaml has a base itself'),
        ('no.yaml', 'no study .*no.yaml'),
    ):
        path.write_text(yaml.safe_dump(dict(changes, base=wrong)))
        with pytest.raises(ConfigError, match=message):
            Study(path, tmp_path, tmp_path)


def test_a_base_elsewhere_names_its_config_and_data_as_seen_from_there(study, tmp_path):
    study(data='sets')
    (tmp_path / 'other').mkdir()
    (tmp_path / 'other' / 'changed.yaml').write_text(yaml.safe_dump(dict(base='../tiny.yaml', seeds=[2])))
    changed = Study(tmp_path / 'other' / 'changed.yaml', tmp_path / 'work')
    assert changed.teacher.config.model.generator.base_channels == 8
    assert changed.data == tmp_path / 'sets'
    own = dict(base='../tiny.yaml', config='base.py', data='mine')
    (tmp_path / 'other' / 'changed.yaml').write_text(yaml.safe_dump(own))
    (tmp_path / 'other' / 'base.py').write_text(TINY.replace('8', '16'))
    changed = Study(tmp_path / 'other' / 'changed.yaml', tmp_path / 'work')
    assert changed.teacher.config.model.generator.base_channels == 16
    assert changed.data == tmp_path / 'other' / 'mine'


def test_the_folder_of_data_is_the_command_lines_or_else_the_studys(study, tmp_path, monkeypatch):
    monkeypatch.setenv('MIKD_DATA', '')  # which a study sets
    study(data='sets')
    assert Study(tmp_path / 'tiny.yaml', tmp_path).data == tmp_path / 'sets'
    assert Study(tmp_path / 'tiny.yaml', tmp_path, tmp_path / 'given').data == tmp_path / 'given'


SEVERAL = dict(
    students={name: {'model.generator.base_channels': 4} for name in ('x4', 'x16', 'x64')},
    objectives=dict(SPEC['objectives'], l2=dict(terms=dict(l2=dict(type='MSELoss')))),
)


@pytest.mark.parametrize(
    ('only', 'cells'),
    [
        ({}, 'x64 none 0, x64 l1 0'),
        (dict(student={'x16'}), 'x16 none 0, x16 l1 0'),
        (dict(objective={'l2'}), 'x64 l2 0'),
        (dict(student={'x4', 'x16'}, objective={'l2'}, seed={'1'}), 'x4 l2 1, x16 l2 1'),
    ],
)
def test_a_quick_study_has_what_is_wanted(study, tmp_path, only, cells):
    study(**SEVERAL)
    quick = Study(tmp_path / 'tiny.yaml', tmp_path / 'work', tmp_path, True, only)
    found = [f'{cell.student} {cell.objective} {cell.seed}' for cell in quick.cells(only)]
    assert ', '.join(found) == cells
    with pytest.raises(ConfigError, match=r'--only student=x5: .* has x4, x16, x64'):
        Study(tmp_path / 'tiny.yaml', tmp_path / 'work', tmp_path, True, dict(student={'x5'}))


def test_an_objective_may_be_the_name_of_a_recipe(study):
    changed = study(objectives=dict(none=None, pyramid='pyramid', own=dict(recipe='pyramid', start='sliced')))
    _, named, own = (cell.config.default_hooks.get('distill') for cell in changed.cells()[:3])
    assert named.recipe == own.recipe == 'pyramid' and own.start == 'sliced'


def test_a_rate_that_never_falls(study):
    assert study(decay=0).teacher.config.param_scheduler is None
    assert study(decay=1).teacher.config.param_scheduler[0].begin == 0


def test_modules_of_the_users_own_are_imported_before_they_are_checked(study, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / 'own_loss_of_a_study.py').write_text(
        'import torch\nfrom mmengine.registry import MODELS\n'
        "MODELS.register_module(name='OwnLossOfAStudy', module=torch.nn.L1Loss)\n"
    )
    net = dict(type='EDSRNet', in_channels=3, out_channels=3, mid_channels=4, num_blocks=1, upscale_factor=2)
    model = dict(type='BaseEditModel', generator=net, pixel_loss=dict(type='L1Loss'))
    objectives = dict(own=dict(objectives=dict(own=dict(type='OwnLossOfAStudy'))))
    small = {'x2': {'model.generator.mid_channels': 2}}

    def checked(imports):
        study(objectives=objectives, students=small, overrides=dict(custom_imports=imports))
        (tmp_path / 'base.py').write_text(f'{TINY}\nmodel = {model!r}')
        changed = Study(tmp_path / 'tiny.yaml', tmp_path / 'work', tmp_path)
        check(changed, changed.cells())

    with pytest.raises(ConfigError, match=r'custom_imports=.* cannot be imported .* PYTHONPATH'):
        checked(dict(imports=['no_such_module_of_a_study']))
    checked(dict(imports=['own_loss_of_a_study']))
    checked(None)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', "has no column 'student'"),
        ('a,b\n1,2\n', "has no column 'student'"),
        ('student,objective,seed,config_hash,which\nx4,none\n', "has no column 'seed'"),
    ],
)
def test_a_csv_that_is_none_of_ours(study, text, message):
    study = study()
    study.csv.write_text(text)
    with pytest.raises(ConfigError, match=f'tiny.csv {message}.*: correct it there'):
        write_table(study)


def test_a_score_that_is_no_number():
    rows = [row('x4', 'none', 0, loss='low')]
    with pytest.raises(ConfigError, match="loss='low' of x4, none, 0 in the study's CSV is no number"):
        Summary(rows, 'last').values('x4', 'none', 'loss')


def test_a_dollar_sign_is_no_formula(study, trained, tmp_path):
    """Neither in the name of the study nor in that of a score."""
    scores = {'loss': 'lower', r'$\bad$': 'lower'}
    study(scores=scores)
    path = (tmp_path / 'tiny.yaml').rename(tmp_path / r'$\frac$.yaml')
    named = Study(path, tmp_path / 'work', tmp_path)
    common = dict(params=1, macs=1, loss=2, **{r'$\bad$': 2})
    places = [(cell, which) for cell in named.cells() for which in ('last', 'best')]
    rows = [grid.identity(cell) | dict(which=which, **common) for cell, which in places]
    add_rows(named.csv, rows)
    assert write_plot(named).stat().st_size > 10_000


def test_each_of_many_objectives_has_a_colour(study, trained, tmp_path):
    many = study(objectives={f'l{number}': 'pyramid' for number in range(32)}, scores={'loss': 'lower'})
    rows = [
        grid.identity(cell) | dict(which=which, params=1, macs=1, loss=2)
        for cell in many.cells()
        for which in ('last', 'best')
    ]
    add_rows(many.csv, rows)
    assert write_plot(many).stat().st_size > 10_000


def test_a_key_that_leads_nowhere(study):
    changed = study(students={'x4': {'model.generatr.base_channels': 4}})
    with pytest.raises(ConfigError, match=r"students.x4: model.generatr.base_channels .* no 'generatr'"):
        changed.cells()


def test_a_wrong_student_or_objective_is_found_before_any_training(tmp_path):
    spec = yaml.safe_load(PIX2PIX.read_text())
    spec['config'] = str(PIX2PIX.parent / spec['config'])
    spec['overrides'] = {'model.generator.base_channels': 2, 'model.discriminator.base_channels': 2}
    spec['teacher'] = {}

    def checked(**changes):
        path = tmp_path / 'wrong.yaml'
        path.write_text(yaml.safe_dump({**spec, **changes}))
        study = Study(path, tmp_path, tmp_path)
        check(study, study.cells())

    for changes, message in (
        (dict(students={'x4': {'model.generator.chanels': 4}}), 'students.x4 cannot be built .*chanels'),
        (dict(objectives={'l1': {'term': {}}}), 'objectives.l1.term is no setting'),
        (dict(objectives={'l1': {'terms': {'l1': {'type': 'L3Loss'}}}}), 'objectives.l1.terms.l1 cannot'),
        (
            dict(objectives={'vid': {'terms': {'v': {'type': 'VIDLoss', **OWN, 'sigma': 1}}}}),
            'terms.v .*sigma',
        ),
    ):
        with pytest.raises(ConfigError, match=message):
            checked(**changes, **({} if 'students' in changes else {'students': {'x4': {}}}))


def test_a_teacher_that_is_given_has_to_be_there(study):
    changed = study(teacher=dict(checkpoint='weights.pth'))
    with pytest.raises(ConfigError, match=r'teacher.checkpoint: there is no file .*weights.pth'):
        check(changed, changed.cells())


def test_weights_that_a_student_starts_from_are_in_the_data_folder(study, tmp_path):
    students = dict(x4={'model.generator.base_channels': 4, 'load_from': 'small.pth'}, plain=None)
    changed = study(students=students, teacher=dict(checkpoint='weights.pth'))
    assert changed.cell('x4', 'none', 0).config.load_from == str(tmp_path / 'small.pth')
    assert changed.cell('plain', 'none', 0).config.load_from is None  # not the teacher's
    (tmp_path / 'weights.pth').touch()
    with pytest.raises(ConfigError, match=r'students.x4: load_from: there is no file .*small.pth'):
        check(changed, changed.cells())


def test_what_a_start_takes_channels_of_is_in_the_data_folder(study, tmp_path):
    source = dict(model=dict(type='Pix2Pix'), checkpoint='small.pth')
    cut = dict(start=dict(type='pruned', source=source))
    changed = study(objectives=dict(cut=cut), teacher=dict(checkpoint='weights.pth'))
    found = changed.cell('x4', 'cut', 0).config.default_hooks.distill.start.source
    assert found.checkpoint == str(tmp_path / 'small.pth')
    assert changed.spec['objectives']['cut']['start']['source']['checkpoint'] == 'small.pth'
    (tmp_path / 'weights.pth').touch()
    with pytest.raises(ConfigError, match=r'cut.start.source.checkpoint: there is no file .*small.pth'):
        check(changed, changed.cells())


def test_bare_weights_of_a_student_are_where_it_starts(tmp_path, monkeypatch):
    """They were ignored without a word: the toolbox looks for `generator.conv_first.weight`."""
    cfg = edsr(tmp_path)
    made = MODELS.build(copy.deepcopy(cfg.model.generator)).state_dict()
    weights = {name: value + 1 for name, value in made.items()}
    torch.save(dict(params=weights), tmp_path / 'bare.pth')
    cfg.load_from = str(tmp_path / 'bare.pth')
    cfg.dump(tmp_path / 'cell.py')

    def train(runner):
        runner.load_or_resume()
        raise Loaded(runner.model.generator.state_dict())

    monkeypatch.setattr(Runner, 'train', train)
    with pytest.raises(Loaded) as found:
        run_cell(str(tmp_path / 'cell.py'))
    assert equal(found.value.args[0], weights)


class Loaded(Exception):
    """Ends a training before its first iteration."""


# ---- real trainings -----------------------------------------------------------------------------


@pytest.mark.slow
def test_a_quick_study_from_training_to_plot(run, few, tmp_path, monkeypatch):
    options = ['--quick', '--data', few, '--work-dir', tmp_path]
    done = run(sys.executable, TOOLS / 'study.py', 'run', PIX2PIX, *options, '--only', 'objective=l1')
    assert done.returncode == 0, done.stderr
    study = Study(PIX2PIX, tmp_path, few, quick=True)
    rows = read_rows(study.csv)
    places = [('teacher', 'teacher'), ('x64', 'l1')]
    assert [(r['student'], r['objective'], r['which']) for r in rows] == [
        (*place, which) for place in places for which in ('last', 'best')
    ]
    assert '| l1 | 1 |' in done.stdout  # the comparison
    assert {len(r['teacher']) for r in rows} == {10} and len({r['teacher'] for r in rows}) == 1
    for r in rows:
        scores = [r[name] for name in study.scores if r['student'] != 'teacher' or 'teacher/' not in name]
        assert all(math.isfinite(float(score)) for score in scores)
    monkeypatch.setattr(grid, '_train', None)  # whatever trained again would call it
    run_cells(study, study.cells({'objective': {'l1'}}), jobs=1)
    assert '| l1 | 1 |' in write_table(study).read_text()
    assert write_plot(study).stat().st_size > 10_000


@pytest.mark.slow
@pytest.mark.parametrize(('factor', 'known'), [(2, 36.01), (4, 30.46)])
def test_a_teacher_that_is_given_is_evaluated_and_not_trained(factor, known, tmp_path, monkeypatch):
    """PSNR of these weights on luma of Set5, as their README has it."""
    monkeypatch.syspath_prepend(ROOT / 'benchmarks/studies/configs')
    path = ROOT / f'benchmarks/studies/srgan_bsds200_x{factor}.yaml'
    study = Study(path, tmp_path, data_folder('weights_srgan').parent)
    cells, config = study.cells(), study.teacher.config
    check(study, cells)
    assert all(c.config.load_from is None for c in cells)
    config.work_dir, config.log_level = str(tmp_path / 'run'), 'ERROR'
    config.test_dataloader, config.test_evaluator = config.test_dataloader[:1], config.test_evaluator[:1]
    config.dump(tmp_path / 'config.py')
    found = given(config, str(tmp_path / 'config.py'))
    assert found['scores']['last']['Set5/Y/PSNR'] == pytest.approx(known, abs=0.02)
    assert found['columns']['iterations'] == found['columns']['seconds'] == 0
    weights = load(tmp_path / 'last.pth')['state_dict']
    file = load(data_folder('weights_srgan') / f'netG_epoch_{factor}_100.pth')
    assert equal(file, {key: weights[f'generator.{key}'] for key in file})


class Recorder(Hook):
    """Keeps the weights that a run starts from, and its images."""

    priority = 'HIGHEST'

    def before_train(self, runner):
        self.start = {key: value.clone() for key, value in runner.model.state_dict().items()}
        self.images = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.images += data_batch['inputs']['img_photo']


def test_objectives_of_a_seed_start_alike_and_see_the_same_images(tmp_path):
    study = Study(PIX2PIX, tmp_path, data_folder('facades').parent, quick=True)
    study.spec['students'] = {'x': {'model.generator.base_channels': 2}}
    study.spec['objectives']['mi'] = yaml.safe_load(PIX2PIX.read_text())['objectives']['l1_mi_reference']
    runs = []
    for cell in study.cells():
        cell.config.work_dir, cell.config.log_level = str(tmp_path / cell.folder), 'ERROR'
        cell.config.val_dataloader = cell.config.val_cfg = cell.config.val_evaluator = None
        cell.config.default_hooks.checkpoint = None
        if 'distill' in cell.config.default_hooks:
            model = cell.config.default_hooks.distill.teacher.model
            model.generator.base_channels = 2
            cell.config.default_hooks.distill.teacher = dict(
                model=model, checkpoint=save_teacher(model, tmp_path)
            )
        runner, recorder = Runner.from_cfg(cell.config), Recorder()
        runner.register_hook(recorder)
        runner.train()
        runs.append((recorder, runner.model.state_dict()))
    none, *others = runs
    assert len(runs) == 3 and len(none[0].images) == 8
    for other in others:
        assert equal(other[0].start, none[0].start)
        assert all(map(torch.equal, other[0].images, none[0].images))
        assert not equal(other[1], none[1])  # they do differ in what they learn


def test_holm_keeps_what_is_significant_in_company():
    from mmagic_mikd.apps.study.summary import chance, holm

    # 0.01 <= 0.05 / 4, 0.013 <= 0.05 / 3, 0.03 > 0.05 / 2
    assert holm([0.03, 0.01, 0.8, 0.013, float('nan')]) == 0.013
    assert holm([0.03, 0.8]) < 0.0 == holm([0.0, 0.4])
    # a mean of one deviation, four values: t = 2
    assert chance([0.0, 2.0, 0.0, 2.0]) == pytest.approx(0.18, abs=0.01)
    assert chance([1.0, 1.0]) == 0.0 and chance([1.0]) != chance([1.0])
    # a score that no objective changes is a test like the others: 0.04 > 0.05 / 2
    assert chance([0.0, 0.0]) == 1.0 and holm([0.04, 1.0]) < 0


def test_a_difference_without_chance_is_significant():
    rows = [row('x4', name, seed, loss=loss) for name, loss in (('l1', 2.0), ('l2', 1.0)) for seed in (0, 1)]
    study = SimpleNamespace(spec=dict(objectives=dict(l1={}, l2={})), scores=dict(loss='lower'))
    (_, line) = difference_lines(study, Summary(rows, 'last'), 'x4', against='l1')
    assert line[2].startswith('**-1.0') and line[2].endswith('**')


def test_infinite_scores_have_a_mean_and_no_deviation():
    """PSNR of a student that equals its teacher."""
    assert str(mean_sd([math.inf, 1.0, 2.0])) == str((math.inf, math.nan, 3))
    assert str(mean_sd([math.inf, -math.inf])) == str((math.nan, math.nan, 2))
    assert str(interval([math.inf, math.inf])[1:]) == '(nan, nan)' and math.isnan(chance([math.inf, 0.0]))


def test_a_training_without_a_score_that_is_a_number_says_so():
    """The toolbox takes no such score for the best one."""
    hub = MessageHub('diverged')
    cfg = Config(dict(default_hooks=dict(checkpoint=dict(save_best='target/psnr'))))
    runner = SimpleNamespace(message_hub=hub, cfg=cfg)
    with pytest.raises(ConfigError, match=r'no evaluation gave a number for target/psnr.* has diverged'):
        best_checkpoint(runner)
    hub.update_info('best_ckpt', 'best_iter_2.pth')
    assert best_checkpoint(runner) == 'best_iter_2.pth'


@pytest.mark.parametrize('jobs', ['0', '-1'])
def test_no_jobs_at_a_time_are_refused_before_the_teacher_is_trained(jobs, capsys):
    with pytest.raises(SystemExit) as ended:
        parse_args(['run', 'study.yaml', '--jobs', jobs])
    assert ended.value.code == 2 and f'--jobs must be at least 1, not {jobs}' in capsys.readouterr().err
