"""The catalogue: what a user may get wrong, how it is broken, and what the sentence has to name."""

import os
from collections.abc import Callable
from typing import Any

import torch
from bad_input_case import DISTILL, Case
from bad_input_online import ONLINE
from bad_input_world import DELETED, World, model, network

PICTURES = 'default_hooks.distill_pictures'


def distill(name: str, names: str, remedy: str, **changes: Any) -> Case:
    """Something in `default_hooks.distill`; double underscores stand for dots."""
    keys = {f'{DISTILL}.{key.replace("__", ".")}': value for key, value in changes.items()}
    return Case(name, names, remedy, keys)


def options(name: str, names: str, remedy: str, *settings: str) -> Case:
    return Case(name, names, remedy, arguments=('--cfg-options', *settings))


def teacher_file(name: str, remedy: str, prepare: Callable[[World], object]) -> Case:
    return Case(name, f'{DISTILL}.teacher.checkpoint=teacher.pth', remedy, prepare=prepare)


def start_file(name: str, names: str, content: Any) -> Case:
    """Something that is no state dictionary, in `load_from`."""
    return Case(
        name,
        f'the checkpoint start.pth holds {names}' if ' without ' in names else names,
        'use a file with a `state_dict`',
        {'load_from': 'start.pth'},
        lambda world: torch.save(content, world.root / 'start.pth'),
    )


def tested(name: str, names: str, remedy: str, changes: dict) -> Case:
    """Something in the config of a test, whose checkpoint is sound."""
    return Case(
        name,
        names,
        remedy,
        changes,
        lambda world: world.save('iter_2.pth', model(4)),
        tool='test',
        arguments=('iter_2.pth',),
    )


def cut(world: World, name: str, share: float = 0.99) -> None:
    """A checkpoint of the student without its end."""
    path = world.save(name, model(4))
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])


def only(keep: str) -> Callable[[World], None]:
    """One picture for all four, so that it is the first to be loaded."""

    def prepare(world: World) -> None:
        for path in (world.root / 'data').rglob('*.png'):
            if path.stem != keep:
                path.unlink()

    return prepare


class Payload:
    """What an attacker puts into a checkpoint."""

    def __init__(self, victim: str) -> None:
        self.victim = victim

    def __reduce__(self) -> tuple:
        return open, (self.victim, 'w')


def payload(world: World, name: str) -> None:
    torch.save(dict(state_dict={}, mikd=Payload(str(world.root / 'pwned'))), world.root / name)


def folder_in_place_of(world: World, name: str) -> None:
    (world.root / name).unlink()
    (world.root / name).mkdir()


def truncate(world: World, name: str) -> None:
    path = world.root / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def pipe_in_place_of_teacher(world: World) -> None:
    (world.root / 'teacher.pth').unlink()
    os.mkfifo(world.root / 'teacher.pth')


def change_teacher(world: World, change: Callable[[dict], object]) -> None:
    path = world.root / 'teacher.pth'
    torch.save(change(torch.load(path, weights_only=True)['state_dict']), path)


def quantised_teacher(world: World) -> None:
    change_teacher(world, lambda state: {key: (100 * value).to(torch.int8) for key, value in state.items()})


def two_entries(world: World) -> None:
    def change(state: dict) -> dict:
        state = {key.removeprefix('generator.'): value for key, value in state.items()}
        return dict(params=state, params_ema=state)

    change_teacher(world, change)


def one_generator_only(world: World) -> None:
    torch.save({'backbone.weight': torch.zeros(1)}, world.root / 'teacher.pth')


def no_pictures(world: World) -> None:
    for path in (world.root / 'data').rglob('*.png'):
        path.unlink()


def all_but_one_partner(world: World) -> None:
    (world.root / 'data/large/3.png').unlink()


def full_disk(world: World) -> None:
    """The new checkpoint's bytes go to a device that is always full."""
    (world.root / 'work/iter_2.pth.tmp').symlink_to('/dev/full')


CRITIC, LOSS, MI = 'EnergyCritic: ', 'MIDistillLoss: ', f'{DISTILL}.objectives.mi'
CHAIN = f'{MI}.chain'
YAML_PAYLOAD = 'model: !!python/object/apply:builtins.open [pwned, w]\n'

