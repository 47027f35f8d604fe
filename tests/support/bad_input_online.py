"""The part of the catalogue on teachers that are trained in the same run."""

from typing import Any

from bad_input_case import DISTILL, Case
from bad_input_world import World

ADAM = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-4))
IMAGES = ['img_edges', 'img_photo']
SELECTION = dict(type='TeacherSelection', dataloader={}, evaluator={}, score='fid')
LAYERS = [
    'model.model.1.model.0.activate',
    'model.model.3.model.0.activate',
]  # the same of U-Net and deep one


def config() -> dict[str, Any]:
    """What a small OMGD has in place of the catalogue's super-resolution; anew each time, to be changed."""
    unet = dict(type='UnetGenerator', in_channels=3, out_channels=3, num_down=5, base_channels=4)
    judge = dict(type='SharedPatchDiscriminator', in_channels=6, base_channels=2, num_conv=1, shared=2)
    model = dict(
        type='OnlineTeachers',
        generator=unet,
        default_domain='photo',
        reachable_domains=['photo'],
        related_domains=['edges', 'photo'],
        data_preprocessor=dict(type='DataPreprocessor', data_keys=IMAGES),
        teachers=dict(
            type='JointPix2Pix',
            generators=dict(wide=dict(unet, base_channels=8), deep=dict(unet, type='DeepUnetGenerator')),
            discriminator=judge,
            source='edges',
            target='photo',
        ),
    )
    load = dict(type='LoadPairedImageFromFile', key='pair', domain_a='edges', domain_b='photo')
    pack = dict(type='PackInputs', keys=IMAGES, data_keys=IMAGES)
    learning = ('generators', 'teacher_generators', 'teacher_discriminators')
    return {
        'model': model,
        'train_dataloader.dataset': dict(type='PairedImageDataset', data_root='data', pipeline=[load, pack]),
        'optim_wrapper': dict(constructor='MultiOptimWrapperConstructor', **dict.fromkeys(learning, ADAM)),
        DISTILL: dict(
            type='DistillRunner',
            teacher={name: dict(online=f'teacher_generators.{name}') for name in ('wide', 'deep')},
            objectives=dict(l1=dict(type='L1Loss', loss_weight=1.0)),
        ),
    }


def pairs(world: World) -> None:
    """Side by side, 32 pixels wide each."""
    for index in range(4):
        world.picture(f'data/train/{index}.png', 64)


def online(name: str, names: str, remedy: str, changes: dict[str, Any]) -> Case:
    """Something at these dotted keys of the small OMGD; those of the distillation begin with a dot."""
    keys = {f'{DISTILL}{key}' if key.startswith('.') else key: value for key, value in changes.items()}
    return Case(name, names, remedy, {**config(), **keys}, pairs)


ONLINE = [
    online(
        'an online teacher misspelt',
        f"{DISTILL}.teacher.wide.online='teacher_generators.wid'",
        "did you mean 'teacher_generators.wide'?",
        {'.teacher.wide.online': 'teacher_generators.wid'},
    ),
    online(
        'a number as online teacher',
        f'{DISTILL}.teacher.wide.online=3',
        'teacher_generators.wide',
        {'.teacher.wide.online': 3},
    ),
    online(
        'the student as its own online teacher',
        f"{DISTILL}.teacher.wide.online='generators.photo' is the student itself",
        'teacher_generators.wide',
        {'.teacher.wide.online': 'generators.photo'},
    ),
    online(
        'an online teacher that the model does not train',
        f"{DISTILL}.teacher.wide.online='teacher_generators.wide' is no",
        'teacher_generators.deep',
        {'model.teachers.generators': dict(deep=dict(config()['model']['generator']))},
    ),
    online(
        'an online teacher with a checkpoint',
        f'{DISTILL}.teacher.wide.checkpoint is for a teacher that was trained before',
        'leave one out',
        {'.teacher.wide.checkpoint': 'teacher.pth'},
    ),
    online(
        'the teacher of an objective misspelt',
        f"{DISTILL}.objectives.l1.teacher='wid' is no teacher",
        "did you mean 'wide'?",
        {'.objectives.l1.teacher': 'wid'},
    ),
    online(
        'an objective for a wide teacher where there is none',
        f"{DISTILL}.objectives.l1.teacher='wide' is no teacher",
        'choose from deep',
        {'.teacher': dict(deep=dict(online='teacher_generators.deep')), '.objectives.l1.teacher': 'wide'},
    ),
    online(
        'channels of a deep teacher of another width',
        f'{DISTILL}.objectives.l1: ChannelDistillationLoss: (2, 4, 32, 16) and (2, 6, 32, 16)',
        'set `adapter`',
        {
            'model.teachers.generators.deep.base_channels': 6,
            '.objectives.l1': dict(type='ChannelDistillationLoss', teacher='deep', layer=LAYERS),
        },
    ),
    online(
        'a discriminator of other channels',
        'model.teachers.discriminator.in_channels=3',
        'set it to 6',
        {'model.teachers.discriminator.in_channels': 3},
    ),
    online(
        'more shared layers than there are',
        'model.teachers.discriminator.shared=4',
        'at most 3',
        {'model.teachers.discriminator.shared': 4},
    ),
    online(
        'a negative weight towards online teachers',
        f'{DISTILL}.objectives.l1.loss_weight=-1',
        'at least 0',
        {'.objectives.l1.loss_weight': -1},
    ),
    online(
        "a negative weight of the teachers' pixels",
        'model.teachers.pixel_loss_weight=-1',
        'at least 0',
        {'model.teachers.pixel_loss_weight': -1},
    ),
    online(
        "a domain of the teachers' misspelt",
        "model.teachers.source='edge'",
        "did you mean 'edges'?",
        {'model.teachers.source': 'edge'},
    ),
    online(
        'teachers without an optimiser',
        'optim_wrapper.teacher_generators is missing',
        'as for `generators`',
        {'optim_wrapper': dict(constructor='MultiOptimWrapperConstructor', generators=ADAM)},
    ),
    online(
        'a discriminator of the student, who has none',
        'optim_wrapper.discriminators is of no network',
        'leave it out',
        {'optim_wrapper.discriminators': ADAM},
    ),
    online('teachers that never learn', 'model.every=0', 'at least 1', {'model.every': 0}),
    online('teachers that learn by halves', 'model.every=2.5', 'whole number', {'model.every': 2.5}),
    online(
        'a single phase',
        'model.phases=[3]',
        '(iterations of the teachers, of the student)',
        {'model.phases': [3]},
    ),
    online(
        'a number in place of phases',
        'model.phases=3',
        '(iterations of the teachers, of the student)',
        {'model.phases': 3},
    ),
    online('a phase of nothing', 'model.phases[1]=0', 'at least 1', {'model.phases': [2, 0]}),
    online(
        'phases and steps at once',
        'model.every=2 and model.phases',
        'leave one out',
        {'model.every': 2, 'model.phases': [2, 2]},
    ),
    online(
        'phases of teachers with nobody to choose',
        'model.phases: JointPix2Pix',
        'use `every`',
        {'model.phases': [2, 2]},
    ),
    online(
        'phases without a choice',
        'model.phases',
        'TeacherSelection',
        {
            'model.phases': [1, 1],
            'model.default_domain': 'photo',
            'model.teachers.generators': dict(photo=dict(config()['model']['generator'])),
            '.teacher': dict(online='chosen'),
        },
    ),
    online(
        'a choice of teachers without phases',
        'custom_hooks.TeacherSelection',
        'leave the hook out',
        {'custom_hooks': [SELECTION]},
    ),
]
