"""One row for each objective, and the tiny runs in which its contract is tested; a new loss is a new row."""

import copy
from pathlib import Path
from unittest.mock import patch

import torch
from families import equal, hook_of, load, nafnet
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from resumable import FAMILIES, every
from torch import Tensor

LAYERS = dict(  # whose features have one size in student and teacher, and twice the channels in the teacher
    pix2pix='model.model.1',
    cyclegan='model.3',
    stylegan2='conv1',
    one_mapping='convs.1',
    edsr='body',
    srgan='trunk_net',
)
LAYER = 'the layer of the family'
EYES = dict(type='random', widths=(4, 8))
ROWS = dict(
    pyramid=dict(type='PyramidLaplaceLoss'),
    vid=dict(type='VIDLoss', initial_variance=0.1, learner=dict(optimizer=dict(type='Adam', lr=0.1))),
    info_nce=dict(type='InfoNCELoss', patch_size=4, num_patches=16, dim=8),
    laplace=dict(type='LaplaceLoss'),
    # what a frozen network makes of both images, with a scale for each of its layers
    features=dict(type='LaplaceLoss', backbone=EYES, per_channel=True),
    balanced=dict(type='L1Loss', gradient_ratio=0.5),
    haar=dict(type='HaarLaplaceLoss', levels=1),
    # energies without a chain: of places, of features, beside a base that they correct
    nce=dict(
        type='MIDistillLoss', estimator='nce', negatives=['moved'], critic=dict(base_channels=2, num_blocks=1)
    ),
    feature_nce=dict(
        type='MIDistillLoss',
        estimator='ranking',
        negatives=['moved'],
        backbone=EYES,
        learner=dict(optimizer=dict(type='Adam', lr=0.01)),
    ),
    residual=dict(
        type='MIDistillLoss',
        estimator='likelihood',
        gradient_ratio=0.5,
        negatives=['base'],
        base=dict(type='HaarLaplaceLoss', levels=1),
        critic=dict(base_channels=2, num_blocks=1),
    ),
    # the same by chains, in the white noise of the base
    white_chain=dict(
        type='MIDistillLoss',
        gradient_ratio=0.5,
        base=dict(type='HaarLaplaceLoss', levels=1),
        critic=dict(base_channels=2, num_blocks=1),
        chain=dict(steps=2),
    ),
    adversarial=dict(type='AdversarialLoss', base_channels=4),
    attention=dict(type='AttentionTransferLoss', layer=LAYER),
    mi=dict(type='MIDistillLoss', critic=dict(base_channels=2), chain=dict(steps=2)),
    l1=dict(type='L1Loss'),
    l2=dict(type='MSELoss'),
    # a layer's features, through an adapter that learns to make them as wide as the teacher's
    hint=dict(type='MSELoss', layer=LAYER, adapter=dict(type='Conv2d', kernel_size=1)),
    # rivals of images
    ssim=dict(type='SSIMLoss', window_size=5),
    total_variation=dict(type='TotalVariationLoss'),
    wavelet=dict(type='WaveletLoss', levels=1),
    focal_frequency=dict(type='FocalFrequencyLoss'),
    # of the features of a frozen network
    style=dict(type='StyleLoss', backbone=EYES),
    mmd=dict(type='MMDLoss', backbone=EYES),
    moments=dict(type='MomentLoss', backbone=EYES),
    crd=dict(type='CRDLoss', backbone=EYES, dim=4),
    # of a layer, in which student and teacher may differ in width
    pkt=dict(type='PKTLoss', layer=LAYER, samples='positions', loss_weight=1e4),
    kernel_alignment=dict(type='KernelAlignmentLoss', layer=LAYER, samples='positions'),
    spatial_affinity=dict(type='SpatialAffinityLoss', layer=LAYER, size=4),
    relational=dict(type='RelationalLoss', layer=LAYER, samples='positions'),
    channels=dict(
        type='ChannelDistillationLoss', layer=LAYER, adapter=dict(type='Conv2d', kernel_size=1, bias=False)
    ),
    # a layer's features, made into images in both networks, as a frozen one sees them
    connected=dict(
        type='L1Loss',
        layer=LAYER,
        adapter=dict(type='ConvModule', kernel_size=1, norm_cfg=dict(type='BN', track_running_stats=False)),
        backbone=EYES,
    ),
    # a variance for each channel of what is looked at, whose number is found out
    vid_layer=dict(
        type='VIDLoss',
        layer=LAYER,
        adapter=dict(type='VIDRegressor'),
        learner=dict(optimizer=dict(type='Adam', lr=0.01)),
    ),
    vid_features=dict(type='VIDLoss', backbone=EYES, learner=dict(optimizer=dict(type='Adam', lr=0.1))),
    # a discriminator that knows the pairs
    adversarial_pairs=dict(type='AdversarialLoss', base_channels=4, sees=['input', 'student']),
    # of features at two styles, which only one family has
    style_relation=dict(type='StyleRelationLoss', layer=LAYER),
)
ONLY = dict(style_relation=('one_mapping',))  # families of rows that the others cannot have
# These rows are tested in every family, because how they reach the student is their own; the others differ in
# their arithmetic alone, and are tested in one.
THROUGHOUT = ('pyramid', 'info_nce', 'features', 'balanced', 'feature_nce', 'attention', 'mi', 'hint')
LEARNING = (
    *('pyramid', 'vid', 'laplace', 'haar', 'features', 'info_nce', 'hint'),
    *('mi', 'nce', 'feature_nce', 'residual', 'white_chain', 'crd', 'channels', 'connected', 'adversarial'),
    *('vid_layer', 'vid_features', 'adversarial_pairs'),
)


