# SRResNet x4 on DIV2K: 64 channels (1.52 M parameters) into 32 (0.38 M).
#
#     python tools/train.py mmagic::srgan_resnet/msrresnet_x4c64b16_1xb16-1000k_div2k.py \
#         --work-dir work_dirs/teacher
#     tools/dist_train.sh configs/mikd_srresnet.py 8
_base_ = [
    'mmagic::srgan_resnet/msrresnet_x4c64b16_1xb16-1000k_div2k.py',
    './_base_/mikd.py',
    './_base_/sr_x4.py',
]
custom_imports = dict(imports=['mmagic_mikd'], allow_failed_imports=False)
work_dir = 'work_dirs/mikd_srresnet'  # the base names that of its own, where the teacher may lie

# the student; `_base_.model` is still the teacher
model = dict(generator=dict(mid_channels=32))

# What helps EDSR, a network of the same blocks, on small patches (benchmarks/studies/edsr_bsds200.md): the
# base's pyramid, with a weight for images in [0, 1] beside a pixel loss, from a start as the teacher's first
# channels.
default_hooks = dict(
    checkpoint=dict(save_best='Y/PSNR'),
    distill=dict(
        **_base_.distill,
        teacher=dict(model=_base_.model, checkpoint='work_dirs/teacher/iter_1000000.pth'),
        start='sliced',
        objectives=dict(pyramid=dict(loss_weight=0.01, initial_scale=0.02)),
    ),
)

val_evaluator = dict(metrics=_base_.sr_x4.val_metrics)  # PSNR and SSIM, on Y and on RGB
test_evaluator = _base_.sr_x4.test_evaluator
