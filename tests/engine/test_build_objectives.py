"""What stands in `objectives`: values, learning, ends, and what is refused."""

import logging
from types import SimpleNamespace

import families
import pytest
import torch
from families import Observer, equal, hook_of, load, scalars, train, without_distillation
from mmengine.logging import MessageHub
from mmengine.registry import MODELS
from mmengine.runner import Runner
from torch import nn

from mmagic_mikd import VIDLoss
from mmagic_mikd.engine.log import CURVES, Log
from mmagic_mikd.engine.pair import Pair
from mmagic_mikd.engine.view import View
from mmagic_mikd.objectives.objective import Objective
from mmagic_mikd.utils.errors import ConfigError

TERMS = dict(
    l1=dict(type='L1Loss', loss_weight=10.0),
    l2=dict(type='MSELoss', loss_weight=10.0),
    vid=dict(type='VIDLoss', learner=dict(optimizer=dict(type='Adam', lr=0.1))),
    info_nce=dict(type='InfoNCELoss', patch_size=4, num_patches=16),
)


def config(family, folder, iters=2, names=tuple(TERMS), **settings):
    """A tiny run whose only objective are the named terms."""
    widths = dict(widths=(8, 4)) if family == 'stylegan2' else {}
    cfg = getattr(families, family)(folder, iters, **widths)
    cfg.default_hooks.distill.update(**settings)
    cfg.default_hooks.distill.objectives = {name: TERMS[name] for name in names}
    return cfg


@pytest.mark.parametrize('family', ['pix2pix', 'cyclegan', 'stylegan2', 'edsr'])
def test_every_term_works_in_every_family(tmp_path, monkeypatch, family):
    """The logged values are those of the images; what learns has learned, for each pair by itself."""
    runner, images, original = Runner.from_cfg(config(family, tmp_path)), [], Objective.__call__

    def call(self, views, gate):
        images[:] = [(view.s.detach().clone(), view.t.clone()) for view in views]
        return original(self, views, gate)

    def look(hook):
        logged = {name: hook._log._values[f'loss_distill_{name}'].item() for name in TERMS}
        l1, l2 = (sum((s - t).abs().pow(p).mean().item() for s, t in images) for p in (1, 2))
        assert (logged['l1'], logged['l2']) == pytest.approx((10 * l1, 10 * l2), rel=1e-4)
        variances = [loss.variance.detach() for loss in hook.objectives['vid'].losses.values()]
        residuals = [(s - t).square().mean((0, 2, 3)) for s, t in images]
        expected = sum((v.log() + r / v).mean() / 2 for v, r in zip(variances, residuals, strict=True))
        assert logged['vid'] == pytest.approx(expected.item(), rel=1e-4)
        assert logged['info_nce'] > 0

    monkeypatch.setattr(Objective, '__call__', call)
    runner.register_hook(Observer(look))
    runner.train()
    assert scalars(runner)['loss_distill_info_nce'].size == 2
    learned = load(tmp_path / 'iter_2.pth')['mikd']['objectives']
    assert set(learned) == {'vid', 'info_nce'}
    alphas = [value for key, value in learned['vid']['network'].items() if key.endswith('alpha')]
    assert len(alphas) == len(images) and all(
        ((alpha - VIDLoss().alpha).abs() > 0.1).all() for alpha in alphas
    )


@pytest.mark.parametrize('name', TERMS)
def test_a_term_alone_moves_the_student(tmp_path, name, plain):
    runner = train(config('pix2pix', tmp_path, names=[name]))
    assert scalars(runner)[f'loss_distill_{name}'].size == 2 and 'loss_critic' not in scalars(runner)
    assert not equal(runner.model.state_dict(), plain)


@pytest.fixture(scope='module')
def plain(tmp_path_factory):
    """The weights of the student without distillation."""
    cfg = families.pix2pix(tmp_path_factory.mktemp('plain'), 2)
    return train(without_distillation(cfg)).model.state_dict()


def test_no_objective_is_the_plain_toolbox(tmp_path, plain):
    assert equal(train(config('pix2pix', tmp_path, names=[])).model.state_dict(), plain)


def test_resuming_a_run_that_has_not_trained_the_term_is_refused(tmp_path):
    train(config('pix2pix', tmp_path, 1, ['vid']))
    cfg = config('pix2pix', tmp_path, 2, ['vid', 'info_nce'])
    cfg.resume = True
    with pytest.raises(
        ConfigError, match=r'has not trained default_hooks.distill.objectives.info_nce; start'
    ):
        train(cfg)


