"""Objectives on a layer's features whose channels differ: an adapter that fits the first batch and learns."""

from itertools import pairwise

import pytest
import torch
from families import hook_of, load, scalars, train
from interruption import difference, elsewhere
from mmagic.models.editors.edsr.edsr_net import EDSRNet
from mmagic.models.losses import CharbonnierLoss, L1Loss, MSELoss
from mmengine.registry import MODELS
from objective_rows import LAYERS, Witness, base_config, distilled, witnessed
from torch.nn.functional import conv2d, mse_loss
from torch.utils.checkpoint import checkpoint

from mmagic_mikd.objectives.objective import Objective, Place
from mmagic_mikd.utils.errors import ConfigError

ADAPTER = dict(type='Conv2d', kernel_size=1)


@pytest.fixture(scope='module')
def base(tmp_path_factory):
    return base_config('edsr', tmp_path_factory.mktemp('edsr'))


class Features(Witness):
    """Also keeps what the two layers made first."""

    def __init__(self, student: str, teacher: str) -> None:
        self.paths, self.kept = dict(student=student, teacher=teacher), {}

    def before_train_iter(self, runner, *args, **kwargs) -> None:
        super().before_train_iter(runner, *args, **kwargs)
        if runner.iter == 0:
            (pair,) = hook_of(runner).pairs
            for name, path in self.paths.items():
                getattr(pair, name).get_submodule(path).register_forward_hook(self.keep(name))

    def keep(self, name: str):
        def keep_first(module, args, output) -> None:
            self.kept.setdefault(name, output.detach().clone())

        return keep_first


def hint(**options) -> dict:
    return dict(dict(type='MSELoss', loss_weight=3.0, layer=LAYERS['edsr'], adapter=ADAPTER), **options)


@pytest.mark.parametrize('layer', ['body', ('body', 'body'), ('conv_first', 'conv_after_body')])
def test_the_features_go_through_the_adapter(base, tmp_path, layer):
    """The loss is that of the two layers, with the adapter as it is after its step."""
    cfg = distilled(base, tmp_path, dict(hint=hint(layer=layer)))
    paths = (layer, layer) if isinstance(layer, str) else layer
    runner, witness = witnessed(cfg, Features(*paths))
    s, t = witness.kept['student'], witness.kept['teacher']
    assert (s.shape[1], t.shape[1]) == (4, 8) and s.shape[2:] == t.shape[2:]
    adapters = [step['hint'] for step in witness.learned]
    weight, bias = (adapters[0][f'adapters.generator.{name}'] for name in ('weight', 'bias'))
    assert weight.shape == (8, 4, 1, 1)
    expected = 3.0 * mse_loss(conv2d(s, weight, bias), t)
    assert scalars(runner)['loss_distill_hint'][0] == pytest.approx(expected.item(), rel=1e-5)
    for before, after in pairwise(adapters):  # it learns in each iteration
        assert not torch.equal(before['adapters.generator.weight'], after['adapters.generator.weight'])


def test_two_paths_resume_bit_for_bit(base, tmp_path):
    """The adapter is built for the channels in the checkpoint, before there is a batch."""
    cfg = distilled(base, tmp_path / 'whole', dict(hint=hint(layer=('conv_first', 'body'))))
    train(cfg)
    again = elsewhere(cfg, 'iter_2.pth', tmp_path / 'again')
    train(again)
    whole, resumed = (load(f'{run.work_dir}/iter_4.pth') for run in (cfg, again))
    assert difference(whole, resumed) is None
    assert whole['mikd']['objectives']['hint']['built'] == (4, 8)


def test_an_adapter_learns_by_its_own_optimiser(base, tmp_path):
    learner = dict(optimizer=dict(type='SGD', lr=0.0))
    runner, witness = witnessed(distilled(base, tmp_path, dict(hint=hint(learner=learner))), Witness())
    assert difference(witness.learned[0], witness.learned[3]) is None
    assert scalars(runner)['hint_learner_norm'].min() > 0


