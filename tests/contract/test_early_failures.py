"""What cannot be distilled says so in one sentence, before the student's first update and checkpoint."""

import copy
import logging
from pathlib import Path

import pytest
import torch
from families import save_teacher, scalars
from matrix import CASES
from matrix.run import build_config, merge
from matrix.witness import snapshot
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.registry import MODELS, DefaultScope
from mmengine.runner import Runner
from torch import nn

from mmagic_mikd.utils.errors import ConfigError


@pytest.fixture(autouse=True)
def mmagic_scope():
    with DefaultScope.overwrite_default_scope('mmagic'):
        yield


class Start(Hook):
    """Keeps the weights of the model as they are when training starts."""

    priority = 'VERY_HIGH'

    def before_train(self, runner):
        self.weights = snapshot(runner.model)


def config(family, folder, **distill):
    """The tiny run of the matrix, with changes in `default_hooks.distill`."""
    case = next(case for case in CASES if case.family == family)
    cfg = build_config(case, folder / folder.name)  # MMEngine keeps one log for each name and second
    merge(cfg.default_hooks.distill, distill)
    return cfg


def refusal(cfg, student='generator') -> str:
    """The sentence that a run ends with, its student unchanged and nothing saved."""
    runner, start = Runner.from_cfg(copy.deepcopy(cfg)), Start()
    runner.register_hook(start)
    with pytest.raises(ConfigError) as caught:
        runner.train()
    weights = {name: p for name, p in runner.model.named_parameters() if name.startswith(student)}
    assert weights and all(torch.equal(p, start.weights[name]) for name, p in weights.items())
    assert not [path for path in Path(cfg.work_dir).rglob('*.pth') if path.name != 'teacher.pth']
    sentence = str(caught.value)
    assert '\n' not in sentence and len(sentence) < 400
    return sentence


def other_teacher(cfg, **generator):
    """Give the run a teacher whose generator has other settings."""
    teacher = cfg.default_hooks.distill.teacher
    teacher.model.generator.update(generator)
    teacher.checkpoint = save_teacher(teacher.model, Path(cfg.work_dir))


def test_outputs_of_different_shape(tmp_path):
    cfg = config('EDSR', tmp_path)
    other_teacher(cfg, upscale_factor=4)
    sentence = refusal(cfg)
    assert 'teacher image (2, 3, 32, 32) and student image (2, 3, 16, 16)' in sentence
    assert 'need the same output size' in sentence


def test_teacher_of_other_images(tmp_path):
    cfg = config('EDSR', tmp_path)
    other_teacher(cfg, in_channels=1, out_channels=1, rgb_mean=[0.5], rgb_std=[1.0])
    sentence = refusal(cfg)
    assert "the teacher of 'generator' cannot take what the student is given" in sentence
    assert '(2, 3, 8, 8)' in sentence and 'need the same inputs' in sentence


def test_teacher_of_another_latent(tmp_path):
    cfg = config('DCGAN', tmp_path)
    cfg.default_hooks.distill.teacher.model.noise_size = 16
    other_teacher(cfg)
    assert 'has noise_size=16, the student has 8' in refusal(cfg)


class TwoNetworks(BaseModel):
    """An autoencoder; no MMagic model, but trained by the toolbox all the same."""

    def __init__(self, data_preprocessor, width=4, seen=True):
        super().__init__(data_preprocessor)
        self.encoder = nn.Conv2d(3, width, 3, padding=1)
        self.decoder = nn.Conv2d(width, 3, 3, padding=1)
        self.seen = seen

    def forward(self, inputs, data_samples=None, mode='tensor'):
        return dict(loss=self.decoder(self.encoder(inputs)).square().mean())

    def train_step(self, data, optim_wrapper):
        if self.seen:
            return super().train_step(data, optim_wrapper)
        losses = self._run_forward(self.data_preprocessor(data, True), mode='loss')
        losses['loss'].backward()
        optim_wrapper.step()
        return losses


class OneNetwork(TwoNetworks):
    """One network, under a name of its own."""

    def __init__(self, data_preprocessor, width=4, network=None, **kwargs):
        super().__init__(data_preprocessor, width, **kwargs)
        layers = self._modules.pop('encoder'), self._modules.pop('decoder')
        self.painter = MODELS.build(network) if network else nn.Sequential(*layers)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        image = self.painter(inputs)
        return dict(loss=(image['picture'] if isinstance(image, dict) else image).square().mean())


for model in (OneNetwork, TwoNetworks):
    MODELS.register_module(module=model, force=True)


def own_model(folder, name, **settings):
    """EDSR's run with a model that MMagic has never heard of."""
    cfg = config('EDSR', folder)
    preprocessor = cfg.model.data_preprocessor
    cfg.model = dict(type=name, data_preprocessor=preprocessor, **settings)
    cfg.train_dataloader.dataset.scale = 1
    distill = cfg.default_hooks.distill
    distill.teacher.model = dict(cfg.model, width=8)
    distill.teacher.checkpoint = save_teacher(distill.teacher.model, Path(cfg.work_dir))
    distill.objectives.mi.critic.image_size = 8
    return cfg


def test_no_generator(tmp_path):
    sentence = refusal(own_model(tmp_path, 'TwoNetworks'), student='encoder')
    assert 'TwoNetworks has no `generator` or `generators` but encoder and decoder to train' in sentence
    assert 'set default_hooks.distill.pairs' in sentence


def test_the_only_network_is_the_generator(tmp_path):
    runner = Runner.from_cfg(own_model(tmp_path, 'OneNetwork'))
    runner.train()
    assert scalars(runner)['loss_distill_mi'].size == 2