def objective(row: str, family: str, **options) -> dict:
    """The config of a row; weights differ from 1, which a default would hide."""
    cfg = copy.deepcopy(dict(dict(loss_weight=2.0) | ROWS[row], **options))
    if cfg.get('layer') == LAYER:
        cfg['layer'] = LAYERS[family]
    return cfg


def one_mapping(folder: Path, iters: int) -> Config:
    """A StyleGAN2 that starts with the mapping network of its teacher, in the plain toolbox, too."""
    cfg = FAMILIES['stylegan2'](folder, iters)
    saved, beginning = (
        load(cfg.default_hooks.distill.teacher.checkpoint)['state_dict'],
        'generator_ema.module.',
    )
    own = {f'generator.{k.removeprefix(beginning)}': v for k, v in saved.items() if k.startswith(beginning)}
    state = {name: value for name, value in own.items() if '.style_mapping.' in name}
    assert state
    cfg.load_from = str(folder / 'mapping.pth')
    torch.save(dict(state_dict=state), cfg.load_from)
    return cfg


def base_config(family: str, folder: Path, iters: int = 4) -> Config:
    """A run of the family with its teacher, and no objective; a checkpoint every two iterations."""
    cfg = every({**FAMILIES, 'nafnet': nafnet, 'one_mapping': one_mapping}[family](folder, iters), 2)
    cfg.default_hooks.distill = dict(type='DistillRunner', teacher=cfg.default_hooks.distill.teacher)
    return cfg


def distilled(base: Config, folder: Path, objectives: dict[str, dict], **settings) -> Config:
    """That run by these objectives, in a folder of its own."""
    cfg = copy.deepcopy(base)
    cfg.work_dir = str(folder)
    cfg.default_hooks.distill.update(objectives=objectives, **settings)
    return cfg


