"""Starts chosen by a criterion: what belongs together is kept together, and all of it is the teacher."""

import copy
from types import SimpleNamespace

import pytest
import torch
from families import cyclegan, edsr, equal, hook_of, load, pix2pix, save_teacher, stylegan2, train
from mmengine.registry import MODELS, DefaultScope
from mmengine.runner import Runner
from torch import nn

from mmagic_mikd.engine.settings import read
from mmagic_mikd.host.training_calls import Given, training_calls
from mmagic_mikd.objectives.content_mask import ContentMask
from mmagic_mikd.students import criteria
from mmagic_mikd.students.criteria import CRITERIA, SALT, chooser, salted, scores_of
from mmagic_mikd.students.exactness import difference
from mmagic_mikd.students.pruned import Pruned, estimate_statistics, joined
from mmagic_mikd.students.pruning import IndexSets
from mmagic_mikd.students.slices import Slices
from mmagic_mikd.students.units import follow
from mmagic_mikd.utils.errors import ConfigError
from mmagic_mikd.utils.rng import RandomState

from .test_start import NETWORKS, networks

# networks that no table of slices knows, with the sizes of teacher and student, and what they are given
MORE = {
    'SwinIR': (
        dict(
            type='SwinIRNet',
            upscale=2,
            img_size=8,
            window_size=4,
            depths=[1],
            mlp_ratio=2,
            num_heads=[2],
            upsampler='pixelshuffle',
        ),
        dict(embed_dim=16),
        dict(embed_dim=8),
        (3, 8, 8),
    ),
    'StyleGAN2': (
        dict(type='NarrowStyleGAN2Generator', out_size=8, style_channels=8, num_mlps=2),
        dict(width=16),
        dict(width=8),
        (8,),
    ),
    'DCGAN': (
        dict(type='DCGANGenerator', output_scale=16, noise_size=8),
        dict(base_channels=32),
        dict(base_channels=16),
        (8, 1, 1),
    ),
}
CHOSEN = ('even', 'random', 'l1', 'activation')


def given(*args) -> Given:
    return Given(args, {}, RandomState.capture(torch.device('cpu')))


def noisy(network: nn.Module) -> nn.Module:
    for parameter in network.parameters():
        parameter.data.normal_(std=0.1)
    return network


def pair_of(teacher: nn.Module, student: nn.Module) -> SimpleNamespace:
    return SimpleNamespace(student=student, teacher=teacher, path='generator', output=None)


def built(name: str) -> tuple[SimpleNamespace, Given]:
    """A pair of any of the networks, and what it is given."""
    if name in NETWORKS:
        pair = networks(name)
        pair.output = None
        return pair, given(torch.rand(2, 3, 32, 32))
    shared, wide, thin, shape = MORE[name]
    with DefaultScope.overwrite_default_scope('mmagic'):
        teacher, student = (noisy(MODELS.build(shared | size)) for size in (wide, thin))
    return pair_of(teacher, student), given(torch.randn(2, *shape))


def pruned(pair: SimpleNamespace, call: Given, **options) -> Pruned:
    return Pruned(pair, [call], options, 'start')


@pytest.mark.parametrize('name', NETWORKS)
def test_the_first_of_each_unit_are_the_known_slices(name):
    """What is followed through a call agrees with what is written in PARTS."""
    pair, call = built(name)
    slices, wide = Slices(pair.student, pair.teacher), pair.teacher.state_dict()
    weights = pruned(pair, call, criterion='first').weights
    for key, weight in pair.student.state_dict().items():
        assert torch.equal(weights[key], slices.of(key, wide[key], weight.shape)), key


