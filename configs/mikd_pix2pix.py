# Pix2Pix facades at 256 px: MMagic's U-Net of 64 channels (54.4 M parameters) into one of 16 (3.4 M).
#
#     python tools/train.py mmagic::pix2pix/pix2pix_vanilla-unet-bn_1xb1-80kiters_facades.py \
#         --work-dir work_dirs/teacher
#     tools/dist_train.sh configs/mikd_pix2pix.py 8
_base_ = ['mmagic::pix2pix/pix2pix_vanilla-unet-bn_1xb1-80kiters_facades.py', './_base_/mikd.py']
custom_imports = dict(imports=['mmagic_mikd'], allow_failed_imports=False)

model = dict(generator=dict(base_channels=16))  # the student; `_base_.model` is still the teacher

# What helps at 64 and 128 px (benchmarks/studies/pix2pix_facades.md): the base's pyramid, with its weight of
# 15, from a start as the teacher's first channels. Ahead of it in every score at 64 px is
# `recipe='pyramid_adversarial'` (docs/energy.md), which has not been tried at 256.
default_hooks = dict(
    distill=dict(
        **_base_.distill,
        teacher=dict(model=_base_.model, checkpoint='work_dirs/teacher/iter_80000.pth'),
        start='sliced',
    )
)