def test_a_network_in_the_middle_is_told_by_its_path(tmp_path):
    cfg = own_model(tmp_path, 'TwoNetworks')
    cfg.default_hooks.distill.pairs = [dict(student='decoder')]
    assert "'decoder' is given what other trained networks make of the data" in refusal(cfg, 'decoder')


def test_an_update_that_passes_the_optimiser_wrapper_by(tmp_path):
    cfg = own_model(tmp_path, 'OneNetwork', seen=False)
    assert 'call optim_wrapper.update_params(loss) in place of loss.backward()' in refusal(cfg, 'painter')


def test_no_such_network(tmp_path):
    cfg = config('EDSR', tmp_path, pairs=[dict(student='net')])
    assert "BaseEditModel has no module 'net'; give the path of the generator in `student`" in refusal(cfg)


def test_no_such_network_in_the_teacher(tmp_path):
    cfg = config('EDSR', tmp_path, pairs=[dict(student='generator', teacher='net')])
    assert "has no network 'net' (it has" in refusal(cfg)


def test_a_misspelt_pair(tmp_path):
    cfg = config('EDSR', tmp_path, pairs=[dict(student='generator', tutor='generator')])
    assert 'each is a dict of `student` and, if needed, `teacher`' in refusal(cfg)


def test_two_optimisers(tmp_path):
    cfg = config('DCGAN', tmp_path)
    adam = dict(optimizer=dict(type='Adam', lr=1e-4))
    del cfg.optim_wrapper['generator']
    cfg.optim_wrapper.update({'generator.noise2feat': adam, 'generator.(upsampling|output_layer)': adam})
    sentence = refusal(cfg)
    assert "'generator' is updated by two optimisers, optim_wrapper.generator.noise2feat and" in sentence
    assert 'give the generator one optimiser' in sentence


def test_no_optimiser(tmp_path):
    cfg = config('DCGAN', tmp_path)
    cfg.optim_wrapper['critic'] = dict(cfg.optim_wrapper.pop('generator'), modules='discriminator')
    cfg.optim_wrapper.discriminator.modules = 'discriminator'
    sentence = refusal(cfg)
    assert "optim_wrapper (it has discriminator, critic) trains no weight of 'generator'" in sentence


def test_a_checkpoint_of_another_model(tmp_path):
    cfg = config('EDSR', tmp_path)
    torch.save(dict(state_dict={'backbone.weight': torch.zeros(1)}), tmp_path / 'other.pth')
    cfg.default_hooks.distill.teacher.checkpoint = str(tmp_path / 'other.pth')
    sentence = refusal(cfg)
    assert 'does not fit the teacher' in sentence and 'the file holds backbone' in sentence


def test_the_checkpoint_of_the_student(tmp_path):
    cfg = config('EDSR', tmp_path)
    cfg.default_hooks.distill.teacher.checkpoint = save_teacher(cfg.model, tmp_path)
    assert "holds the student at 'generator', not its teacher" in refusal(cfg)


@pytest.mark.parametrize('own', [True, False])
def test_a_student_that_is_its_own_teacher_is_warned_of(tmp_path, caplog, own):
    """Refused it is not: a student may start as a copy of its teacher, to be pruned or quantised."""
    cfg = config('EDSR', tmp_path)
    distill = cfg.default_hooks.distill
    distill.teacher.model = copy.deepcopy(cfg.model)
    distill.teacher.checkpoint = save_teacher(cfg.model, tmp_path)
    cfg.load_from = distill.teacher.checkpoint if own else None
    runner = Runner.from_cfg(cfg)
    runner.logger.addHandler(caplog.handler)
    with caplog.at_level(logging.WARNING):
        runner.train()
    assert ('has the weights of the student, so there is nothing to learn' in caplog.text) == own


def test_images_too_small_for_the_critic(tmp_path):
    cfg = config('EDSR', tmp_path, objectives=dict(mi=dict(critic=dict(image_size=256))))
    assert 'images of 16x16 are too small for 7 blocks; set critic.image_size=16' in refusal(cfg)


def test_images_of_other_channels_than_the_data(tmp_path):
    cfg = config('IndexNet', tmp_path, pairs=[dict(student='backbone')])
    sentence = refusal(cfg, 'backbone')
    assert 'normalises 3 channels' in sentence and 'set `value_range`' in sentence


class Dictionary(nn.Conv2d):
    """A generator with more to tell than its image."""

    def __init__(self):
        super().__init__(3, 3, 3, padding=1)

    def forward(self, x):
        return dict(picture=super().forward(x), depth=None)


MODELS.register_module(module=Dictionary, force=True)


@pytest.mark.parametrize('output', [None, 'image'])
def test_an_output_that_is_not_told(tmp_path, output):
    cfg = own_model(tmp_path, 'OneNetwork', network=dict(type='Dictionary'))
    cfg.default_hooks.distill.pairs = [dict(student='painter', output=output)]
    sentence = refusal(cfg, 'painter')
    assert "returns a dict of 'picture', 'depth', not an image; set `output`" in sentence


def test_points_instead_of_images(tmp_path):
    cfg = config('LIIF', tmp_path)
    assert 'set default_hooks.distill.objectives.mi=None and use another objective' in refusal(cfg)


def test_the_remedy_for_points_works(tmp_path):
    cfg = config('LIIF', tmp_path, objectives=dict(mi=None, l1=dict(type='L1Loss', loss_weight=1.0)))
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert scalars(runner)['loss_distill_l1'].min() > 0