@pytest.mark.parametrize('name', [*NETWORKS, *MORE])
def test_whatever_is_chosen_the_student_is_its_teacher_without_the_rest(name):
    pair, call = built(name)
    before = {key: value.clone() for key, value in pair.teacher.state_dict().items()}
    for criterion in CHOSEN if name in ('U-Net', 'SwinIR') else CHOSEN[1:2]:
        start = pruned(pair, call, criterion=criterion)  # which tests it, too
        off = difference(pair.student, start.weights, pair.teacher, start._sets, start._image(call))
        assert off < 1e-3
        first = next(key for key, value in start.weights.items() if value.shape != before[key].shape)
        sizes = zip(start.weights[first].shape, before[first].shape, strict=True)
        narrower = next(dimension for dimension, (mine, theirs) in enumerate(sizes) if mine != theirs)
        spoilt = {**start.weights, first: start.weights[first].roll(1, narrower)}
        assert difference(pair.student, spoilt, pair.teacher, start._sets, start._image(call)) > 10 * off
    assert equal(pair.teacher.state_dict(), before)


@pytest.mark.parametrize(
    ('name', 'criterion'),
    [
        *(('U-Net', c) for c in ('first', 'even', 'random', 'l1', 'gamma', 'activation')),
        ('EDSR', 'activation'),
        ('SwinIR', 'gamma'),
        ('StyleGAN2', 'l1'),
        ('StyleGAN2', 'latent'),
        ('StyleGAN2', 'content'),
    ],
)
def test_keeping_all_channels_is_the_teacher(name, criterion, tmp_path):
    pair, call = built(name)
    pair.student = noisy(copy.deepcopy(pair.teacher))
    options = dict(criterion=criterion)
    if criterion == 'content':
        options['mask'] = picture(tmp_path)
    assert equal(pruned(pair, call, **options).weights, pair.teacher.state_dict())


def picture(folder, white=slice(None)) -> str:
    import cv2
    import numpy as np

    image = np.zeros((8, 8), np.uint8)
    image[:, white] = 255
    cv2.imwrite(str(folder / 'mask.png'), image)
    return str(folder / 'mask.png')


# ---- known answers -------------------------------------------------------------------------------