CASES = [
    # ---- names
    distill(
        'an argument of the hook misspelt', "'objectivs'", "did you mean 'objectives'?", objectivs=dict()
    ),
    distill(
        'the loss misspelt', f"{MI}.type='MIDistilLoss'", 'MIDistillLoss', objectives__mi__type='MIDistilLoss'
    ),
    distill(
        'the critic misspelt',
        f"{MI}.critic.type='EnergyCritc'",
        'EnergyCritic',
        objectives__mi__critic__type='EnergyCritc',
    ),
    distill('a setting of the loss misspelt', "'loss_wight'", 'loss_weight', objectives__mi__loss_wight=1.0),
    distill(
        'a setting of the critic misspelt',
        "'base_chanels'",
        'base_channels',
        objectives__mi__critic__base_chanels=4,
    ),
    distill(
        'a setting of the chain misspelt',
        f"{CHAIN} has no setting 'step'",
        "'steps'",
        objectives__mi__chain__step=5,
    ),
    distill(
        "the critic's optimiser misspelt",
        f"{MI}.learner.optimizer.type='Adm'",
        "'Adam'",
        objectives__mi__learner__optimizer__type='Adm',
    ),
    distill(
        "a setting of the critic's optimiser misspelt",
        f'{MI}.learner.optimizer',
        "did you mean 'lr'?",
        objectives__mi__learner__optimizer__lrr=1.0,
    ),
    distill(
        'an objective misspelt',
        f"{DISTILL}.objectives.l1.type='L1Los'",
        "did you mean 'L1Loss'?",
        objectives__l1__type='L1Los',
    ),
    distill('a pair misspelt', f'{DISTILL}.pairs', '`student`', pairs=[dict(studnet='generator')]),
    distill(
        'a network that is not there',
        f'{DISTILL}.pairs',
        'path of the generator',
        pairs=[dict(student='net')],
    ),
    distill(
        'a layer that is not there',
        f'{DISTILL}.objectives.l1',
        'shows the names',
        objectives__l1=dict(type='L1Loss', layer='transformer'),
    ),
    distill(
        'a layer misspelt',
        f"{DISTILL}.objectives.l1.layer='conv_frist' is no layer of the student",
        "did you mean 'conv_first'?",
        objectives__l1=dict(type='L1Loss', layer='conv_frist'),
    ),
    distill(
        "a layer misspelt in the teacher's half",
        "is no layer of the teacher of 'generator'",
        "did you mean 'conv_first'?",
        objectives__l1=dict(type='L1Loss', layer=('conv_first', 'conv_frist')),
    ),
    distill(
        "a recipe's objective misspelt",
        f'{DISTILL}.objectives.pyramide has no `type`',
        "did you mean 'pyramid'?",
        recipe='pyramid',
        objectives=dict(pyramide=dict(loss_weight=5)),
    ),
    distill(
        'an unknown way to inherit', f'{DISTILL}.start.body', 'choose from own', start=dict(body='copied')
    ),
    distill(
        'statistics frozen after the training',
        f'{DISTILL}.frozen_statistics=1.5',
        'at most 1',
        frozen_statistics=1.5,
    ),
    distill(
        'statistics frozen where there are none',
        f'{DISTILL}.frozen_statistics is for generators with batch normalisation',
        'leave it out',
        frozen_statistics=0.5,
    ),
    distill(
        'an objective that ends after the training',
        f'{DISTILL}.objectives.l1.until',
        'at most 1',
        objectives__l1=dict(type='L1Loss', until=2),
    ),
    distill(
        'an unknown target',
        f"{MI}.target='techer'",
        "'teacher' or 'ground_truth'",
        objectives__mi__target='techer',
    ),
    Case(
        "the student's generator misspelt",
        "model.generator.type='EDSRNett'",
        'EDSRNet',
        {'model.generator.type': 'EDSRNett'},
    ),
    Case(
        "a setting of the student's generator misspelt",
        "'mid_chanels'",
        'mid_channels',
        {'model.generator.mid_chanels': 4},
    ),
    Case("the student's optimiser misspelt", "'Sgd'", 'SGD', {'optim_wrapper.optimizer.type': 'Sgd'}),
    Case('a setting of the training misspelt', "'max_iter'", 'max_iters', {'train_cfg.max_iter': 5}),
    Case(
        'a setting of the data loader misspelt',
        "train_dataloader has no setting 'batchsize'",
        'batch_size',
        {'train_dataloader.batchsize': 2},
    ),
    Case(
        'a `_delete_` that has nothing to delete',
        'train_dataloader.dataset (BasicImageDataset) still has `_delete_`',
        'take it out',
        {'train_dataloader.dataset._delete_': True},
    ),
    Case(
        'a transform misspelt',
        "train_dataloader.dataset.pipeline[3].type='PairedRandomCrob'",
        'PairedRandomCrop',
        {'train_dataloader.dataset.pipeline.3.type': 'PairedRandomCrob'},
    ),
    options(
        'a hook misspelt on the command line', 'default_hooks.distil', "'distill'", 'default_hooks.distil.a=1'
    ),
    options('a key misspelt on the command line', "'modle'", "'model'", 'modle.generator.mid_channels=2'),
    options('a key within a number', 'log_level.x', 'does not fit', 'log_level.x=1'),
    options('no value on the command line', '--cfg-options foo', 'KEY=VALUE', 'foo'),
    options('no key on the command line', '--cfg-options =1', 'KEY=VALUE', '=1'),
    options('a bracket missing on the command line', '--cfg-options a=[1,(2]', 'correct it', 'a=[1,(2]'),
    # ---- kinds and ranges of values
    distill(
        'a text as weight', f"{MI}.loss_weight='high'", 'must be a number', objectives__mi__loss_weight='high'
    ),
    distill(
        'an objective with the name of the model',
        f"{DISTILL}.objectives has the name 'model'",
        'give another',
        objectives__model=dict(type='L1Loss'),
    ),
    distill(
        'a gradient ratio of 0', f'{MI}.gradient_ratio=0', 'more than 0', objectives__mi__gradient_ratio=0
    ),
    distill(
        'a mask that is no picture',
        f'{DISTILL}.objectives.l1.mask=gone.png',
        'give one in which the content is white',
        objectives__l1=dict(type='L1Loss', mask='gone.png'),
    ),
    distill(
        'an unknown backbone',
        "backbone.type='vgg'",
        'backbone=',
        objectives__l1=dict(type='L1Loss', backbone='vgg'),
    ),
    distill(
        'a backbone for the features of a layer',
        'objectives.l1.backbone',
        'leave one out',
        objectives__l1=dict(type='L1Loss', layer='model', backbone='random'),
    ),
    distill(
        'a backbone for a chain',
        f'{MI}.backbone is not for chains',
        "set `estimator` to 'nce'",
        objectives__mi__backbone='random',
    ),
    distill(
        'a base for the ranking loss',
        f"{MI}.estimator='ranking' does not know how draws of a `base`",
        "'nce', 'likelihood' or 'langevin'",
        objectives__mi__estimator='ranking',
        objectives__mi__negatives=['base'],
        objectives__mi__base=dict(type='HaarLaplaceLoss'),
        objectives__mi__chain=None,
    ),
    distill(
        'a start for a chain beside a base',
        f'{MI}.chain.start is not for chains beside a `base`',
        'leave it out',
        objectives__mi__base=dict(type='HaarLaplaceLoss'),
        objectives__mi__chain=dict(start='student'),
    ),
    distill(
        'steps of images for a chain in noise',
        f'{MI}.chain.step_size=100 is for chains of images',
        'leave it out',
        objectives__mi__base=dict(type='HaarLaplaceLoss'),
        objectives__mi__chain=dict(step_size=100.0),
    ),
    distill(
        'a chain where nothing samples',
        f'{MI}.chain is for',
        'leave it out',
        objectives__mi__estimator='nce',
    ),
    distill(
        'negatives of a base that is not there',
        f'{MI}.base and negatives',
        'set `base`',
        objectives__mi__estimator='nce',
        objectives__mi__negatives=['base'],
        objectives__mi__chain=None,
    ),
    distill(
        'a base that cannot be drawn from',
        f'{MI}.base.type: PyramidLaplaceLoss has no method `draw`',
        'HaarLaplaceLoss',
        objectives__mi__estimator='nce',
        objectives__mi__negatives=['base'],
        objectives__mi__base=dict(type='PyramidLaplaceLoss'),
        objectives__mi__chain=None,
    ),
    Case(
        'a loss of relations for batches of one',
        f'{DISTILL}.objectives.l1: PKTLoss compares the samples of a batch',
        "samples='positions'",
        {'train_dataloader.batch_size': 1, f'{DISTILL}.objectives.l1': dict(type='PKTLoss')},
    ),
    distill('an unknown estimator', 'estimator', 'nce', objectives__mi__estimator='nec'),
    distill('an unknown negative', 'negatives', 'moved', objectives__mi__negatives=['move']),
    distill('a negative weight', f'{MI}.loss_weight=-1', 'at least 0', objectives__mi__loss_weight=-1),
    distill('a negative energy_l2', f'{LOSS}energy_l2=-0.1', 'at least 0', objectives__mi__energy_l2=-0.1),
    distill('no channels', f'{CRITIC}base_channels=0', 'at least 1', objectives__mi__critic__base_channels=0),
    distill(
        'a text as size',
        f"{CRITIC}image_size='big'",
        'whole number',
        objectives__mi__critic__image_size='big',
    ),
    distill(
        'far too many Langevin steps',
        f'{CHAIN}.steps=1000000000000',
        'at most 10000',
        objectives__mi__chain__steps=10**12,
    ),
    distill(
        'a critic of other channels',
        'EnergyCritic: s has 3 channels',
        'critic.s_channels is 7: leave it out',
        objectives__mi__critic__s_channels=7,
    ),
    distill(
        'no optimiser of the critic',
        f'{MI}.learner.optimizer=None',
        'must be a dict',
        objectives__mi__learner__optimizer=None,
    ),
    distill(
        'a text as limit of gradients',
        f"{MI}.learner.clip_grad.max_norm='x'",
        'must be a number',
        objectives__mi__learner__clip_grad=dict(max_norm='x'),
    ),
    distill(
        'another loss over an inherited bound', f'{MI}.critic', 'leave it out', objectives__mi__type='L1Loss'
    ),
    distill(
        'a negative weight of attention',
        f'{DISTILL}.objectives.l1.loss_weight=-1',
        'at least 0',
        objectives__l1=dict(type='AttentionTransferLoss', layer='body', loss_weight=-1),
    ),
    distill(
        'a layer without a name',
        f"{DISTILL}.objectives.l1.layer=''",
        'path of a layer',
        objectives__l1__layer='',
    ),
    distill(
        'layers of other widths',
        f'{DISTILL}.objectives.l1 cannot compare (2, 4, 8, 8) of the student with (2, 8, 8, 8)',
        'set `adapter`',
        objectives__l1__layer='body',
    ),
    distill(
        'a module of one argument as objective',
        f'{DISTILL}.objectives.l1 cannot compare',
        'module of (student, teacher)',
        objectives__l1=dict(type='ReLU'),
    ),
    distill('a pair twice', f'{DISTILL}.pairs[1]', 'leave one out', pairs=[dict(student='generator')] * 2),
    Case(
        'two distillations',
        '2 hooks DistillRunner',
        'take the others out',
        {'custom_hooks': [dict(type='DistillRunner', objectives=dict(l1=dict(type='L1Loss')))]},
    ),
    Case(
        "no optimiser of the student's",
        'optim_wrapper.optimizer=None',
        'must be a dict',
        {'optim_wrapper.optimizer': None},
    ),
    Case(
        "a text as limit of the student's gradients",
        "optim_wrapper.clip_grad.max_norm='x'",
        'must be a number',
        {'optim_wrapper.clip_grad': dict(max_norm='x')},
    ),
    Case(
        'no data set', 'train_dataloader.dataset=None', 'must be a dict', {'train_dataloader.dataset': None}
    ),
    Case(
        'an empty pipeline',
        'train_dataloader.dataset.pipeline=[]',
        'list its transforms',
        {'train_dataloader.dataset.pipeline': []},
    ),
    Case(
        'a text as number of checkpoints',
        "default_hooks.checkpoint.max_keep_ckpts='1'",
        'whole number',
        {'default_hooks.checkpoint.max_keep_ckpts': '1'},
    ),
    distill('half a Langevin step', f'{CHAIN}.steps=2.5', 'whole number', objectives__mi__chain__steps=2.5),
    distill('negative Langevin steps', f'{CHAIN}.steps=-1', 'at least 0', objectives__mi__chain__steps=-1),
    distill(
        'no step size', f'{CHAIN}.step_size=None', 'must be a number', objectives__mi__chain__step_size=None
    ),
    distill(
        'an unknown start of the chain',
        f"{CHAIN}.start='teacher'",
        "'shuffled'",
        objectives__mi__chain__start='teacher',
    ),
    Case(
        'no other sample to start a chain at',
        f"{CHAIN}.start='shuffled'",
        "start='student'",
        {f'{CHAIN}.start': 'shuffled', 'train_dataloader.batch_size': 1},
    ),
    distill('negative noise', f'{CHAIN}.noise_std=-0.1', 'at least 0', objectives__mi__chain__noise_std=-0.1),
    distill(
        'a name in place of the loss',
        f"{MI}='MIDistillLoss'",
        'must be a dict',
        objectives__mi='MIDistillLoss',
    ),
    distill(
        'a name in place of an objective',
        f"{DISTILL}.objectives.l1='L1Loss'",
        'must be a dict',
        objectives__l1='L1Loss',
    ),
    distill(
        'one of each spelling',
        f'{DISTILL} has `objectives` and, from before there was one, `terms`',
        'leave `terms` out',
        terms=dict(l1=dict(type='L1Loss')),
    ),
    distill(
        "a negative learning rate of the critic's",
        f'{MI}.learner.optimizer',
        'at least 0',
        objectives__mi__learner__optimizer__lr=-1,
    ),
    Case(
        'no interval between the pictures',
        'DistillPictures: interval=0',
        'at least 1',
        {PICTURES: dict(type='DistillPictures', interval=0)},
    ),
    Case(
        'pictures of a distillation that is none',
        f'DistillPictures draws what {DISTILL} distils',
        'leave the pictures out',
        {PICTURES: dict(type='DistillPictures'), f'{DISTILL}.objectives': None},
    ),
    Case('no iterations', 'train_cfg.max_iters=0', 'at least 1', {'train_cfg.max_iters': 0}),
    Case('half an iteration', 'train_cfg.max_iters=2.5', 'whole number', {'train_cfg.max_iters': 2.5}),
    Case('an empty batch', 'train_dataloader', 'batch_size', {'train_dataloader.batch_size': 0}),
    distill(
        'black and white swapped',
        f'{DISTILL}.pairs: value_range=(1, 0)',
        '(lowest, highest)',
        pairs=[dict(student='generator', value_range=(1, 0))],
    ),
    distill(
        'black as bright as white',
        f'{DISTILL}.pairs: value_range=(1.0, 1.0)',
        '(lowest, highest)',
        pairs=[dict(student='generator', value_range=(1.0, 1.0))],
    ),
    distill(
        'a text in place of a switch',
        f"{DISTILL}.pairs: residual='no'",
        'True or False',
        pairs=[dict(student='generator', residual='no')],
    ),
    # ---- the teacher
    distill(
        "black and white swapped in a foreign teacher's images",
        f'{DISTILL}.teacher.value_range=(1, -1)',
        '(lowest, highest)',
        teacher=dict(network(8), value_range=(1, -1)),
    ),
    distill(
        "a text in place of a foreign teacher's switch",
        f"{DISTILL}.teacher.bgr2rgb='false'",
        'True or False',
        teacher=dict(network(8), bgr2rgb='false'),
    ),
    distill(
        'a text in place of the switch for resizing',
        f"{DISTILL}.teacher.resize='no'",
        'True or False',
        teacher__resize='no',
    ),
    distill(
        "a number in place of the folder for the teacher's images",
        f'{DISTILL}.teacher.cache=3',
        'the name of a folder',
        teacher__cache=3,
    ),
    Case(
        'single pictures where pairs are side by side',
        'LoadPairedImageFromFile in the data pipeline fails on data/train/single.png',
        'BasicImageDataset',
        {
            'train_dataloader.dataset': dict(
                type='PairedImageDataset',
                data_root='data',
                pipeline=[dict(type='LoadPairedImageFromFile', key='pair', domain_a='a', domain_b='b')],
            )
        },
        lambda world: world.picture('data/train/single.png', 9),
    ),
    Case(
        'a good picture and an unknown backend',
        'backend: PIL is not supported',
        'change its settings',
        {'train_dataloader.dataset.pipeline.0.imdecode_backend': 'PIL'},
        only('0'),
    ),
    teacher_file(
        'no teacher', 'train the teacher first', lambda world: (world.root / 'teacher.pth').unlink()
    ),
    teacher_file('a folder as teacher', 'use a file', lambda world: folder_in_place_of(world, 'teacher.pth')),
    teacher_file('an empty file as teacher', 'use a file', lambda world: world.write('teacher.pth', '')),
    teacher_file(
        'an error page of a web site as teacher',
        'use a file',
        lambda world: world.write('teacher.pth', '<!DOCTYPE html><title>404 Not Found</title>'),
    ),
    teacher_file('half a download as teacher', 'use a file', lambda world: truncate(world, 'teacher.pth')),
    teacher_file('a teacher with a payload', 'use a file', lambda world: payload(world, 'teacher.pth')),
    teacher_file(
        'a safetensors file as teacher',
        'use a file',
        lambda world: world.write('teacher.pth', b'\x10\0\0\0\0\0\0\0{"a":{"dtype":1}}'),
    ),
    teacher_file(
        'a list as teacher',
        'use a file with a `state_dict`',
        lambda world: torch.save([1, 2], world.root / 'teacher.pth'),
    ),
    teacher_file(
        'a pickled network as teacher',
        'torch.save(net.state_dict(), file)',
        lambda world: torch.save(torch.nn.Sequential(torch.nn.Conv2d(3, 3, 3)), world.root / 'teacher.pth'),
    ),
    teacher_file('a pipe as teacher', 'use a file', pipe_in_place_of_teacher),
    teacher_file('a teacher of whole numbers', 'exactly that network', quantised_teacher),
    Case(
        'an entry that the file of the teacher lacks',
        f'{DISTILL}.teacher.checkpoint=teacher.pth',
        "set teacher.entry to one of these, 'params', 'params_ema'",
        {f'{DISTILL}.teacher.entry': 'g_ema'},
        two_entries,
    ),
    teacher_file('a teacher of another model', 'exactly that network', one_generator_only),
    teacher_file(
        'the student as teacher', 'holds the student', lambda world: world.save('teacher.pth', model(4))
    ),
    teacher_file(
        'teacher and student swapped',
        'exactly that network',
        lambda world: world.save('teacher.pth', model(6)),
    ),
    Case(
        'a teacher of another scale',
        'teacher image (2, 3, 32, 32) and student image (2, 3, 16, 16)',
        'same output size',
        {f'{DISTILL}.teacher.model.generator.upscale_factor': 4},
        lambda world: world.save('teacher.pth', model(8), upscale_factor=4),
    ),
    Case(
        'a teacher of other channels',
        "the teacher of 'generator'",
        'need the same inputs',
        {
            f'{DISTILL}.teacher.model.generator': dict(
                model(8)['generator'], in_channels=1, out_channels=1, rgb_mean=[0.5], rgb_std=[1.0]
            )
        },
        lambda world: world.save(
            'teacher.pth', model(8), in_channels=1, out_channels=1, rgb_mean=[0.5], rgb_std=[1.0]
        ),
    ),
    distill(
        'a teacher of other colours',
        f'{DISTILL}.teacher.model.data_preprocessor.mean',
        'preprocessing of its teacher',
        teacher__model__data_preprocessor__mean=[127.5] * 3,
    ),
    distill('no teacher in the config', f'{DISTILL}.teacher is missing', 'set its `model`', teacher=None),
    distill(
        'no network of the teacher', f'{DISTILL}.teacher names no', 'set its `model`', teacher__model=DELETED
    ),
    distill('no file of the teacher', 'teacher.checkpoint is missing', 'set it', teacher__checkpoint=DELETED),
    distill('a number as file', f'{DISTILL}.teacher.checkpoint=3', 'file or URL', teacher__checkpoint=3),
    distill(
        'two networks of the teacher',
        f'{DISTILL}.teacher has both',
        'leave one out',
        teacher__config='student.py',
    ),
    distill('an unknown mode', f'{DISTILL}.teacher.mode', "'eval' or 'train'", teacher__mode='test'),
    distill(
        'a setting of the teacher misspelt',
        f"{DISTILL}.teacher has no setting 'mod'",
        "'mode'",
        teacher__mod=1,
    ),
    distill(
        "no config of the teacher's",
        f'{DISTILL}.teacher.config=gone.py',
        'correct',
        teacher=dict(config='gone.py', checkpoint='teacher.pth'),
    ),
    Case(
        "a broken config of the teacher's",
        f'{DISTILL}.teacher.config=teacher.py',
        'correct',
        {f'{DISTILL}.teacher': dict(config='teacher.py', checkpoint='teacher.pth')},
        lambda world: world.write('teacher.py', 'model = dict(\n'),
    ),
    *ONLINE,
    # ---- the data
    Case('no pictures', 'train_dataloader.dataset.data_root=data', 'put pictures there', prepare=no_pictures),
    Case(
        'a data folder that is not there',
        'data_root=gone',
        'set it',
        {'train_dataloader.dataset.data_root': 'gone'},
    ),
    Case(
        'a file as data folder',
        'data_root=teacher.pth',
        'set it to the folder',
        {'train_dataloader.dataset.data_root': 'teacher.pth'},
    ),
    Case(
        'a list of files that is not there',
        'data/gone.txt',
        'correct the path',
        {'train_dataloader.dataset.ann_file': 'gone.txt'},
    ),
    Case(
        'half a picture', 'data/small/3.png', 'repair it', prepare=lambda w: truncate(w, 'data/small/3.png')
    ),
    Case(
        'an empty picture', 'data/large/1.png', 'repair it', prepare=lambda w: w.write('data/large/1.png', '')
    ),
    Case(
        'a text as picture',
        'data/small/2.png',
        'repair it',
        prepare=lambda w: w.write('data/small/2.png', 'no picture'),
    ),
    Case(
        'a broken picture, read by a worker',
        'data/small/2.png',
        'repair it',
        {'train_dataloader.num_workers': 1},
        prepare=lambda w: w.write('data/small/2.png', 'no picture'),
    ),
    Case(
        'pictures smaller than the crop',
        'data/large/0.png is 16x16, smaller than gt_patch_size=64',
        'lower that',
        {'train_dataloader.dataset.pipeline.3.gt_patch_size': 64},
        only('0'),
    ),
    Case(
        'a scale that is not that of the data',
        'model.generator.upscale_factor=4',
        'give both one scale',
        {'model.generator.upscale_factor': 4},
    ),
    Case(
        'a generator of grey images for pictures in colour',
        'images of 1 channel(s)',
        'set model.generator.out_channels=3',
        {'model.generator.out_channels': 1},
    ),
    Case(
        'a generator for grey pictures that is given colour',
        'takes images of 1 channel(s) and is given 3',
        'set its in_channels',
        {'model.generator.in_channels': 1},
    ),
    Case('a picture without its partner', 'data/large/3.png', 'repair it', prepare=all_but_one_partner),
    distill(
        'pictures too small for the critic',
        'EnergyCritic: images of 16x16',
        'image_size=16',
        objectives__mi__critic__image_size=64,
    ),
    Case(
        'a backend of the visualizer whose package is missing',
        'vis_backends[0] (WandbVisBackend)',
        'install it',
        {
            'vis_backends': [dict(type='WandbVisBackend')],
            'visualizer': dict(type='Visualizer', vis_backends=[dict(type='WandbVisBackend')]),
        },
    ),
    # ---- configs and arguments
    Case('no config', 'gone.py', 'correct the path', arguments=('gone.py',), whole=True),
    Case(
        'a config with a missing bracket',
        'broken.py',
        'correct it',
        prepare=lambda world: world.write('broken.py', 'model = dict(\n'),
        arguments=('broken.py',),
        whole=True,
    ),
    Case(
        'a config that ends the program',
        'quit.py',
        'correct it',
        prepare=lambda world: world.write('quit.py', 'import sys\nsys.exit(0)\n'),
        arguments=('quit.py',),
        whole=True,
    ),
    Case(
        'a YAML config with a payload',
        'student.yaml',
        'correct it',
        prepare=lambda world: world.write('student.yaml', YAML_PAYLOAD),
        arguments=('student.yaml',),
        whole=True,
    ),
    Case(
        'a YAML base with a payload',
        'leaf.py',
        'correct it',
        prepare=lambda world: (
            world.write('base.yml', YAML_PAYLOAD),
            world.write('leaf.py', "_base_ = './base.yml'\n"),
        ),
        arguments=('leaf.py',),
        whole=True,
    ),
    Case(
        'a base that is not there',
        'leaf.py',
        'gone.py',
        prepare=lambda world: world.write('leaf.py', "_base_ = './gone.py'\n"),
        arguments=('leaf.py',),
        whole=True,
    ),
    Case(
        'an import that is not there',
        'student.py',
        'mmagic_mickd',
        {'custom_imports': dict(imports=['mmagic_mickd'], allow_failed_imports=False)},
    ),
    Case(
        'an import from beside the config, where Python does not look',
        'student.py',
        'so set PYTHONPATH=',
        {'custom_imports': dict(imports=['own_score'], allow_failed_imports=False)},
        lambda world: world.write('own_score.py', ''),
    ),
    Case(
        'a dict over a list of the base',
        'leaf.py cannot be read as a config: test_dataloader is a dict, and of type list',
        '_delete_=True',
        prepare=lambda world: world.write(
            'leaf.py', "_base_ = 'mmagic::edsr/edsr_x4c64b16_1xb16-300k_div2k.py'\ntest_dataloader = dict()\n"
        ),
        arguments=('leaf.py',),
        whole=True,
    ),
    Case('a config without a model', 'student.py has no model', 'add', {'model': DELETED}),
    Case('a config without data', 'student.py has no train_dataloader', 'add', {'train_dataloader': DELETED}),
    Case(
        'a launcher that did not launch',
        '--launcher pytorch',
        'tools/dist_train.sh',
        arguments=('--launcher', 'pytorch'),
    ),
    Case(
        'mixed precision of another kind',
        "--amp cannot change optim_wrapper.type='ApexOptimWrapper'",
        "only 'OptimWrapper'",
        {'optim_wrapper.type': 'ApexOptimWrapper'},
        arguments=('--amp',),
    ),
    Case(
        'no base to scale from',
        '--auto-scale-lr',
        'auto_scale_lr.base_batch_size',
        arguments=('--auto-scale-lr',),
    ),
    # ---- places
    Case('a file as work_dir', 'teacher.pth', 'name another place', {'work_dir': 'teacher.pth'}),
    Case(
        'a work_dir within a file', 'teacher.pth/run', 'name another place', {'work_dir': 'teacher.pth/run'}
    ),
    Case('a full disk', 'work/iter_2.pth cannot be written', 'free space', prepare=full_disk),
    # ---- what is loaded
    Case(
        "somebody else's folder for an export",
        '--out work holds iter_1.pth and no export',
        'name a new or an empty folder',
        prepare=lambda world: world.save('student.pth', model(4)),
        tool='export',
        arguments=('student.pth', '--out', 'work'),
    ),
    Case('no weights to start from', 'load_from=gone.pth', 'correct the path', {'load_from': 'gone.pth'}),
    Case(
        'weights to start from with a payload',
        'the checkpoint start.pth is refused',
        'use one that the toolbox wrote',
        {'load_from': 'start.pth'},
        lambda world: payload(world, 'start.pth'),
    ),
    Case(
        'weights to start from of another model',
        'start.pth does not fit',
        'give a checkpoint',
        {'load_from': 'start.pth'},
        lambda world: torch.save(dict(a=torch.zeros(1)), world.root / 'start.pth'),
    ),
    Case(
        "a layer that is to be the teacher's, loaded as another",
        f"{DISTILL}.start.conv_last='shared'",
        'leave one of the two out',
        {'load_from': 'start.pth', f'{DISTILL}.start': dict(conv_last='shared')},
        lambda world: torch.save(
            dict(state_dict={'generator.conv_last.bias': torch.ones(3)}), world.root / 'start.pth'
        ),
    ),
    Case(
        'weights to start from that cannot be fetched',
        'the checkpoint http://127.0.0.1:9/start.pth',
        'correct the address',
        {'load_from': 'http://127.0.0.1:9/start.pth'},
    ),
    start_file('a list to start from', 'a list without weights', [1, 2]),
    start_file('a tensor to start from', 'a Tensor without weights', torch.zeros(2)),
    start_file('weights with numbers as names to start from', 'no name of a weight', {0: torch.zeros(2)}),
    start_file('a sparse tensor to start from', 'a sparse tensor', {'a': torch.eye(2).to_sparse()}),
    start_file('an empty tensor to start from', 'meta (empty) tensor', {'a': torch.zeros(2, device='meta')}),
    start_file(
        'a quantised tensor to start from',
        'a quantised tensor',
        {'a': torch.quantize_per_tensor(torch.zeros(2), 0.1, 0, torch.qint8)},
    ),
    Case(
        'weights to start from, cut short',
        'the checkpoint start.pth is truncated or damaged',
        'use a file',
        {'load_from': 'start.pth'},
        lambda world: cut(world, 'start.pth'),
    ),
    Case(
        'a checkpoint to test, cut short',
        'the checkpoint iter_2.pth is truncated or damaged',
        'use a file',
        prepare=lambda world: cut(world, 'iter_2.pth'),
        tool='test',
        arguments=('iter_2.pth',),
    ),
    Case(
        'a checkpoint to resume by its name, cut short',
        'the checkpoint start.pth is truncated or damaged',
        'use a file',
        {'load_from': 'start.pth'},
        lambda world: cut(world, 'start.pth'),
        arguments=('--resume',),
    ),
    Case(
        'no checkpoint to test',
        'checkpoint=gone.pth',
        'correct the path',
        tool='test',
        arguments=('gone.pth',),
    ),
    Case(
        'a checkpoint to test with a payload',
        'the checkpoint iter_2.pth is refused',
        'use one that the toolbox wrote',
        prepare=lambda world: payload(world, 'iter_2.pth'),
        tool='test',
        arguments=('iter_2.pth',),
    ),
    Case(
        "the teacher's checkpoint to test the student",
        'teacher.pth does not fit',
        'give a checkpoint',
        tool='test',
        arguments=('teacher.pth',),
    ),
    tested(
        'a metric misspelt',
        "test_evaluator.metrics[0].type='PNSR'",
        "'PSNR'",
        {'test_evaluator.metrics.0.type': 'PNSR'},
    ),
    tested(
        "a loop of MMEngine's for the toolbox's metrics",
        "test_cfg.type='TestLoop'",
        "set it to 'MultiTestLoop'",
        {'test_cfg.type': 'TestLoop'},
    ),
    tested(
        'a metric without its weights',
        'checkpoint=gone.pth',
        'set it to a local file',
        {
            'test_evaluator.metrics.0': dict(
                type='BackboneFrechetDistance',
                backbone=dict(type='CifarResNet', depth=56),
                checkpoint='gone.pth',
                name='cifar',
            )
        },
    ),
    tested(
        'a distance of patches for pictures that have none',
        'SlicedWasserstein.image_shape=(3, 8, 8)',
        'take the metric out',
        {'test_evaluator.metrics.0': dict(type='SlicedWasserstein', image_shape=(3, 8, 8))},
    ),
    tested(
        'a distance of patches for pictures that cannot be halved',
        'SlicedWasserstein.image_shape=(3, 300, 300)',
        'take the metric out',
        {'test_evaluator.metrics.0': dict(type='SlicedWasserstein', image_shape=(3, 300, 300))},
    ),
    tested(
        'a distance of pictures that the model does not make',
        "SlicedWasserstein.fake_key='fake_foto'",
        'which has',
        {
            'test_evaluator.metrics.0': dict(
                type='SlicedWasserstein', image_shape=(3, 16, 16), fake_key='fake_foto'
            ),
        },
    ),
    Case(
        'a target whose sides are no multiples of the scale',
        'that of the target (3, 17, 17)',
        'ModCrop',
        {
            'test_evaluator.metrics.0': dict(type='PairedImageQuality'),
            'test_dataloader.dataset.data_prefix.gt': 'odd',
        },
        lambda world: (
            world.save('iter_2.pth', model(4)),
            [world.picture(f'data/odd/{index}.png', 17) for index in range(4)],
        ),
        tool='test',
        arguments=('iter_2.pth',),
    ),
    # ---- what is resumed
    Case('a broken checkpoint to resume', 'work/iter_1.pth', 'take --resume away', arguments=('--resume',)),
    Case(
        'a checkpoint to resume with a payload',
        'work/iter_1.pth',
        'use one that the toolbox wrote',
        prepare=lambda world: payload(world, 'work/iter_1.pth'),
        arguments=('--resume',),
    ),
    Case(
        'another experiment to resume',
        'the checkpoint to resume (other.pth) is of another model',
        'with the config that wrote it',
        {'load_from': 'other.pth'},
        lambda world: world.save('other.pth', model(6)),
        arguments=('--resume',),
    ),
    Case(
        'bare weights to resume',
        'the checkpoint to resume (teacher.pth)',
        'if the run began with it, add --cfg-options load_from=None',
        {'load_from': 'teacher.pth'},
        lambda world: world.save('teacher.pth', model(4)),
        arguments=('--resume',),
    ),
    # ---- the other tools
    Case(
        'a student of no width',
        '--width 0',
        'choose 0 < width < 1',
        tool='build_student',
        arguments=('--width', '0', '--out', 'small.py'),
    ),
    Case(
        'a student in place of another file',
        '--out student.py',
        'remove it',
        tool='build_student',
        arguments=('--width', '0.5', '--out', 'student.py'),
    ),
    Case(
        'a student within a file',
        'teacher.pth',
        'name another place',
        tool='build_student',
        arguments=('--width', '0.5', '--teacher-checkpoint', 'teacher.pth', '--out', 'teacher.pth/small.py'),
    ),
    Case(
        'the quickstart within a file',
        'teacher.pth',
        'name another place',
        tool='quickstart',
        arguments=('--out', 'teacher.pth/quick'),
        whole=True,
    ),
    Case(
        'the quickstart without pairs',
        '--data data',
        'needs a folder train',
        tool='quickstart',
        arguments=('--data', 'data', '--out', 'quick'),
        whole=True,
    ),
    Case(
        'the quickstart into the work of others',
        '--out',
        'name a new',
        tool='quickstart',
        arguments=('--out', 'work'),
        whole=True,
    ),
]
