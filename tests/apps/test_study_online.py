"""Cells of a study that train their teachers themselves: what they are, what they cost, what is refused."""

import math
import sys

import pytest
import torch
import yaml
from mmengine.runner import Runner
from places import ROOT, TOOLS

from mmagic_mikd.apps.study import cell
from mmagic_mikd.apps.study.cell import Cost
from mmagic_mikd.apps.study.cells import Study
from mmagic_mikd.apps.study.checks import check
from mmagic_mikd.apps.study.rows import read_rows
from mmagic_mikd.cost.complexity import complexity
from mmagic_mikd.cost.training_macs import TrainingMacs
from mmagic_mikd.utils.errors import ConfigError

OMGD = ROOT / 'benchmarks/studies/pix2pix_facades_omgd.yaml'


@pytest.fixture
def changed(tmp_path, few):
    """changed(key=value): the study of OMGD with these keys in place of its own, read anew."""

    def changed(**changes):
        path = tmp_path / 'changed.yaml'
        path.write_text(yaml.safe_dump(dict(base=str(BASE), **{'students': X16, 'seeds': [0], **changes})))
        return Study(path, tmp_path / 'work', few)

    return changed


BASE = ROOT / 'benchmarks/studies/pix2pix_facades.yaml'
X16 = {'x16': {'model.generator.base_channels': 4}}


def own(**changes):
    """The entry of the study for OMGD alone, as its file has it."""
    return {**yaml.safe_load(OMGD.read_text())['objectives']['omgd'], **changes}


def cells(study, *objectives):
    return [study.cell('x16', name, 0) for name in objectives]


def test_on_cyclegan_the_networks_are_those_of_the_other_rows_and_take_as_many_steps(tmp_path, few):
    study = Study(OMGD.with_stem('cyclegan_summer2winter_omgd'), tmp_path, few)
    teacher, plain, omgd = (cell.config for cell in (study.teacher, *cells(study, 'pyramid', 'omgd')))
    assert omgd.model.generator == plain.model.generator
    for name in ('generator', 'discriminator', 'loss_config'):
        assert omgd.model.teachers[name] == teacher.model[name]
    rounds = omgd.train_cfg.max_iters // sum(omgd.model.phases)
    steps = [rounds * phase for phase in omgd.model.phases]
    assert steps == [config.train_cfg.max_iters for config in (teacher, plain)]
    assert omgd.test_evaluator == plain.test_evaluator


def test_a_cell_trains_its_own_teachers_and_is_scored_against_the_studys(tmp_path, few):
    study = Study(OMGD, tmp_path, few)
    plain, omgd = (cell.config for cell in cells(study, 'pyramid', 'omgd'))
    assert omgd.model.type == 'OnlineTeachers' and omgd.model.discriminator is None
    assert omgd.model.generator == plain.model.generator
    assert set(omgd.optim_wrapper) - {'constructor'} == {
        'generators',
        'teacher_generators',
        'teacher_discriminators',
    }
    assert all('online' in one for one in omgd.default_hooks.distill.teacher.values())
    fixed = plain.default_hooks.distill.teacher
    assert fixed.checkpoint == str(study.teacher_checkpoint)
    for config in (plain, omgd):
        assert config.test_evaluator.metrics[-1].teacher == fixed
        assert config.train_cfg.max_iters == 1200
    widths = {name: g.base_channels for name, g in omgd.model.teachers.generators.items()}
    assert widths == dict(wide=48, deep=12)
    assert study.cell('x16', 'omgd', 1).config.optim_wrapper == omgd.optim_wrapper  # as for the first


def test_objectives_may_have_a_length_of_their_own(changed, tmp_path, few):
    study = changed(objectives=dict(longer=dict(iterations=50), pyramid=dict(iterations=40)))
    longer = study.cell('x16', 'longer', 0).config
    assert longer.train_cfg.max_iters == 50 and longer.param_scheduler[0].end == 50
    assert 'distill' not in longer.default_hooks
    assert study.cell('x16', 'pyramid', 0).config.train_cfg.max_iters == 40
    assert study.cell('x16', 'none', 0).config.train_cfg.max_iters == 1200
    quick = Study(study.path, tmp_path, few, True, dict(student={'x16'}, objective={'longer'}))
    assert quick.cell('x16', 'longer', 0).config.train_cfg.max_iters == 2


@pytest.mark.parametrize(
    ('entry', 'message'),
    [
        (
            dict(teacher=dict(checkpoint='a.pth')),
            'objectives.omgd.teacher is set by the study: leave it out, or',
        ),
        (dict(teacher=dict(wide=dict(online='wide'), deep=dict(type='Net'))), 'teacher is set by the study'),
        (dict(teacher='wid'), 'teacher is set by the study'),
        (dict(overrides='small'), "objectives.omgd.overrides='small' must be changes by dotted key"),
        (dict(iterations=0), 'objectives.omgd.iterations=0 must be a whole number of at least 1'),
        (dict(iterations='many'), "objectives.omgd.iterations='many' must be a whole number"),
    ],
)
def test_a_wrong_entry_is_refused_when_the_study_is_read(changed, entry, message):
    with pytest.raises(ConfigError, match=message):
        changed(objectives=dict(omgd=own(**entry)))