def test_a_terms_weight_falls_to_nothing_and_the_teacher_rests(tmp_path, monkeypatch):
    cfg, values, asked = config('pix2pix', tmp_path, 4, ['l1']), [], []
    cfg.default_hooks.distill.objectives.l1.until = 0.5
    call, ask = Objective.__call__, Pair._ask_teacher
    monkeypatch.setattr(Objective, '__call__', lambda *args: values.append(call(*args)) or values[-1])
    monkeypatch.setattr(Pair, '_ask_teacher', lambda *args: asked.append(len(shares)) or ask(*args))
    runner, shares = Runner.from_cfg(cfg), []

    def look(hook):
        logged = hook._log._values.get('loss_distill_l1')
        shares.append(None if logged is None else (logged / values[-1]).item())

    runner.register_hook(Observer(look))
    runner.train()
    assert shares == [1.0, 0.5, None, None] and asked == [0, 1]
    ended = {'loss_distill_l1', 'l1_grad_ratio', 'l1_towards', 'distance'} & scalars(runner).keys()
    assert ended == set()  # a curve that has ended is no longer in the log


def test_all_curves_of_what_learns_end_with_it(tmp_path):
    """Its clipped norm, which the toolbox writes, once stayed at the last value, and its rate went on."""
    learner = dict(
        optimizer=dict(type='Adam', lr=0.01),
        clip_grad=dict(max_norm=1.0),
        param_scheduler=dict(type='LinearLR', start_factor=0.5, by_epoch=False),
    )
    ended = {}
    for until in (1.0, 0.5):
        cfg = config('edsr', tmp_path / str(until), 4, [])
        cfg.default_hooks.distill.objectives = dict(x=dict(type='VIDLoss', until=until, learner=learner))
        ended[until] = {name for name in scalars(train(cfg)) if name.startswith(('x_', 'loss_distill'))}
    assert ended == {1.0: {'loss_distill_x', *(f'x_{curve}' for curve in CURVES)}, 0.5: set()}


@pytest.mark.parametrize(
    'objective',
    [
        dict(type='L1Loss'),
        dict(type='L1Loss', gradient_ratio=0.5),
        dict(type='MIDistillLoss', critic=dict(base_channels=2), chain=dict(steps=2)),
    ],
)
def test_a_ratio_to_losses_without_a_gradient_is_not_in_the_log(tmp_path, objective):
    """It was inf where the only loss of the model has weight 0, which no plot and no mean can show."""
    cfg = config('edsr', tmp_path, 2, [])
    cfg.default_hooks.distill.objectives = dict(x=objective)
    cfg.model.pixel_loss.loss_weight = 0.0
    log = scalars(train(cfg))
    assert 'x_grad_ratio' not in log
    assert log['loss_distill_x'].size == 2 and log['x_towards'].size == 2


def test_one_that_rests_leaves_the_curves_of_its_namesakes_alone():
    """Names that begin alike, and pairs."""
    hub, pairs = MessageHub('namesakes'), ('photo', 'mask')
    l1, l105 = (SimpleNamespace(name=name, learner=None) for name in ('l1', 'l105'))
    log = Log([], 2)
    for _ in range(3):
        for objective in (l1, l105):
            log.value(objective, torch.tensor(1.0))
            for pair in pairs:
                log.looking(objective, pair)(torch.tensor(1.0), torch.tensor(2.0))
        log.write(hub)
    log.silent(l1)
    log.write(hub)
    left = {name: len(hub.get_scalar(name)._log_history) for name in hub.log_scalars}
    assert left == dict.fromkeys(
        ('train/loss_distill_l105', 'train/l105_grad_ratio_photo', 'train/l105_grad_ratio_mask'), 3
    )


@pytest.mark.parametrize(('weight', 'said'), [(2.0, 'L1Loss, gradient ratio 0.5'), (0, 'L1Loss, weight 0')])
def test_an_objective_without_weight_is_announced_without_its_ratio(weight, said, tmp_path, caplog):
    """Which a weight of 0 switches off."""
    cfg = config('edsr', tmp_path, 1, [])
    cfg.default_hooks.distill.objectives = dict(x=dict(type='L1Loss', loss_weight=weight, gradient_ratio=0.5))
    cfg.log_level = 'INFO'
    runner = Runner.from_cfg(cfg)
    runner.logger.addHandler(caplog.handler)
    with caplog.at_level(logging.INFO):
        runner.train()
    assert f'x ({said}' in caplog.text


def test_a_layer_that_does_not_run_is_named(tmp_path):
    """A list of layers is a module of its network, which calls its members alone."""
    cfg = config('stylegan2', tmp_path, 1, [])
    cfg.default_hooks.distill.objectives = dict(x=dict(type='L1Loss', layer='convs'))
    with pytest.raises(
        ConfigError, match=r"x.layer='convs' of 'generator' does not run .* a layer within it"
    ):
        train(cfg)


