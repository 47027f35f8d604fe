"""Which network an objective looks through, in runs of the families."""

import pytest
import torch
from families import hook_of, load
from mmengine.runner import Runner
from objective_rows import FAMILIES, Witness, base_config, distilled, witnessed

from mmagic_mikd.evaluation.cifar_resnet import CifarResNet
from mmagic_mikd.utils.errors import ConfigError

pytestmark = pytest.mark.usefixtures('one_thread')


class Seeing(Witness):
    """Keeps the pairs, and the network through which each was seen."""

    def after_train_iter(self, runner, *args, **kwargs):
        super().after_train_iter(runner, *args, **kwargs)
        hook = hook_of(runner)
        self.pairs = list(hook.pairs)
        self.backbones = [hook.objectives['look'].backbones[p.name].network for p in hook.pairs]


def run(family, folder, backbone, **settings):
    """Two iterations of a closed form through the backbone."""
    loss = dict(type='LaplaceLoss', backbone=backbone, loss_weight=2.0)
    cfg = distilled(base_config(family, folder / 'base', 2), folder / 'run', dict(look=loss), **settings)
    return cfg, witnessed(cfg, Seeing())[1]


@pytest.mark.parametrize('family', [family for family in FAMILIES if family != 'edsr'])
def test_the_teachers_discriminator_comes_from_its_checkpoint(family, tmp_path):
    cfg, witness = run(family, tmp_path, 'discriminator')
    saved = load(cfg.default_hooks.distill.teacher.checkpoint)['state_dict']
    assert witness.pairs
    for pair, network in zip(witness.pairs, witness.backbones, strict=True):
        domain = pair.path.partition('generators.')[2]
        prefix = f'discriminators.{domain}.' if domain else 'discriminator.'
        own = network.state_dict()
        assert own and all(torch.equal(own[name], saved[prefix + name]) for name in own)
        assert not any(p.requires_grad for p in network.parameters())


@pytest.mark.parametrize('family', ['pix2pix', 'stylegan2'])
def test_the_students_discriminator_is_the_one_in_training(family, tmp_path):
    _, witness = run(family, tmp_path, 'student_discriminator')
    own = witness.backbones[0].state_dict()
    prefix = 'discriminators.photo.' if family == 'pix2pix' else 'discriminator.'
    assert all(torch.equal(own[name], witness.models[-1][prefix + name]) for name in own)
    first, last = (
        {n: v for n, v in model.items() if n.startswith(prefix) and 'num_batches' not in n}
        for model in (witness.models[0], witness.models[-1])
    )
    assert any(not torch.equal(first[n], last[n]) for n in first)  # it still learns


def test_the_teacher_itself_can_be_one(tmp_path):
    _, witness = run('edsr', tmp_path, 'generator')
    assert [pair.teacher for pair in witness.pairs] == witness.backbones


@pytest.mark.parametrize(
    ('backbone', 'sentence'),
    [
        ('discriminator', "backbone='discriminator': the teacher has none that can be loaded"),
        ('student_discriminator', "backbone='student_discriminator': the model trains no discriminator"),
        ('discriminator_of_teacher', 'is not known'),
        (dict(type='random', layers=['layers.9']), "layers: RandomFeatures has no layer 'layers.9'"),
        (dict(type='random', width=3), 'backbone'),
        (dict(type='generator', checkpoint='x'), 'backbone'),
        (dict(type='random', checkpoint='nowhere.pth'), 'nowhere.pth does not exist'),
    ],
)
def test_what_cannot_be_is_one_sentence_before_training(backbone, sentence, tmp_path):
    with pytest.raises(ConfigError, match=r'default_hooks\.distill\.objectives\.look') as refused:
        run('edsr', tmp_path, backbone)
    assert sentence in str(refused.value) and '\n' not in str(refused.value)


@pytest.mark.parametrize('same', [True, False])
def test_the_network_of_a_score_is_named(tmp_path, caplog, same):
    """A student can be good at the score it is trained on, and at nothing else."""
    for name in ('weights.pth', 'other.pth'):
        torch.save(CifarResNet(depth=8).state_dict(), tmp_path / name)
    weights = str(tmp_path / 'weights.pth')
    backbone = dict(type='CifarResNet', depth=8, checkpoint=weights, layers=['layer1'])
    look = dict(type='MomentLoss', backbone=backbone)
    runner = Runner.from_cfg(
        distilled(base_config('edsr', tmp_path / 'base', 2), tmp_path / 'run', dict(look=look))
    )
    scored = str(tmp_path / 'base' / '..' / ('weights.pth' if same else 'other.pth'))
    runner.cfg.test_evaluator = [dict(metrics=[dict(type='BackboneFrechetDistance', checkpoint=scored)])]
    runner.logger.addHandler(caplog.handler)
    runner.train()
    sentence = 'objectives.look.backbone.checkpoint='
    warned = [r.message for r in caplog.records if sentence in r.message]
    assert len(warned) == same and all('a score in test_evaluator, too' in each for each in warned)
