"""The three configs of the quickstart, written as files that a user can read, edit and train again."""

from math import log2
from pathlib import Path

from ...utils.escape import literal
from .pairs import Pairs

TEACHER = """\
# Pix2Pix for aligned pairs at {size} px. Train it again after an edit: tools/train.py THIS_FILE
_base_ = ['mmagic::_base_/models/base_pix2pix.py', 'mmagic::_base_/gen_default_runtime.py']
custom_imports = dict(imports=['mmagic_mikd'], allow_failed_imports=False)

model = dict(
    generator=dict(num_down={num_down}, base_channels=32, use_dropout=False),
    discriminator=dict(base_channels=16),
    default_domain='target',
    reachable_domains=['target'],
    related_domains=['source', 'target'],
    data_preprocessor=dict(data_keys=['img_source', 'img_target']))

images = ['img_source', 'img_target']
load = dict(  # the left half of a file and the right half
    type='LoadPairedImageFromFile', key='pair', domain_a='{left}', domain_b='{right}', color_type='color')
pack = dict(type='PackInputs', keys=images, data_keys=images)
train_dataloader = dict(
    batch_size={batch_size},
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='PairedImageDataset',
        data_root={data_root},
        pipeline=[
            load,
            dict(type='Resize', keys=images, scale=({load_size}, {load_size}), interpolation='bicubic'),
            dict(type='FixedCrop', keys=images, crop_size=({size}, {size})),  # at a random place
            dict(type='Flip', keys=images, direction='horizontal'),
            pack]))
test_dataloader = dict(
    batch_size=16,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='PairedImageDataset',
        data_root={data_root},
        test_mode=True,
        test_dir='{test_dir}',
        pipeline=[
            load,
            dict(type='Resize', keys=images, scale=({size}, {size}), interpolation='bicubic'),
            pack]))

adam = dict(optimizer=dict(type='Adam', lr=5e-4, betas=(0.5, 0.999), fused=True))
optim_wrapper = dict(generators=adam, discriminators=adam)
# falls to nothing in the second half, so that the last checkpoint is not one of many that wobble
param_scheduler = dict(
    type='LinearLR', start_factor=1.0, end_factor=0.02, begin={decay_from}, end={iters}, by_epoch=False)
train_cfg = dict(max_iters={iters})
randomness = dict(seed={seed})
default_hooks = dict(
    logger=dict(interval={log_interval}),
    checkpoint=dict(interval={save_interval}, max_keep_ckpts=2),
    evaluation=dict(type='SeededEvaluation'))

val_dataloader = val_cfg = val_evaluator = None  # evaluated at the end, by tools/test.py
metrics = [
    dict(type='PairedImageQuality', against='target', real_key='img_target', fake_key='fake_target'){frechet}]
test_evaluator = dict(metrics=metrics)
"""

FRECHET = """,
    dict(
        type='BackboneFrechetDistance',
        backbone=dict(type='CifarResNet', depth=56),
        checkpoint={weights},
        name='resnet56-cifar10',
        input_size=32,
        real_key='img_target',
        fake_key='fake_target')"""

# Both students are scored against the teacher as well.
STUDENT = """\
# {title}
_base_ = './teacher.py'

model = dict(generator=dict(base_channels=8))  # `_base_.model` is still the teacher
teacher = dict(model=_base_.model, checkpoint={checkpoint})
{hook}
metrics = _base_.metrics + [
    dict(
        type='PairedImageQuality',
        against='teacher',
        teacher=teacher,
        teacher_path='generators.target',
        input_key='img_source',
        fake_key='fake_target')]
test_evaluator = dict(metrics=metrics)
"""

# What helps in benchmarks/studies, on whatever data. A start as the teacher's first channels helps facades
# more, and can trap a student of pairs with large flat areas (docs/students.md).
HOOK = """
default_hooks = dict(
    distill=dict(
        type='DistillRunner',
        teacher=teacher,
        objectives=dict(pyramid=dict(type='PyramidLaplaceLoss', loss_weight=15.0))))
"""

# A file has no batch to take statistics of (docs/export.md).
SHIPPED = """\
# For tools/test.py: the same student as it ships, by the statistics that its training has gathered.
_base_ = './{name}.py'
custom_hooks = [dict(type='FrozenStatistics')]
"""

BATCH_SIZE = 8
STUDENTS, AS_SHIPPED = ('student_plain', 'student_distilled'), '_shipped'


def config_texts(
    pairs: Pairs,
    checkpoint: Path,
    size: int,
    iters: int,
    seed: int,
    direction: str,
    weights: Path | None,
) -> dict[str, str]:
    """Name of a model to the text of its config.

    Args:
        checkpoint: where the teacher's will be.
        direction: 'AtoB' if the left half of a pair is the network's input, else 'BtoA'.
        weights: file of the CIFAR residual network; adds the Frechet distance on its features.
    """
    checkpoint = literal(str(checkpoint))
    plain = STUDENT.format(
        title='The small generator, trained like the teacher.', checkpoint=checkpoint, hook=''
    )
    distilled = STUDENT.format(
        title='The same small generator, distilled: what is new is the hook.',
        checkpoint=checkpoint,
        hook=HOOK,
    )
    teacher = teacher_text(pairs, size, iters, seed, direction, weights)
    texts = dict(teacher=teacher, student_plain=plain, student_distilled=distilled)
    return texts | {f'{name}{AS_SHIPPED}': SHIPPED.format(name=name) for name in STUDENTS}


def teacher_text(pairs: Pairs, size: int, iters: int, seed: int, direction: str, weights: Path | None) -> str:
    left, right = ('source', 'target') if direction == 'AtoB' else ('target', 'source')
    return TEACHER.format(
        size=size,
        num_down=int(log2(size)),
        load_size=size * 9 // 8,
        left=left,
        right=right,
        data_root=literal(str(pairs.root)),
        test_dir=pairs.test_dir,
        batch_size=BATCH_SIZE,
        iters=iters,
        decay_from=iters // 2,
        seed=seed,
        log_interval=max(1, min(10, iters // 5)),
        save_interval=max(1, min(100, iters // 2)),
        frechet=FRECHET.format(weights=literal(str(weights))) if weights else '',
    )
