"""Objectives on a layer's features whose channels differ: an adapter that fits the first batch and learns."""

from itertools import pairwise

import pytest
import torch
from families import hook_of, load, scalars, train
from interruption import difference, elsewhere
from objective_rows import LAYERS, Witness, base_config, distilled, witnessed
from torch.nn.functional import conv2d, mse_loss

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