class Two(nn.Module):
    """Two convolutions with a norm between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.head, self.norm, self.tail = (
            nn.Conv2d(1, width, 1),
            nn.BatchNorm2d(width),
            nn.Conv2d(width, 1, 1),
        )

    def forward(self, x):
        return self.tail(self.norm(self.head(x)))


def kept(criterion: str, change=lambda teacher: None, **options) -> list[int]:
    """Which of six channels a student of two has."""
    pair = pair_of(Two(6), Two(2))
    with torch.no_grad():
        for weight in (pair.teacher.head.weight, pair.teacher.tail.weight, pair.teacher.norm.weight):
            weight.fill_(1)
        change(pair.teacher)
    start = pruned(pair, given(torch.randn(2, 1, 4, 4)), criterion=criterion, **options)
    places = start._sets.along('head.weight', 0).tolist()
    for name in ('head.bias', 'norm.weight', 'norm.bias', 'norm.running_mean', 'norm.running_var'):
        assert start._sets.along(name, 0).tolist() == places
    assert start._sets.along('tail.weight', 1).tolist() == places
    return places


def louder(name: str, places: list[int]):
    return lambda teacher: teacher.get_parameter(name).view(-1).index_fill_(0, torch.tensor(places), 9)


def test_known_choices():
    assert kept('first') == [0, 1]
    assert kept('even') == [0, 3]
    assert kept('l1', louder('head.weight', [1, 4])) == [1, 4]
    assert kept('gamma', louder('norm.weight', [2, 5])) == [2, 5]
    assert kept('activation', louder('norm.bias', [3, 4])) == [3, 4]
    random = [kept('random', seed=seed) for seed in range(8)]
    assert len({*map(tuple, random)}) > 3 and kept('random', seed=3) == random[3]
    assert all(places == sorted({*places}) for places in random)


def test_content_is_what_lies_within_the_mask(tmp_path):
    """A channel that makes the left half only is kept for a mask on the left, and not for one on the right."""

    class Halves(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.head, self.tail = nn.Conv2d(1, width, 1), nn.Conv2d(width, 1, 1)

        def forward(self, x):
            y = self.head(x)
            left = torch.arange(8) < 4
            sides = torch.stack([left, ~left])[torch.arange(y.shape[1]) % 2][None, :, None]
            return self.tail(y * sides)

    pair = pair_of(Halves(4), Halves(2))
    nn.init.ones_(pair.teacher.head.weight), nn.init.ones_(pair.teacher.tail.weight)
    call = given(torch.rand(8, 1, 8, 8) + 1)
    units = follow(pair.teacher, call.to, pair.student.state_dict())
    ids = units.axes['tail.weight', 1]
    for side, places in ((slice(0, 4), [0, 2]), (slice(4, 8), [1, 3])):
        mask = ContentMask(picture(tmp_path, side))
        scores = scores_of('content', pair.teacher, units, [call.to], mask=mask)[ids]
        assert sorted(scores.topk(2).indices.tolist()) == places


def test_salt_and_pepper_are_pixels_of_the_content():
    """One value for all channels of a pixel, on 5 % of those inside, and nowhere else."""
    images, inside = torch.full((4, 3, 64, 64), 0.5), torch.arange(64).expand(64, 64) < 32
    noisy = salted(images, inside)
    changed = noisy != images
    assert torch.equal(changed.all(1), changed.any(1)) and not changed[..., 32:].any()
    assert changed[:, 0, :, :32].double().mean().item() == pytest.approx(SALT, abs=0.01)
    values = noisy.movedim(1, -1)[changed[:, 0]]
    assert values.unique(dim=0).tolist() == [[-1] * 3, [1] * 3]


@pytest.mark.parametrize('criterion', ['content', 'latent'])
def test_of_the_layers_to_rgb_the_last_alone_is_looked_at(tmp_path, criterion, monkeypatch):
    (pair, call), seen = built('StyleGAN2'), []
    sensitivity = criteria._sensitivity
    monkeypatch.setattr(
        criteria, '_sensitivity', lambda u, w, loss: seen.append(w) or sensitivity(u, w, loss)
    )
    units = follow(pair.teacher, call.to, pair.student.state_dict())
    mask = ContentMask(picture(tmp_path))
    scores_of(criterion, pair.teacher, units, [call.to], mask=mask, latents=1)
    read = {
        name.removesuffix('.conv.weight_orig') for name, _ in seen[0] if name.endswith('conv.weight_orig')
    }
    assert read == {'conv1', 'convs.0', 'convs.1', 'to_rgbs.0'}
    assert ('to_rgb1.conv.weight_orig', 2) in units.inputs


def test_of_two_latents_the_moved_one_is_a_constant(monkeypatch):
    """|I(w + 5 d) - I(w)| and its gradient by hand, for a network that multiplies its latent by its weight."""

    class Product(nn.Module):
        noise_size, style_mapping = 1, nn.Identity()

        def __init__(self) -> None:
            super().__init__()
            self.head, self.tail = nn.Linear(1, 2, bias=False), nn.Linear(2, 1, bias=False)

        def forward(self, w, **_):
            return self.tail(self.head(w))

    seen, sensitivity = [], criteria._sensitivity
    network = Product()
    units = follow(network, lambda n: n(torch.ones(1, 1)), {})
    monkeypatch.setattr(
        criteria, '_sensitivity', lambda u, w, loss: seen.append((w, loss)) or sensitivity(u, w, loss)
    )
    monkeypatch.setattr(torch.autograd, 'grad', _keeping(torch.autograd.grad, seen))
    torch.manual_seed(3)
    scores_of('latent', network, units, [], latents=1)
    torch.manual_seed(3)
    w = torch.randn(criteria.LATENTS, 1)[0]
    gain = (network.tail.weight @ network.head.weight).item()
    for (weights, loss), gradients in zip(seen[::2], seen[1::2], strict=True):
        place = list(weights).index(('tail.weight', 1))
        of_here = gradients[place].abs() / network.head.weight.abs().T  # |w|, and not the 5 of both images
        assert loss.item() == pytest.approx(5 * abs(gain), rel=1e-4)
        torch.testing.assert_close(of_here, w.abs().expand(1, 2), rtol=1e-4, atol=1e-6)


def _keeping(function, into):
    def call(*args, **kwargs):
        made = function(*args, **kwargs)
        into.append(made)
        return made

    return call


class Twice(nn.Module):
    """A layer that is called twice."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Conv2d(3, c, 1), nn.Conv2d(c, c, 1), nn.Conv2d(c, 3, 1)

    def forward(self, x):
        return self.c(self.b(self.b(self.a(x).relu()).relu()).relu())


