# EDSR x4 on patches of the BSDS200 photographs, tested on Set5 and Set14: the study's teacher, and what its
# students inherit.
#
#     python tools/train.py benchmarks/studies/configs/edsr_bsds200.py
_base_ = ['mmagic::edsr/edsr_x4c64b16_1xb16-300k_div2k.py', '../../../configs/_base_/sr_x4.py']
custom_imports = dict(imports=['mmagic_mikd', 'mmagic_mikd.datasets.cache'], allow_failed_imports=False)
work_dir = 'work_dirs/edsr_bsds200'  # the base names that of its own

data = '{{$MIKD_DATA:../shared/data}}'
model = dict(generator=dict(mid_channels=32, num_blocks=8))
patch = 96  # of the large images
complexity_shape = (3, patch // 4, patch // 4)

# The small images are made once and kept; all that is random comes after the crop.
whole, random = _base_.sr_x4.train_pipeline[:8], _base_.sr_x4.train_pipeline[8:]
small = dict(type='Cached', path='gt_path', transforms=whole)
photographs = dict(
    type='BasicImageDataset', data_root=f'{data}/sr_bsds200_train', data_prefix=dict(gt='images')
)
train_dataloader = dict(
    _delete_=True,
    batch_size=4,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        photographs,
        indices=list(range(180)),
        pipeline=[small, dict(type='PairedRandomCrop', gt_patch_size=patch), *random[1:]],
    ),
)
val_dataloader = dict(
    _delete_=True,
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(photographs, indices=list(range(180, 200)), pipeline=[small, dict(type='PackInputs')]),
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

optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=1e-3, betas=(0.9, 0.999)),
)
train_cfg = dict(_delete_=True, by_epoch=False, max_iters=6000, val_interval=1000)
param_scheduler = None
default_hooks = dict(checkpoint=dict(out_dir=None), evaluation=dict(type='SeededEvaluation'))
custom_hooks = []
visualizer = dict(_delete_=True, type='Visualizer', vis_backends=[dict(type='LocalVisBackend')])

val_evaluator = dict(_delete_=True, type='Evaluator', metrics=_base_.sr_x4.val_metrics)
test_cfg = dict(_delete_=True, type='MultiTestLoop')
test_evaluator = _base_.sr_x4.test_evaluator[:2]