def test_a_discriminator_sees_the_features_of_both_networks(tmp_path):
    """DCD: |D(A_s(f_s)) - D(A_t(f_t))|, A_s and A_t as they are after their step, D of the teacher's file."""
    base = base_config('pix2pix', tmp_path, 2)
    seen = dict(type='discriminator', layers=['model.0.conv', 'model.1'])
    dcd = dict(type='L1Loss', loss_weight=3.0, layer=LAYERS['pix2pix'], adapter=ADAPTER, backbone=seen)
    cfg = distilled(base, tmp_path / 'run', dict(dcd=dcd))
    runner, witness = witnessed(cfg, Features(LAYERS['pix2pix'], LAYERS['pix2pix']))
    patches = MODELS.build(cfg.default_hooks.distill.teacher.model.discriminator).eval()
    saved = load(cfg.default_hooks.distill.teacher.checkpoint)['state_dict']
    prefix = 'discriminators.photo.'
    patches.load_state_dict({k.removeprefix(prefix): v for k, v in saved.items() if k.startswith(prefix)})
    maps = []
    for whose in ('student', 'teacher'):
        connectors = [
            {name: step['dcd'][f'adapters.generators_photo.{whose}.{name}'] for name in ('weight', 'bias')}
            for step in witness.learned
        ]
        assert connectors[0]['weight'].shape[0] == 6  # a conditional one sees the input beside the image
        assert not torch.equal(connectors[0]['weight'], connectors[1]['weight'])  # both learn
        image = conv2d(witness.kept[whose], **connectors[0])
        first = patches.model[0].conv(image)
        maps.append([first, patches.model[1](patches.model[0].activate(first.clone()))])
    each = [(s - t).abs().mean() for s, t in zip(*maps, strict=True)]
    assert scalars(runner)['loss_distill_dcd'][0] == pytest.approx(3 * sum(each).item() / 2, rel=1e-5)


def test_without_an_adapter_the_widths_are_named(base, tmp_path):
    cfg = distilled(base, tmp_path, dict(hint=hint(adapter=None)))
    with pytest.raises(ConfigError, match=r'default_hooks.distill.objectives.hint.*adapter') as error:
        train(cfg)
    assert '(2, 4, 8, 8) of the student with (2, 8, 8, 8) of the teacher' in str(error.value)


def test_attention_on_maps_of_another_size_is_named(base, tmp_path):
    attention = dict(type='AttentionTransferLoss', layer=('conv_first', 'upsample'))
    cfg = distilled(base, tmp_path, dict(attention=attention))
    with pytest.raises(ConfigError, match=r'default_hooks.distill.objectives.attention.*adapter') as error:
        train(cfg)
    assert '(2, 4, 8, 8) of the student with (2, ' in str(error.value)


class Twice(EDSRNet):
    """Its body runs twice."""

    def forward(self, x):
        return self.conv_last(self.upsample(self.body(self.body(self.conv_first(x)))))


class Checkpointed(EDSRNet):
    """What its body makes is made anew in the backward pass."""

    def forward(self, x):
        body = checkpoint(self.body, self.conv_first(x), use_reentrant=True)
        return self.conv_last(self.upsample(body))


def of_kind(base, folder, kind, **options):
    cfg = distilled(base, folder, dict(hint=hint(layer='body', **options)))
    for model in (cfg.model, cfg.default_hooks.distill.teacher.model):
        model.generator.type = kind
    return cfg


def test_all_runs_of_a_layer_count_and_have_no_ratio(base, tmp_path):
    """Only the last one did, so that of a clip one frame was distilled."""
    sizes = []

    class Sizes(Witness):
        def before_train_iter(self, runner, *args, **kwargs) -> None:
            hook_of(runner).iteration.watchers = [
                lambda views: sizes.extend(v.features['body', 'body'][0].tensor.shape[0] for v in views)
            ]

    cfg = of_kind(base, tmp_path / 'all', Twice)
    witnessed(cfg, Sizes())
    assert set(sizes) == {2 * cfg.train_dataloader.batch_size}
    with pytest.raises(ConfigError, match=r"hint\.gradient_ratio cannot be held at layer='body'"):
        train(of_kind(base, tmp_path / 'ratio', Twice, gradient_ratio=0.5))


def test_a_layer_that_no_gradient_passes_is_one_sentence(base, tmp_path):
    with pytest.raises(
        ConfigError, match="no gradient passes through what layer='body' makes of 'generator'"
    ):
        train(of_kind(base, tmp_path, Checkpointed))


@pytest.mark.parametrize('kind', [L1Loss, MSELoss, CharbonnierLoss])
def test_one_channel_is_not_stretched_over_those_of_the_teacher(kind):
    """Which the toolbox's losses would do without a word."""
    made = Objective('x', dict(generator=kind()), Place(layer=('a', 'a')))
    with pytest.raises(
        ConfigError, match=r'\(2, 1, 4, 4\) of the student with \(2, 8, 4, 4\) .*stretch.* set `adapter`'
    ):
        made._value('generator', torch.rand(2, 1, 4, 4), torch.rand(2, 8, 4, 4))