def weights(module: torch.nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def discriminators(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value for name, value in state.items() if name.startswith('discriminator')}


class Witness(Hook):
    """Keeps, of each iteration, the weights of all networks, and gradients that nobody should have."""

    priority = 'HIGHEST'  # while the images of the iteration are still there

    def before_train(self, runner: Runner) -> None:
        self.models, self.teachers, self.learned, self.strays = [], [], [], []
        self.values: list[dict[str, float]] = []

    def before_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        if not self.teachers:
            self.note(runner, self.teachers)

    def after_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        hook = hook_of(runner)
        self.models.append(weights(runner.model))
        self.note(runner, self.teachers)
        self.learned.append({name: weights(each.network) for name, each in hook.objectives.items()})
        networks = dict(
            {p.path: p.teacher for p in hook.pairs}, **{o.name: o.network for o in hook.objectives.values()}
        )
        for name, network in networks.items():
            self.strays += [f'{name}.{key}' for key, p in network.named_parameters() if p.grad is not None]
            if network in [pair.teacher for pair in hook.pairs]:
                self.strays += [f'{name}.{key}' for key, p in network.named_parameters() if p.requires_grad]
        self.suffixes = [f'_{p.name}' for p in hook.pairs] if len(hook.pairs) > 1 else ['']

    @staticmethod
    def note(runner: Runner, into: list) -> None:
        into.append({pair.path: weights(pair.teacher) for pair in hook_of(runner).pairs if pair.teacher})


class PlainWitness(Hook):
    """Keeps the weights of the model after each iteration."""

    priority = 'HIGHEST'  # before hooks that average them, as the other one

    def before_train(self, runner: Runner) -> None:
        self.models = []

    def after_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        self.models.append(weights(runner.model))


def witnessed(cfg: Config, witness: Hook) -> tuple[Runner, Hook]:
    runner = Runner.from_cfg(copy.deepcopy(cfg))
    runner.register_hook(witness)
    runner.train()
    return runner, witness


def finite(state: dict[str, Tensor]) -> bool:
    return all(value.isfinite().all() for value in state.values())


def same(a: dict[str, dict], b: dict[str, dict]) -> bool:
    return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)


@HOOKS.register_module()
class Poison(Hook):
    """In one iteration an objective is not finite.

    Args:
        name: of the objective.
        kind: 'learning', the loss that it learns from; 'value', its part of the student's loss; 'gradient',
            what it gives back of that; 'image', one value of the student's image, as all objectives see it.
        at: the iterations, counted from 0.
    """

    priority = 'HIGHEST'

    def __init__(self, name: str, kind: str, at: list[int]) -> None:
        self.name, self.kind, self.at, self.undo = name, kind, at, []

    def before_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        if runner.iter in self.at:
            getattr(self, self.kind)(runner)

    def after_train_iter(self, *args, **kwargs) -> None:
        while self.undo:
            self.undo.pop()()

    def learning(self, runner: Runner) -> None:
        own = hook_of(runner).objectives[self.name]
        original = own.learning_loss
        self._patch(own, 'learning_loss', lambda views: original(views) * torch.nan)

    def value(self, runner: Runner) -> None:
        self._student_phase(runner, lambda value: value * torch.nan)

    def gradient(self, runner: Runner) -> None:
        def infinite(value: Tensor) -> Tensor:
            value.register_hook(lambda gradient: gradient * torch.inf)
            return value

        self._student_phase(runner, infinite)

    def image(self, runner: Runner) -> None:
        for pair in hook_of(runner).pairs:
            self._infinite_pixel(pair)

    def _infinite_pixel(self, pair) -> None:
        original = pair.view

        def view():
            made = original()
            pixel = torch.zeros_like(made.s)
            pixel[0, 0, 0, 0] = torch.inf
            return made._replace(s=made.s + pixel)

        self._patch(pair, 'view', view)

    def _student_phase(self, runner: Runner, change) -> None:
        """In the call that reaches the student, in which all that was learned is a constant."""
        own = hook_of(runner).objectives[self.name]
        name = '_raising' if hasattr(own, '_raising') else '_value'  # of one pair
        self._patch(own, name, self._changed(own, getattr(own, name), change))

    @staticmethod
    def _changed(own, original, change):
        def forward(*args):
            value = original(*args)
            constant = not any(p.requires_grad for p in own.network.parameters())
            return change(value) if constant else value

        return forward

    def _patch(self, *args) -> None:
        patcher = patch.object(*args)
        patcher.start()
        self.undo.append(patcher.stop)
