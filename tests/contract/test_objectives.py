"""What every objective promises in every family, written once; a new loss is a new row of `objective_rows`.

Each row is trained from the config alone: in each first-class family where how it reaches the student is its
own, else in one of two. The contract: it trains and is logged; it reaches the student only; it resumes bit
for bit; one iteration in which it is not finite is one of the plain toolbox; at weight 0 the run is that of
the plain toolbox to the last bit. Two of three kinds of fault are those of two families.
"""

from functools import cache
from types import SimpleNamespace

import pytest
import torch
from families import equal, load, scalars, train, without_distillation
from interruption import difference, elsewhere
from objective_rows import (
    FAMILIES,
    LEARNING,
    ONLY,
    ROWS,
    THROUGHOUT,
    PlainWitness,
    Witness,
    base_config,
    discriminators,
    distilled,
    finite,
    objective,
    same,
    witnessed,
)

from mmagic_mikd import objectives

TWO = ('pix2pix', 'edsr')
# of rows that are not told apart by how they reach the student, every other one in the same family
COMMON = [row for row in ROWS if row not in ONLY and row not in THROUGHOUT]
CELLS = [(family, row) for family in FAMILIES for row in ROWS if row in THROUGHOUT]
CELLS += [(TWO[number % 2], row) for number, row in enumerate(COMMON)]
CELLS += [(family, row) for row, families in ONLY.items() for family in families]
GRID = pytest.mark.parametrize(('family', 'row'), CELLS)
SMALL_GRID = [(family, row) for family, row in CELLS if family in (*TWO, *sum(ONLY.values(), ()))]


def test_every_loss_has_a_row():
    losses = set(objectives.__all__)
    assert losses <= {cfg['type'] for cfg in ROWS.values()}
    assert not losses & {'L1Loss', 'MSELoss'} and all(hasattr(objectives, name) for name in losses)


pytestmark = pytest.mark.usefixtures('one_thread')  # sums of threads that share a core come in another order


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    """Configs with their teachers, plain runs and distilled ones, each made once."""
    folder = tmp_path_factory.mktemp('objectives')

    @cache
    def base(family):
        return base_config(family, folder / family)

    @cache
    def plain(family):
        """The weights after each iteration of the plain toolbox."""
        cfg = without_distillation(base(family))
        cfg.work_dir = str(folder / family / 'plain')
        return witnessed(cfg, PlainWitness())[1].models

    @cache
    def run(family, row):
        cfg = distilled(base(family), folder / family / row, {row: objective(row, family)})
        runner, witness = witnessed(cfg, Witness())
        return SimpleNamespace(cfg=cfg, log=scalars(runner), witness=witness)

    return SimpleNamespace(base=base, plain=plain, run=run)


@GRID
def test_it_trains_and_is_logged(world, family, row):
    run = world.run(family, row)
    log, witness = run.log, run.witness
    assert log[f'loss_distill_{row}'].size == 4 and abs(log[f'loss_distill_{row}']).min() > 0
    assert all(torch.tensor(values).isfinite().all() for name, values in log.items() if row in name)
    for suffix in witness.suffixes:
        assert log[f'{row}_grad_ratio{suffix}'].size == 4
        assert log[f'distance{suffix}'].size == 4
        towards = log.get(f'{row}_towards{suffix}')
        # of features of different widths there is no way from one to the other
        assert (towards is None) == ('layer' in ROWS[row])
        assert towards is None or abs(towards).max() <= 1.001
    assert (f'{row}_learner_norm' in log) == (row in LEARNING)
    moved = [
        {key: not torch.equal(m[key], p[key]) for key in m}
        for m, p in zip(witness.models, world.plain(family), strict=True)
    ]
    assert any(moved[0].values()) and any(moved[3].values())
    learned = [step[row] for step in witness.learned]
    assert all(map(finite, learned))
    assert equal(learned[0], learned[3]) == (row not in LEARNING)


@GRID
def test_it_reaches_the_student_only(world, family, row):
    witness = world.run(family, row).witness
    assert witness.strays == []
    assert len(witness.teachers) == 5 and witness.teachers[0]
    assert all(same(witness.teachers[0], teachers) for teachers in witness.teachers[1:])
    # the discriminator's first step sees the same images, whichever of the two the model updates first
    first, expected = (discriminators(models[0]) for models in (witness.models, world.plain(family)))
    assert equal(first, expected) and (family == 'edsr') == (first == {})


@GRID
def test_it_resumes_bit_for_bit(world, family, row, tmp_path):
    """Model, optimisers, what was learned, the guard, the logs."""
    cfg = world.run(family, row).cfg
    again = elsewhere(cfg, 'iter_2.pth', tmp_path / 'again')
    train(again)
    whole, resumed = (load(f'{folder}/iter_4.pth') for folder in (cfg.work_dir, again.work_dir))
    assert difference(whole, resumed) is None
    assert set(whole['mikd']['objectives']) == ({row} if row in LEARNING else set())


