"""Options of the quickstart, and the configs that it writes."""

import json
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from mmagic_mikd.apps.quickstart import quickstart
from mmagic_mikd.apps.quickstart.plan import Plan, environment
from mmagic_mikd.utils.errors import ConfigError


@pytest.fixture
def plan(tmp_path):
    def plan(*options, out=tmp_path / 'out'):
        return Plan(quickstart.parse_args([*options, '--out', str(out), '--device', 'cpu']))

    return plan


@pytest.fixture
def own(tmp_path):
    for split in ('train', 'val'):
        (tmp_path / split).mkdir()
        for index in range(8):
            Image.new('RGB', (40, 20)).save(tmp_path / split / f'{index}.png')
    return tmp_path


def configs(plan):
    plan.write_configs()
    return {name: Config.fromfile(plan.config(name)) for name in plan.configs}


def test_students_differ_from_each_other_by_the_hook_alone(plan):
    cfg = configs(plan('--seed', '5'))
    plain, distilled = (cfg[name].to_dict() for name in ('student_plain', 'student_distilled'))
    assert distilled['default_hooks'].pop('distill')['type'] == 'DistillRunner'
    assert plain == distilled
    assert plain['randomness']['seed'] == 5


def test_the_student_is_distilled_as_the_studies_recommend(plan):
    distill = configs(plan())['student_distilled'].default_hooks.distill.to_dict()
    del distill['teacher']
    assert distill == dict(
        type='DistillRunner',
        objectives=dict(pyramid=dict(type='PyramidLaplaceLoss', loss_weight=15.0)),
    )


def test_the_student_is_the_teacher_narrowed(plan):
    cfg = configs(plan())
    teacher, student = cfg['teacher'], cfg['student_distilled']
    hook = student.default_hooks.distill
    assert hook.teacher.model == teacher.model
    assert (teacher.model.generator.base_channels, student.model.generator.base_channels) == (32, 8)
    for name in ('train_dataloader', 'optim_wrapper', 'train_cfg', 'randomness'):
        assert teacher[name] == student[name]


def test_both_students_are_scored_against_target_and_teacher(plan):
    for name, cfg in configs(plan()).items():
        kinds = [m.against for m in cfg.test_evaluator.metrics if m.type == 'PairedImageQuality']
        assert kinds == (['target'] if name == 'teacher' else ['target', 'teacher'])


def test_a_student_that_ships_is_the_same_but_for_its_statistics(plan):
    cfg = configs(plan())
    for name in ('student_plain', 'student_distilled'):
        shipped = cfg[f'{name}_shipped'].to_dict()
        assert shipped.pop('custom_hooks') == [dict(type='FrozenStatistics')]
        assert shipped == cfg[name].to_dict()


def test_options_reach_the_configs(plan, own, tmp_path):
    weights = tmp_path / "wei'ghts.th"
    weights.touch()
    options = ['--data', str(own), '--size', '128', '--iters', '77', '--direction', 'AtoB']
    cfg = configs(plan(*options, '--frechet-weights', str(weights)))['student_distilled']
    assert cfg.model.generator.num_down == 7 and cfg.train_cfg.max_iters == 77
    load, *_ = cfg.train_dataloader.dataset.pipeline
    assert (load.domain_a, load.domain_b) == ('source', 'target')
    test = cfg.test_dataloader.dataset
    assert (test.data_root, test.test_dir) == (str(own), 'val')
    assert cfg.test_evaluator.metrics[1].checkpoint == str(weights)


def test_by_default_the_right_half_is_the_input(plan):
    load = configs(plan())['teacher'].train_dataloader.dataset.pipeline[0]
    assert (load.domain_a, load.domain_b) == ('target', 'source')


def test_a_path_with_quotes_and_spaces_survives(plan, own):
    awkward = own / """it's "my" data"""
    awkward.mkdir()
    for split in ('train', 'val'):
        (own / split).rename(awkward / split)
    cfg = configs(plan('--data', str(awkward)))['teacher']
    assert cfg.train_dataloader.dataset.data_root == str(awkward)