@pytest.mark.parametrize(
    ('entry', 'message'),
    [
        (
            dict(teacher=dict(wide=dict(online='teacher_generators.wid'))),
            r"omgd.teacher.wide.online='teacher_generators.wid' is no .* 'teacher_generators.wide'",
        ),
        (dict(overrides={}), r'objectives.omgd.teacher.(wide|deep).online=.* is no other network'),
        (
            dict(overrides={'model.type': 'OnlineTechers'}),
            r'objectives.omgd.overrides cannot be built .*OnlineTechers',
        ),
    ],
)
def test_a_wrong_network_is_found_before_any_training(changed, entry, message):
    study = changed(objectives=dict(omgd=own(**entry)))
    with pytest.raises(ConfigError, match=message):
        check(study, study.cells({'objective': {'omgd'}}))


def test_the_cost_of_a_training_has_that_of_its_teachers(changed, tmp_path):
    """All that runs in an iteration, network by network.

    Forward and backward: once forward, once back to the weights and, but for the first layer, to the input.
    """
    study = changed(objectives=dict(omgd=own(objectives=dict(l1=dict(type='L1Loss')))))
    config = study.cell('x16', 'omgd', 0).config
    runner, cost = _trained(config, 2, tmp_path)
    model, batch = runner.model, config.train_dataloader.batch_size

    def forward(network, channels=3, **kwargs):
        with TrainingMacs() as counter, torch.no_grad():
            network(torch.zeros(batch, channels, 64, 64), **kwargs)
        return counter.macs

    student, teachers = forward(model.generators['photo']), dict(model.teacher_generators.items())
    assert forward(teachers['wide']) == batch * complexity(teachers['wide'], _image()).macs
    makers = {name: forward(network) for name, network in teachers.items()}
    judge = forward(model.teacher_discriminators['photo'], 6, head='wide')
    first = _first_layers(model, batch)
    # the student learns; the hook asks both teachers; both learn: forward, weights, inputs
    networks = (
        3 * student - first['student'] + sum(makers.values()) + 3 * sum(makers.values()) - first['makers']
    )
    # for each teacher the discriminator learns from a fake and a real one; then leads a gradient to an image
    judges = 2 * (2 * (3 * judge - first['judge']) + 2 * judge)
    assert cost.macs == pytest.approx(2 * (networks + judges), rel=1e-9)


def test_the_cost_of_a_training_counts_each_kind_of_iteration(changed, tmp_path, monkeypatch):
    """Teachers that learn in every other one, and an objective that ends at half: four kinds, one each."""
    overrides = own()['overrides'] | {'model.every': 2}
    for network in overrides['model.teachers']['generators'].values():
        network['base_channels'] = 2
    pull = dict(l1=dict(type='L1Loss', until=0.5))
    study = changed(objectives=dict(omgd=own(overrides=overrides, objectives=pull)))
    costs = []
    for counted in (1, 16):
        monkeypatch.setattr(cell, 'COUNTED', counted)
        costs.append(_trained(study.cell('x16', 'omgd', 0).config, 8, tmp_path / str(counted))[1])
    one, all_of_them = (cost.macs for cost in costs)
    assert one == all_of_them


def _trained(config, iterations, work_dir):
    """The runner of a training without evaluation, and what it has cost."""
    config.merge_from_dict(
        dict(train_cfg=dict(max_iters=iterations), work_dir=str(work_dir), log_level='ERROR')
    )
    config.val_dataloader = config.val_cfg = config.val_evaluator = None
    config.default_hooks.checkpoint = None
    runner, cost = Runner.from_cfg(config), Cost()
    runner.register_hook(cost)
    runner.train()
    return runner, cost


def _image():
    return torch.zeros(1, 3, 64, 64)


def _first_layers(model, batch):
    """Of the convolutions that see an image, whose gradient to that nobody wants: 4 x 4 with stride 2."""

    def macs(network):
        conv = next(m for m in network.modules() if hasattr(m, 'out_channels') and hasattr(m, 'kernel_size'))
        return batch * 32 * 32 * 16 * conv.in_channels * conv.out_channels

    generators = model.teacher_generators
    return dict(
        student=macs(model.generators['photo']),
        makers=sum(macs(network) for network in generators.values()),
        judge=macs(model.teacher_discriminators['photo']),
    )


@pytest.mark.whole
def test_a_row_of_omgd_is_written(run, few, tmp_path):
    options = ['--quick', '--data', few, '--work-dir', tmp_path]
    names = 'omgd,omgd_pyramid_features'
    done = run(
        sys.executable,
        TOOLS / 'study.py',
        'run',
        OMGD,
        *options,
        '--only',
        'student=x16',
        f'objective={names}',
    )
    assert done.returncode == 0, done.stderr
    study = Study(OMGD, tmp_path, few, quick=True)
    rows = [row for row in read_rows(study.csv) if row['student'] != 'teacher']
    assert {row['objective'] for row in rows} == set(names.split(','))
    for row in rows:
        assert all(math.isfinite(float(row[name])) for name in study.scores)
        assert float(row['gmacs_total']) > 2 * 4 * 5 * 0.2  # two iterations of four images, two teachers