class Tied(Twice):
    """Two layers with one weight."""

    def __init__(self, c: int) -> None:
        super().__init__(c)
        self.again = nn.Conv2d(c, c, 1)
        self.again.weight = self.b.weight

    def forward(self, x):
        return self.c(self.again(self.b(self.a(x).relu()).relu()).relu())


class Named(Two):
    """Calls its layers by keyword."""

    def forward(self, x):
        return self.tail(input=self.norm(input=self.head(input=x)))


@pytest.mark.parametrize('criterion', ['l1', 'random', 'activation', 'content'])
@pytest.mark.parametrize('kind', [Twice, Tied])
def test_what_is_used_twice_keeps_the_same_channels_each_time(kind, criterion, tmp_path):
    pair, options = pair_of(noisy(kind(16)), noisy(kind(8))), dict(criterion=criterion)
    if criterion == 'content':
        options['mask'] = picture(tmp_path)
    sets = pruned(pair, given(torch.rand(2, 3, 8, 8)), **options)._sets
    kept = [sets.along(*axis).tolist() for axis in (('a.weight', 0), ('b.weight', 0), ('b.weight', 1))]
    assert kept == [kept[0]] * 3


@pytest.mark.parametrize('criterion', CRITERIA[:-2])
def test_layers_and_networks_may_be_called_by_keyword(criterion):
    pair = pair_of(noisy(Named(6)), noisy(Named(2)))
    state = RandomState.capture(torch.device('cpu'))
    call = Given((), dict(x=torch.randn(2, 1, 4, 4)), state)
    start = pruned(pair, call, criterion=criterion, refit=True)
    pair.student.load_state_dict(start.weights)
    start.finish('', held=False)


def test_each_part_of_every_norm_keeps_as_many():
    """Of norms over the same channels, one in halves and one in quarters, in either order."""

    class Norms(nn.Module):
        def __init__(self, c: int, first: int, second: int) -> None:
            super().__init__()
            self.head, self.tail = nn.Conv2d(3, c, 1), nn.Conv2d(c, 3, 1)
            self.first, self.second = nn.GroupNorm(first, c), nn.GroupNorm(second, c)

        def forward(self, x):
            return self.tail(self.second(self.first(self.head(x)).relu()).relu())

    for parts in ((4, 2), (2, 4)):
        pair = pair_of(Norms(16, *parts), Norms(8, *parts))
        pair.teacher.head.weight.data.copy_(torch.arange(16.0)[:, None, None, None])
        places = pruned(pair, given(torch.rand(2, 3, 4, 4)), criterion='l1')._sets.along('head.weight', 0)
        assert places.tolist() == [2, 3, 6, 7, 10, 11, 14, 15]


@pytest.mark.parametrize('criterion', ['l1', 'random'])
def test_each_head_of_an_attention_keeps_as_many(criterion):
    pair, call = built('SwinIR')
    sets = pruned(pair, call, criterion=criterion)._sets
    rows = sets.along('layers.0.residual_group.blocks.0.attn.qkv.weight', 0)
    query, key, value = rows.reshape(3, 2, 4)
    assert torch.equal(query, key - 16) and not torch.equal(query, value - 32)
    assert (query[0] < 8).all() and (query[1] >= 8).all() and (value[1] >= 40).all()


# ---- what is refused -----------------------------------------------------------------------------


