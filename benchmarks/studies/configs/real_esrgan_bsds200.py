# The published Real-ESRGAN on fixed patches of BSDS200, so that its images of them can be kept. Tested on
# Set5 and Set14. Its weights are given; what is trained is the study's students.
_base_ = ['../../../configs/mikd_real_esrgan.py', '../../../configs/_base_/sr_x4.py']
custom_imports = dict(imports=['mmagic_mikd', 'mmagic_mikd.datasets.cache'], allow_failed_imports=False)
work_dir = 'work_dirs/real_esrgan_bsds200'

data = '{{$MIKD_DATA:../shared/data}}'
sizes = _base_.students
model = dict(generator=_base_.teacher.model.generator, pixel_loss=dict(loss_weight=1.0))
patch = 128  # of the large images
complexity_shape = (3, 64, 64)

small = dict(type='Cached', path='gt_path', transforms=_base_.sr_x4.train_pipeline[:8])
photographs = dict(
    type='BasicImageDataset', data_root=f'{data}/sr_bsds200_train', data_prefix=dict(gt='images')
)
pack = [dict(type='CopyValues', src_keys=['gt'], dst_keys=['gt_unsharp']), dict(type='PackInputs')]
train_dataloader = dict(
    _delete_=True,
    batch_size=8,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='ConcatDataset',
        datasets=[  # two patches of each photograph
            dict(
                photographs,
                indices=list(range(180)),
                pipeline=[
                    small,
                    dict(type='FixedCrop', keys=['gt'], crop_size=(patch, patch), crop_pos=(4 * x, 4 * y)),
                    dict(type='FixedCrop', keys=['img'], crop_size=(patch // 4, patch // 4), crop_pos=(x, y)),
                    *pack,
                ],
            )
            for x, y in ((8, 8), (40, 40))
        ],
    ),
)
val_dataloader = dict(
    _delete_=True,
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(photographs, indices=list(range(180, 200)), pipeline=[small, *pack]),
)
test_dataloader = [
    dict(
        batch_size=1,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(
            type='BasicImageDataset',
            data_root=f'{data}/{folder}',
            data_prefix=dict(img='LR_x4', gt='GT'),
            pipeline=_base_.sr_x4.test_pipeline,
        ),
    )
    for folder in ('sr_set5', 'sr_set14')
]

# at 1e-3, or without a warm-up, the first updates throw a start away
optim_wrapper = dict(generator=dict(optimizer=dict(lr=3e-4)))
train_cfg = dict(_delete_=True, by_epoch=False, max_iters=600, val_interval=200)
default_hooks = dict(
    evaluation=dict(type='SeededEvaluation'), distill=dict(_delete_=True, type='DistillRunner')
)
val_cfg = dict(_delete_=True, type='MultiValLoop')
val_evaluator = dict(_delete_=True, type='Evaluator', metrics=_base_.sr_x4.val_metrics)
test_cfg = dict(_delete_=True, type='MultiTestLoop')
set5, set14 = _base_.sr_x4.test_evaluator[:2]
naturalness = dict(type='NIQE', convert_to='Y', input_order='CHW', crop_border=4, prefix='Set14')
test_evaluator = [set5, dict(set14, metrics=[*set14['metrics'], naturalness])]