@pytest.mark.parametrize(('family', 'row'), [*CELLS, ('nafnet', 'mi'), ('nafnet', 'pyramid')])
def test_weight_zero_is_bit_identical_to_the_plain_toolbox(world, family, row, tmp_path):
    """Dropout, shuffling, flips, the image pool, latents, noise, averages: no draw is stolen."""
    cfg = distilled(world.base(family), tmp_path, {row: objective(row, family) | dict(loss_weight=0.0)})
    runner, witness = witnessed(unsaved(cfg), Witness())
    assert len(witness.models) == 3 and all(map(equal, witness.models, world.plain(family)))
    assert f'loss_distill_{row}' not in scalars(runner)
    assert (f'{row}_learner_norm' in scalars(runner)) == (row in LEARNING)
    assert equal(witness.learned[0][row], witness.learned[2][row]) == (row not in LEARNING)


def unsaved(cfg, iters=3):
    """Of so many iterations, and without the checkpoints, which nobody reads."""
    cfg.train_cfg.max_iters = iters
    cfg.default_hooks.checkpoint = None
    return cfg


def poisoned(world, family, names, folder, kind, faulty, at=(0,), iters=3, **settings):
    chosen = {name: objective(name, family) for name in names}
    cfg = distilled(world.base(family), folder, chosen, **settings)
    unsaved(cfg, iters)
    cfg.custom_hooks = [*cfg.custom_hooks, dict(type='Poison', name=faulty, kind=kind, at=list(at))]
    return witnessed(cfg, Witness())


def survives(world, family, row, runner, witness):
    """The first iteration is one of the plain toolbox, and the objective goes on."""
    plain = world.plain(family)
    # one bias: where gradients join, the critic's memory layout stays, and sums another order
    if family == 'stylegan2' and row in ('mi', 'nce', 'residual'):
        torch.testing.assert_close(witness.models[0], plain[0], rtol=0, atol=1e-9)
    else:
        assert equal(witness.models[0], plain[0])
    assert not equal(witness.models[2], plain[2])  # it goes on
    assert all(map(finite, witness.models)) and all(finite(step[row]) for step in witness.learned)
    assert equal(witness.learned[1][row], witness.learned[2][row]) == (row not in LEARNING)
    assert scalars(runner)['guard_trips'][-1] == 1


@GRID
def test_a_gradient_that_is_not_finite_is_kept_from_the_student(world, family, row, tmp_path):
    runner, witness = poisoned(world, family, [row], tmp_path, 'gradient', row)
    survives(world, family, row, runner, witness)


@pytest.mark.parametrize(('family', 'row'), [cell for cell in SMALL_GRID if cell[1] in LEARNING])
def test_nothing_is_learned_from_a_loss_that_is_not_finite(world, family, row, tmp_path):
    runner, witness = poisoned(world, family, [row], tmp_path, 'learning', row)
    survives(world, family, row, runner, witness)
    log = scalars(runner)
    assert log[f'loss_distill_{row}'].size == 2


@pytest.mark.parametrize(('family', 'row'), SMALL_GRID)
def test_a_value_that_is_not_finite_is_kept_from_the_student(world, family, row, tmp_path):
    survives(world, family, row, *poisoned(world, family, [row], tmp_path, 'value', row))


@pytest.mark.parametrize('family', ['pix2pix', 'edsr'])
def test_an_infinite_pixel_leaves_what_was_learned_finite(world, family, tmp_path):
    """A learning term once stepped before any verdict: `log_scale` was NaN for the rest of the run."""
    runner, witness = poisoned(world, family, ['pyramid', 'mi'], tmp_path, 'image', '', at=[1])
    for name in ('pyramid', 'mi'):
        assert all(finite(step[name]) for step in witness.learned)
        assert not equal(witness.learned[1][name], witness.learned[2][name])  # both go on learning
        assert scalars(runner)[f'loss_distill_{name}'].size == 2
    assert all(map(finite, witness.models))


@pytest.mark.parametrize('faulty', ['pyramid', 'mi'])
@pytest.mark.parametrize('kind', ['learning', 'gradient'])
def test_the_healthy_objective_goes_on(world, tmp_path, faulty, kind):
    """The iteration is that of the other objective alone."""
    (healthy,) = {'pyramid', 'mi'} - {faulty}
    runner, witness = poisoned(world, 'pix2pix', ['pyramid', 'mi'], tmp_path, kind, faulty, iters=2)
    alone = world.run('pix2pix', healthy).witness
    assert equal(witness.models[0], alone.models[0])
    assert equal(witness.learned[0][healthy], alone.learned[0][healthy])
    assert finite(witness.learned[1][faulty]) and finite(witness.models[1])
    assert scalars(runner)[f'loss_distill_{healthy}'].size == 2