class Counts(nn.Module):
    """Divides by its width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.head, self.tail = nn.Conv2d(3, width, 1), nn.Conv2d(width, 3, 1)

    def forward(self, x):
        y = self.head(x)
        return self.tail(y / y.shape[1])


class Sorts(Counts):
    def forward(self, x):
        return self.tail(self.head(x).sort(1).values)


class Averages(Counts):
    def forward(self, x):
        y = self.head(x)
        return self.tail(y - y.mean(1, keepdim=True))


@pytest.mark.parametrize(
    ('kind', 'reason'),
    [
        (Counts, 'something depends on the number of channels'),
        (Sorts, '`sort` is not known to keep channels apart'),
        (Averages, '`mean` is over all channels'),
    ],
)
def test_what_is_not_known_to_be_right_is_refused(kind, reason):
    pair = pair_of(noisy(kind(8)), noisy(kind(4)))
    with pytest.raises(ConfigError, match=reason) as caught:
        pruned(pair, given(torch.rand(2, 3, 4, 4)), criterion='even')
    assert str(caught.value).startswith('start: ') and 'leave `start` out' in str(caught.value)


def test_restormer_is_refused():
    """Its attention is between channels, so that silent ones still take a share."""
    shared = dict(type='Restormer', num_blocks=[1] * 4, num_refinement_blocks=1, heads=[1, 2, 2, 4])
    with DefaultScope.overwrite_default_scope('mmagic'):
        pair = pair_of(*(MODELS.build(shared | dict(dim=dim)) for dim in (16, 8)))
    with pytest.raises(ConfigError, match=r'attn.qkv.weight.*a matrix of channels'):
        pruned(pair, given(torch.rand(1, 3, 16, 16)))


def test_what_is_normalised_as_a_whole_is_not_sent_to_slices():
    norm = nn.utils.spectral_norm
    pair = pair_of(*(Two(width) for width in (8, 4)))
    pair.teacher.head, pair.student.head = norm(pair.teacher.head), norm(pair.student.head)
    with pytest.raises(ConfigError, match=r"'head.weight_u'.*: leave `start` out$"):
        pruned(pair, given(torch.rand(2, 1, 4, 4)))


def test_a_wider_student_is_refused():
    with pytest.raises(ConfigError, match='more channels than its teacher along dimension 0'):
        pruned(pair_of(Two(2), Two(6)), given(torch.rand(2, 1, 4, 4)))


@pytest.mark.parametrize(
    ('options', 'sentence'),
    [
        (dict(type='prune'), "start.type='prune' must be 'pruned'"),
        (dict(type='pruned', criterion='l3'), "start.criterion='l3' must be 'first', 'even'"),
        (dict(type='pruned', refit='yes'), "start.refit='yes' must be True or False"),
        (dict(type='pruned', statistics=1), 'start.statistics=1 must be True or False'),
        (dict(type='pruned', batches=0), 'start.batches'),
        (dict(type='pruned', criterium='l1'), 'did you mean .criterion.'),
    ],
)
def test_settings_that_cannot_be_are_named(options, sentence):
    with pytest.raises(ConfigError, match=sentence):
        read(dict(start=options))


def test_settings_by_layer_and_over_a_recipe():
    options = dict(type='pruned', criterion='l1')
    assert read(dict(start=options)).start == {'': options}
    assert read(dict(start=options, recipe='sliced_pyramid_early')).start == {'': options}
    mixed = {'': options, 'style_mapping': 'inherited'}
    assert read(dict(start=mixed)).start == mixed


# ---- in a run ------------------------------------------------------------------------------------


def started(cfg, **options):
    """A run of one iteration at no learning rate: the weights are those of the start."""
    cfg.default_hooks.distill.start = dict(type='pruned', **options)
    cfg.default_hooks.distill.objectives = dict(l1=dict(type='L1Loss'))
    for wrapper in cfg.optim_wrapper.values():
        if isinstance(wrapper, dict) and 'optimizer' in wrapper:
            wrapper.optimizer.lr = 0.0
        elif isinstance(wrapper, dict):
            wrapper.lr = 0.0
    return train(cfg)


def weights_of(runner: Runner, path: str) -> dict:
    return dict(runner.model.get_submodule(path).named_parameters())


@pytest.mark.parametrize('family', [pix2pix, edsr, cyclegan])
def test_a_run_starts_as_the_chosen_channels(tmp_path, family):
    runner = started(family(tmp_path, iters=1), criterion='l1', batches=2)
    teacher = load(tmp_path / 'teacher.pth')['state_dict']
    paths = [p for p, _ in runner.model.named_children() if p.startswith('generator')]
    mine = runner.model.state_dict()
    for name in mine:
        if (
            name.startswith(tuple(paths))
            and mine[name].dim() == 4
            and mine[name].shape[0] < teacher[name].shape[0]
        ):
            sums = teacher[name].abs().flatten(1).sum(1)
            assert torch.isin(mine[name].flatten(), teacher[name].flatten()).all() and sums.numel()


def test_the_search_for_inputs_leaves_no_trace(tmp_path):
    """Nothing is updated, no statistic and no random number moves."""
    for family in (pix2pix, stylegan2):
        widths = dict(widths=(16, 8)) if family is stylegan2 else {}
        cfg = family(tmp_path / family.__name__, iters=1, **widths)
        seen = []

        def look(hook, runner, seen=seen):
            before = copy.deepcopy(runner.model.state_dict()), torch.get_rng_state()
            frozen = [p.requires_grad for p in runner.model.parameters()]
            path = next(path for path in ('generator', 'generators.photo') if _has(runner.model, path))
            calls = training_calls(runner, {path: runner.model.get_submodule(path)}, 3)[path]
            assert equal(runner.model.state_dict(), before[0]) and torch.equal(
                torch.get_rng_state(), before[1]
            )
            assert frozen == [p.requires_grad for p in runner.model.parameters()] and any(frozen)
            optimisers = runner.optim_wrapper.values()
            assert not any(wrapper.optimizer.state for wrapper in optimisers)
            assert all('step' not in vars(wrapper) for wrapper in optimisers)
            seen.append(calls)

        runner = Runner.from_cfg(cfg)
        runner.register_hook_from_cfg = None
        hook_of(runner).before_train = lambda runner: look(None, runner)
        hook_of(runner).before_train_iter = lambda *args, **kwargs: (_ for _ in ()).throw(KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt):
            runner.train()
        (calls,) = seen
        assert len(calls) == 3
        first, second = (
            torch.cat([x.flatten() for x in call.args if torch.is_tensor(x)]) for call in calls[:2]
        )
        assert not torch.equal(first, second)


@pytest.mark.parametrize(('steps', 'counts'), [(2, 1), (1, 2), (3, 2)])
def test_a_generator_that_is_trained_every_few_iterations_starts_as_one_that_is_in_all(
    tmp_path, steps, counts
):
    """The iterations of its discriminator alone call it without gradients, and the first is one of them."""
    starts = []
    for folder, own in (('all', (1, 1)), ('few', (steps, counts))):
        cfg = stylegan2(tmp_path / folder, iters=1, widths=(16, 8))
        cfg.model.discriminator_steps, cfg.optim_wrapper.discriminator.accumulative_counts = own
        runner = started(cfg, criterion='activation', batches=2)
        starts.append(weights_of(runner, 'generator'))
    assert equal(*starts)


def _has(model, path):
    try:
        return model.get_submodule(path) is not None
    except AttributeError:
        return False


def test_a_refitted_start_is_nearer_and_its_statistics_are_its_own(tmp_path):
    distances = {}
    for refit in (False, True):
        cfg = pix2pix(tmp_path / str(refit), iters=1)
        runner = started(cfg, criterion='l1', refit=refit)
        distances[refit] = runner.message_hub.get_scalar('train/distance').current()
    assert distances[True] < distances[False]


def test_statistics_can_be_asked_for_alone(tmp_path):
    """The weights are those of the slice, and running means those of what the student makes."""
    found = {}
    for options in ({}, dict(statistics=True), dict(refit=True, statistics=False)):
        pair, call = built('U-Net')
        student = pair.student
        start = pruned(pair, call, criterion='first', **options)
        student.load_state_dict({**student.state_dict(), **start.weights})
        before = copy.deepcopy(student.state_dict())
        start.finish('', held=False)
        after = student.state_dict()
        changed = {name for name in before if not torch.equal(before[name], after[name])}
        found[tuple(options)] = changed
    statistics = {name for name in before if 'running' in name or name.endswith('num_batches_tracked')}
    assert not found[()] and found[('statistics',)] == statistics
    assert found['refit', 'statistics'] and not found['refit', 'statistics'] & statistics


def test_statistics_are_the_mean_over_the_calls():
    norm, batches = nn.BatchNorm2d(3).eval(), torch.randn(4, 8, 3, 2, 2)
    estimate_statistics(norm, [lambda n, x=x: n(x) for x in batches])
    torch.testing.assert_close(norm.running_mean, batches.mean((0, 1, 3, 4)))
    torch.testing.assert_close(
        norm.running_var, batches.transpose(1, 2).flatten(2).var(2).mean(0), rtol=1e-4, atol=1e-4
    )
    assert norm.momentum == 0.1 and not norm.training


def test_calls_become_one_where_they_fit():
    one, two = given(torch.zeros(2, 3)), given(torch.ones(1, 3))
    assert joined([one, two]).args[0].shape == (3, 3)
    assert joined([one, given(torch.ones(1, 4))]) is one


@pytest.mark.parametrize('family', [pix2pix, stylegan2])
def test_the_discriminator_starts_as_the_teachers(tmp_path, family):
    cfg = family(tmp_path, iters=1, **(dict(widths=(16, 8)) if family is stylegan2 else {}))
    runner = started(cfg, discriminator=True, batches=1)
    teacher = load(tmp_path / 'teacher.pth')['state_dict']
    path = 'discriminator' if family is stylegan2 else 'discriminators.photo'
    for name, weight in weights_of(runner, path).items():
        assert torch.equal(weight, teacher[f'{path}.{name}']), name


def test_channels_may_be_those_of_another_trained_network(tmp_path):
    """Which is no wider than it has to be, and nothing of the teacher's."""
    cfg = edsr(tmp_path / 'run', iters=1)
    model = copy.deepcopy(cfg.default_hooks.distill.teacher.model)
    model.generator.mid_channels -= 1
    source = dict(model=model, checkpoint=save_teacher(model, tmp_path / 'source'))
    saved = load(source['checkpoint'])  # drawn as the teacher's
    saved['state_dict'] = {name: 1.5 * weight for name, weight in saved['state_dict'].items()}
    torch.save(saved, source['checkpoint'])
    runner = started(cfg, criterion='l1', batches=1, source=source)
    mine = weights_of(runner, 'generator')['conv_first.weight'].flatten(1)
    for file, taken in ((source['checkpoint'], True), (tmp_path / 'run' / 'teacher.pth', False)):
        theirs = load(file)['state_dict']['generator.conv_first.weight'].flatten(1)
        assert all((theirs == row).all(1).any() == taken for row in mine)


def test_a_source_that_is_not_there_is_named(tmp_path):
    cfg = edsr(tmp_path, iters=1)
    source = dict(cfg.default_hooks.distill.teacher, checkpoint=str(tmp_path / 'gone.pth'))
    with pytest.raises(ConfigError, match=r'distill\.start\.source\.checkpoint=.*gone.pth does not exist'):
        started(cfg, batches=1, source=source)


def test_a_resumed_run_is_not_started_again(tmp_path):
    def cfg(folder, iters):
        made = pix2pix(tmp_path / folder, iters)
        made.default_hooks.distill.start = dict(type='pruned', criterion='activation', refit=True, batches=1)
        made.default_hooks.distill.objectives = dict(l1=dict(type='L1Loss'))
        return made

    whole = train(cfg('whole', 4))
    train(cfg('parts', 2))
    again = cfg('parts', 4)
    again.resume = True
    assert equal(whole.model.state_dict(), train(again).model.state_dict())


def test_chooser_keeps_the_order_of_channels():
    scores = torch.tensor([1.0, 5.0, 3.0, 4.0])
    assert chooser('l1', scores, 0)([3, 1, 2, 0], 2) == [3, 1]
    assert isinstance(IndexSets, type)
