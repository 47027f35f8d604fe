# NAFNet denoising on SIDD: 64 channels (116.0 M parameters) into 32 (29.2 M).
#
#     python tools/train.py mmagic::nafnet/nafnet_c64eb2248mb12db2222_8xb8-lr1e-3-400k_sidd.py \
#         --work-dir work_dirs/teacher
#     tools/dist_train.sh configs/mikd_nafnet.py 8
#
# To train on photographs of your own with noise added, take the pipelines of `_base_.gaussian_noise`.
_base_ = [
    'mmagic::nafnet/nafnet_c64eb2248mb12db2222_8xb8-lr1e-3-400k_sidd.py',
    './_base_/mikd.py',
    './_base_/gaussian_noise.py',
]
custom_imports = dict(imports=['mmagic_mikd'], allow_failed_imports=False)
work_dir = 'work_dirs/mikd_nafnet'  # the base names that of its own, where the teacher may lie

model = dict(generator=dict(mid_channels=32))  # the student; `_base_.model` is still the teacher

# the base trains on BGR, but evaluates, as its published weights expect, on RGB
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(step, channel_order='rgb') if step.type == 'LoadImageFromFile' else step
            for step in _base_.train_pipeline
        ]
    )
)

# No study had a NAFNet; these are the settings of the nearest, EDSR (benchmarks/studies/edsr_bsds200.md),
# with 100 times the pyramid's weight: PSNRLoss has a gradient about that much larger than the L1Loss of EDSR,
# and beside it a weight of 0.01 does nothing (`pyramid_grad_ratio` in the log of a tiny run: 0.003).
default_hooks = dict(
    checkpoint=dict(save_best='RGB/PSNR'),
    distill=dict(
        **_base_.distill,
        teacher=dict(model=_base_.model, checkpoint='work_dirs/teacher/iter_400000.pth'),
        start='sliced',
        objectives=dict(pyramid=dict(loss_weight=1.0, initial_scale=0.02)),
    ),
)

val_evaluator = [
    dict(type=metric, convert_to=convert_to, prefix=colour)
    for metric in ('PSNR', 'SSIM')
    for colour, convert_to in (('RGB', None), ('Y', 'Y'))
]
test_evaluator = val_evaluator