def test_a_teacher_that_only_looks_is_there(tmp_path):
    """The generator as a backbone, before images that are compared with the photographs."""
    cfg = config('edsr', tmp_path, 1, [])
    cfg.default_hooks.distill.objectives = dict(
        x=dict(type='L1Loss', backbone='generator', target='ground_truth')
    )
    assert scalars(train(cfg))['x_grad_ratio'] > 0


def test_a_ratio_pauses_while_the_other_losses_have_no_gradient():
    hub, objective = MessageHub('a ratio pauses'), SimpleNamespace(name='x')
    log = Log([], 1)
    for rest, shown in ((2.0, 0.5), (0.0, None), (4.0, 0.25)):
        log.looking(objective, 'pair')(torch.tensor(1.0), torch.tensor(rest))
        assert log.write(hub) == ({} if shown is None else dict(x_grad_ratio=shown))
        assert ('train/x_grad_ratio' in hub.log_scalars) == (shown is not None)


def test_a_ratio_is_to_all_losses_of_fixed_weight_wherever_they_stand(tmp_path):
    """A learned energy's gradient arrives after the others'; beside a ratio it once came too late to count."""
    energy = dict(type='MIDistillLoss', loss_weight=1e3, critic=dict(base_channels=2), chain=dict(steps=2))
    terms, moves = dict(energy=energy, l1=dict(type='L1Loss', gradient_ratio=0.5)), []
    for names in (('energy', 'l1'), ('l1', 'energy')):
        cfg = config('edsr', tmp_path / names[0], 1, [], guard=None)
        cfg.default_hooks.distill.objectives = {name: terms[name] for name in names}
        cfg.optim_wrapper.optimizer = dict(type='SGD', lr=1.0)
        runner = Runner.from_cfg(cfg)
        start = nn.utils.parameters_to_vector(runner.model.parameters()).detach()
        runner.train()
        moves.append(nn.utils.parameters_to_vector(runner.model.parameters()).detach() - start)
        assert scalars(runner)['energy_grad_ratio'] > 10  # so that it would be missed
    torch.testing.assert_close(*moves)


@pytest.mark.parametrize(
    ('term', 'message'),
    [
        (dict(type='L1Loss', until=2), r'objectives.x.until=2 must be a number of more than 0 and at most 1'),
        (dict(type='VDILoss'), r"default_hooks.distill.objectives.x.type='VDILoss' is not known"),
        (
            dict(type='VIDLoss', channel=1),
            r"x \(VIDLoss\) has no setting 'channel': did you mean 'channels'",
        ),
        (
            dict(type='L1Loss', learner=dict(optimizer=dict(type='SGD', lr=1.0))),
            r'objectives.x: L1Loss has nothing to learn; leave `learner` out',
        ),
    ],
)
def test_a_term_that_cannot_be_built_is_named(tmp_path, term, message):
    cfg = config('pix2pix', tmp_path, 1, [])
    cfg.default_hooks.distill.objectives = dict(x=term)
    with pytest.raises(ConfigError, match=message):
        train(cfg)


def test_patches_are_drawn_anew_each_iteration(tmp_path, monkeypatch):
    from mmagic_mikd.objectives import info_nce

    drawn, randperm = [], torch.randperm
    monkeypatch.setattr(
        info_nce.torch, 'randperm', lambda *a, **k: drawn.append(randperm(*a, **k)) or drawn[-1]
    )
    cfg = config('pix2pix', tmp_path, 2, ['info_nce'])
    term = hook_of(train(cfg)).objectives['info_nce']
    draws = [d for d in drawn if len(d) == 2 * 8 * 8]
    assert term.learns and len(draws) == 4  # the embedding's step and the student's loss, each iteration
    assert not torch.equal(draws[0], draws[2]) and sorted(draws[0].tolist()) == list(range(128))


@MODELS.register_module(force=True)
class OneArgument(nn.Module):
    def forward(self, student):
        return student.mean()


@MODELS.register_module(force=True)
class NoScalar(nn.Module):
    def forward(self, student, teacher):
        return student - teacher


@MODELS.register_module(force=True)
class ANumber(nn.Module):
    def forward(self, student, teacher):
        return 3


@MODELS.register_module(force=True)
class TooMuch(nn.Module):
    def forward(self, student, teacher):
        raise torch.OutOfMemoryError('CUDA out of memory')


