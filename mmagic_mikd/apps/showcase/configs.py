"""The configs of the showcase, written as files that a user can read, edit and train again."""

from pathlib import Path

from ...utils.escape import literal
from ..clone import CLONE

DISTILLED = """\
# Real-ESRGAN, {size}: {count} patches of {side} px, {iters} updates. Train it again: tools/train.py THIS_FILE
_base_ = {base}
custom_imports = dict(imports=['mmagic_mikd'], allow_failed_imports=False)

input_shape = ({side}, {side})  # the patches are cut: no step of the pipeline tells who counts
model = dict(generator=_base_.students['{size}'])
{weights}default_hooks = dict(
    logger=dict(interval=20),
    checkpoint=dict(interval={save_interval}, max_keep_ckpts=1),
    distill=dict(
        teacher=dict(checkpoint={checkpoint}, cache={images}),
        start={start},
    ),
)
train_dataloader = dict(
    batch_size={batch_size},
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        data_root={data},
        data_prefix=dict(img='img'),
        # the patches were cut and turned before: the teacher's images of them are kept
        pipeline=[_base_.train_pipeline[0], *_base_.train_pipeline[5:]],
    ),
)
test_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dict(data_root={test}))
test_evaluator = dict(metrics=[dict(type='PairedImageQuality', against='teacher', teacher=dict(
    model=_base_.teacher.model, checkpoint={checkpoint}))])
val_dataloader = val_cfg = val_evaluator = None  # evaluated at the end

train_cfg = dict(max_iters={iters})
# at 1e-3, or without the warm-up, the first updates throw the start away
optim_wrapper = dict(generator=dict(optimizer=dict(lr=3e-4)))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, end={warm_up}),
    dict(type='CosineAnnealingLR', T_max={iters}, eta_min=1e-6, by_epoch=False),
]
randomness = dict(seed={seed})
"""

ALONE = """\
# The same student without a teacher: it learns from the photographs that its inputs were made of.
_base_ = './student_distilled.py'

model = dict(pixel_loss=dict(loss_weight=1.0))
{rate}default_hooks = dict(distill=dict(_delete_=True, type='DistillRunner'{start}))
load = dict(channel_order='rgb', imdecode_backend='cv2')
train_dataloader = dict(
    dataset=dict(
        data_prefix=dict(gt='gt'),
        pipeline=[
            dict(type='LoadImageFromFile', key='img', **load),
            dict(type='LoadImageFromFile', key='gt', **load),
            dict(type='CopyValues', src_keys=['gt'], dst_keys=['gt_unsharp']),  # asked for, and not used
            dict(type='PackInputs'),
        ],
    )
)
"""

PUBLISHED = """\
# The teacher as it was published, for the page: its image stands beside the student's.
_base_ = './student_distilled.py'

model = dict(generator=dict(_delete_=True, **_base_.teacher.model.generator))
"""

FROM_NOISE = """\
optim_wrapper = dict(generator=dict(optimizer=dict(lr=1e-3)))  # from random weights it is slower at less
"""
SOURCE = """\
dict({over}  # channels of the authors' small network
            type='pruned', criterion='activation', refit=True, source=dict(
                model=dict(type='RealESRGAN', generator=dict(type='CompactNet')), checkpoint={published}))"""
COMPACT, CUT = 'compact', 'compact40'  # students that begin with weights of the authors' small network


def config_texts(
    data: Path,
    checkpoint: Path,
    published: Path,
    images: Path,
    size: str,
    count: int,
    side: int,
    iters: int,
    seed: int,
    batch: int,
) -> dict[str, str]:
    """Name of a student to the text of its config.

    Args:
        data: folder with img, gt and test.
        checkpoint: the teacher's.
        published: weights of the authors' own small network.
        images: folder for the teacher's images.
        size: a name of the students in configs/mikd_real_esrgan.py.
    """
    distilled = DISTILLED.format(
        **beginning(size, published),
        size=size,
        count=count,
        side=side,
        iters=iters,
        base=literal(str(CLONE / 'configs' / 'mikd_real_esrgan.py')),
        save_interval=max(1, iters // 4),
        warm_up=max(1, min(20, iters // 4)),
        checkpoint=literal(str(checkpoint)),
        images=literal(str(images)),
        batch_size=batch,
        data=literal(str(data)),
        test=literal(str(data / 'test')),
        seed=seed,
    )
    return dict(student_distilled=distilled, student_alone=alone(size, checkpoint, published))


def alone(size: str, checkpoint: Path, published: Path) -> str:
    """The config of the student without a teacher, which begins as the other if that needs no teacher."""
    rate, start = ('' if size in (COMPACT, CUT) else FROM_NOISE), ''
    if size == CUT:
        teacher = f'dict(model=_base_.teacher.model, checkpoint={literal(str(checkpoint))})'
        start = f', teacher={teacher}, start={cut(published)}'
    return ALONE.replace('{rate}', rate).replace('{start}', start)


def beginning(size: str, published: Path) -> dict[str, str]:
    """Where the distilled student starts: from weights of its own, from channels of them, or its teacher's."""
    if size == COMPACT:
        return dict(weights=f'load_from = {literal(str(published))}  # it goes on from them\n', start='None')
    if size == CUT:
        return dict(weights='', start=cut(published, over='_delete_=True,'))
    # a slice alone starts far from any picture, and this training is short
    return dict(weights='', start="'refitted'")


def cut(published: Path, over: str = '') -> str:
    return SOURCE.format(published=literal(str(published)), over=over)
