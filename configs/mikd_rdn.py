# RDN x4 on DIV2K: 16 residual dense blocks (22.3 M parameters) into 4 (5.8 M).
#
#     python tools/train.py mmagic::rdn/rdn_x4c64b16_1xb16-1000k_div2k.py --work-dir work_dirs/teacher
#     tools/dist_train.sh configs/mikd_rdn.py 8
_base_ = [
    'mmagic::rdn/rdn_x4c64b16_1xb16-1000k_div2k.py',
    './_base_/mikd.py',
    './_base_/sr_x4.py',
]
custom_imports = dict(imports=['mmagic_mikd'], allow_failed_imports=False)
work_dir = 'work_dirs/mikd_rdn'  # the base names that of its own, where the teacher may lie

# the student; `_base_.model` is still the teacher
model = dict(generator=dict(num_blocks=4))

# No study had an RDN; these are the settings of the nearest, EDSR (benchmarks/studies/edsr_bsds200.md). Here
# the student starts as the teacher's first blocks.
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