@pytest.mark.parametrize(
    ('term', 'message'),
    [
        (dict(type='OneArgument'), 'takes 2 positional arguments but 3 were given'),
        (dict(type='NoScalar'), 'returns a tensor of shape .2, 3, 32, 32.'),
        (dict(type='ANumber'), 'returns a int'),
        (dict(type='CrossEntropyLoss', ignore_index='x'), 'ignore_index'),
        (dict(type='CosineSimilarity', dim=2), 'returns a tensor of shape'),
    ],
)
def test_a_module_of_another_signature_is_one_sentence_at_the_first_batch(tmp_path, term, message):
    for kind in (nn.CrossEntropyLoss, nn.CosineSimilarity):
        MODELS.register_module(module=kind, force=True)
    cfg = config('pix2pix', tmp_path, 1, [])
    cfg.default_hooks.distill.objectives = dict(x=term)
    with pytest.raises(ConfigError, match=message) as error:
        train(cfg)
    sentence = str(error.value)
    assert sentence.startswith('default_hooks.distill.objectives.x cannot compare (2, 3, ')
    assert sentence.endswith('; use a module of (student, teacher) that returns a scalar')


def test_want_of_memory_is_no_matter_of_the_config(tmp_path):
    cfg = config('pix2pix', tmp_path, 1, [])
    cfg.default_hooks.distill.objectives = dict(x=dict(type='TooMuch'))
    with pytest.raises(torch.OutOfMemoryError):
        train(cfg)


def test_of_two_objectives_of_one_kind_the_one_that_cannot_be_is_named(tmp_path):
    cfg = config('pix2pix', tmp_path, 1, [])
    two = dict(a=dict(type='VIDLoss'), b=dict(type='VIDLoss', channels=5))
    cfg.default_hooks.distill.objectives = two
    with pytest.raises(ConfigError, match=r'^default_hooks.distill.objectives.b: VIDLoss: .*set `channels`'):
        train(cfg)


def test_a_longer_resume_says_that_an_end_is_lived_through_again(tmp_path):
    cfg = config('pix2pix', tmp_path, 4, ['l1'])
    cfg.default_hooks.distill.objectives.l1.until = 0.5
    train(cfg)
    cfg.resume, cfg.train_cfg.max_iters = True, 16
    runner = Runner.from_cfg(cfg)
    said = []
    runner.logger.warning = lambda text, *args: said.append(str(text))
    runner.train()
    (sentence,) = [text for text in said if 'pulls again' in text]
    assert 'objectives.l1.until=0.5 was over after 2 iterations' in sentence and 'set it to 0.125' in sentence


@pytest.mark.parametrize(
    ('objective', 'rates'),
    [
        (dict(type='LaplaceLoss', backbone='discriminator'), {0.01}),
        (dict(type='VIDLoss', layer='model.model', adapter=dict(type='Conv2d', kernel_size=1)), {1e-3}),
        (dict(type='MIDistillLoss'), {1e-4}),
        (
            dict(
                type='MIDistillLoss',
                estimator='nce',
                negatives=['base'],
                base=dict(type='HaarLaplaceLoss'),
                critic=dict(type='EnergyCritic', base_channels=4, num_blocks=1),
            ),
            {1e-4, 0.01},
        ),
    ],
)
def test_each_loss_learns_at_its_own_rate_wherever_it_stands(tmp_path, objective, rates):
    cfg = config('pix2pix', tmp_path, 1, [])
    cfg.default_hooks.distill.objectives = dict(x=objective)
    learner = hook_of(train(cfg)).objectives['x'].learner
    groups = learner.optim_wrapper.param_groups
    assert {round(group['lr'], 8) for group in groups} == rates
    if len(rates) > 1:
        closed = {id(p) for n, p in learner._network.named_parameters() if 'bases' in n}
        assert closed == {id(p) for group in groups if group['lr'] > 1e-3 for p in group['params']}


@pytest.mark.parametrize('family', ['pix2pix', 'edsr'])
def test_images_are_given_in_the_range_that_a_loss_is_made_for(tmp_path, monkeypatch, family):
    """And to a backbone in that of the networks: [-1, 1] and [0, 1]."""
    network, seen = dict(backbone='generator' if family == 'edsr' else 'discriminator'), {}
    energetic = dict(type='MIDistillLoss', estimator='nce')
    cfg = config(family, tmp_path, 1, [])
    cfg.default_hooks.distill.objectives = dict(
        l1=dict(type='L1Loss'),
        ssim=dict(type='SSIMLoss', window_size=5),
        mi=dict(energetic, critic=dict(type='EnergyCritic', base_channels=4, num_blocks=1)),
        features=dict(network, type='LaplaceLoss'),
        eyes=dict(energetic, **network),
    )
    at = View.at

    def looked(view, place, gate=None):
        seen[place.key.rsplit('.', 1)[-1]] = place.range
        return at(view, place, gate)

    monkeypatch.setattr(View, 'at', looked)
    train(cfg)
    assert seen == dict(l1=None, ssim=(0, 1), mi=(-1, 1), features=None, eyes=None)
