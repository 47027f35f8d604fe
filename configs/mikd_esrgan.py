# ESRGAN x4 on DIV2K: 64 channels, growth 32 (16.7 M parameters) into 32, growth 16 (4.2 M).
#
#     python tools/train.py mmagic::esrgan/esrgan_x4c64b23g32_1xb16-400k_div2k.py --work-dir work_dirs/teacher
#     tools/dist_train.sh configs/mikd_esrgan.py 8
#
# The toolbox's perceptual loss downloads VGG-19 whenever the model is built; to evaluate without it, add
# `--cfg-options model.perceptual_loss=None`.
# `init_cfg` of the base is a download of weights for 64 channels, which would not fit.
_base_ = [
    'mmagic::esrgan/esrgan_x4c64b23g32_1xb16-400k_div2k.py',
    './_base_/mikd.py',
    './_base_/sr_x4.py',
]
custom_imports = dict(imports=['mmagic_mikd'], allow_failed_imports=False)
work_dir = 'work_dirs/mikd_esrgan'  # the base names that of its own, where the teacher may lie

# the student; `_base_.model` is still the teacher
model = dict(generator=dict(mid_channels=32, growth_channels=16, init_cfg=None))

# No study had an ESRGAN; these are the settings of the nearest, EDSR (benchmarks/studies/edsr_bsds200.md),
# with the pyramid's weight in proportion to that of the pixel loss, 0.01 here. Whether that is enough beside
# the other losses, `pyramid_grad_ratio` in the log tells.
default_hooks = dict(
    checkpoint=dict(save_best='Y/PSNR'),
    distill=dict(
        **_base_.distill,
        teacher=dict(model=_base_.model, checkpoint='work_dirs/teacher/iter_400000.pth'),
        start='sliced',
        objectives=dict(pyramid=dict(loss_weight=0.0001, initial_scale=0.02)),
    ),
)

val_evaluator = dict(metrics=_base_.sr_x4.val_metrics)  # PSNR and SSIM, on Y and on RGB
test_evaluator = _base_.sr_x4.test_evaluator