def test_short_is_short(plan):
    short, full = plan('--short'), plan()
    seconds = [sum(step.seconds for step in p.steps()) for p in (short, full)]
    assert seconds[0] < 120 < seconds[1] < 12 * 60
    assert plan('--short', '--iters', '9').args.iters == 9


@pytest.mark.parametrize('option', ['--size=65', '--direction=up', '--iters=0', '--seed=x', '--nonsense'])
def test_bad_options_are_refused_by_name(option, capsys):
    with pytest.raises(SystemExit) as stop:
        quickstart.parse_args([option])
    assert stop.value.code == 2
    assert option.split('=')[0] in capsys.readouterr().err


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--data', 'no/such/folder'], 'no/such/folder needs a folder train'),
        (['--frechet-weights', 'no.th'], r'no\.th does not exist'),
    ],
)
def test_bad_paths_are_named(plan, options, message):
    with pytest.raises(ConfigError, match=message):
        plan(*options)


def test_an_unknown_device_is_answered_with_those_there_are(tmp_path):
    args = quickstart.parse_args(['--device', 'cuda:99', '--out', str(tmp_path)])
    with pytest.raises(ConfigError, match=r'--device cuda:99.*this machine has cpu'):
        Plan(args)


def test_a_folder_of_somebody_else_is_left_alone(plan, tmp_path):
    thesis = tmp_path / 'home' / 'results.md'
    thesis.parent.mkdir()
    thesis.write_text('my thesis')
    with pytest.raises(ConfigError, match='holds other files'):
        plan(out=thesis.parent)
    with pytest.raises(ConfigError, match='is a file'):
        plan(out=thesis)
    assert [path.name for path in thesis.parent.iterdir()] == ['results.md']


def test_planning_writes_nothing(plan, tmp_path):
    plan().steps()
    assert not (tmp_path / 'out').exists()


def test_an_edited_config_is_not_overwritten(plan):
    first = plan()
    first.write_configs()
    plan('--iters', '5').write_configs()  # other options: our own text may change
    edited = first.config('student_plain')
    edited.write_text(edited.read_text().replace('base_channels=8', 'base_channels=4'))
    with pytest.raises(ConfigError, match=r'student_plain\.py was edited'):
        plan()
    edited.unlink()
    plan()


def test_changed_pictures_of_the_user_change_the_first_step(plan, own):
    def settings():
        return json.dumps(plan('--data', str(own)).steps()[0].settings)

    before = settings()
    assert settings() == before
    Image.fromarray(np.full((20, 40, 3), 7, np.uint8)).save(own / 'val' / 'new.png')
    assert settings() != before


@pytest.mark.parametrize(
    ('device', 'outside', 'inside'),
    [('cpu', '0,1', ''), ('cuda:1', None, '1'), ('cuda:1', '4,7', '7'), ('cuda:0', '4,7', '4')],
)
def test_a_training_sees_its_device_only(monkeypatch, device, outside, inside):
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    if outside is not None:
        monkeypatch.setenv('CUDA_VISIBLE_DEVICES', outside)
    assert environment(device)['CUDA_VISIBLE_DEVICES'] == inside


def test_threads_are_few_and_the_user_decides(monkeypatch):
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    assert 1 <= int(environment('cpu')['OMP_NUM_THREADS']) <= 8
    monkeypatch.setenv('OMP_NUM_THREADS', '3')
    assert environment('cpu')['OMP_NUM_THREADS'] == '3'


def test_the_help_is_about_the_script_that_is_called(capsys):
    with pytest.raises(SystemExit):
        quickstart.parse_args(['--help'])
    text = capsys.readouterr().out
    assert 'quickstart.sh' in text and '--data' in text
    assert Path(quickstart.__file__).name == 'quickstart.py'
