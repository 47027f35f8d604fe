# CycleGAN summer2winter at 256 px: both ResNet-9 generators of 64 channels (11.4 M parameters) into 16 (0.7 M).
#
#     python tools/train.py mmagic::cyclegan/cyclegan_lsgan-resnet-in_1xb1-250kiters_summer2winter.py \
#         --work-dir work_dirs/teacher
#     tools/dist_train.sh configs/mikd_cyclegan.py 8
#
# Both directions are distilled, on translations of real images: the cycle and identity passes do not count.
_base_ = ['mmagic::cyclegan/cyclegan_lsgan-resnet-in_1xb1-250kiters_summer2winter.py', './_base_/mikd.py']
custom_imports = dict(imports=['mmagic_mikd'], allow_failed_imports=False)

model = dict(generator=dict(base_channels=16))  # the students; `_base_.model` is still the teacher

# What helps at 64 px (benchmarks/studies/cyclegan_summer2winter.md): the base's pyramid, here with a third of
# its weight, from a start as the teachers' first channels.
default_hooks = dict(
    distill=dict(
        **_base_.distill,
        teacher=dict(model=_base_.model, checkpoint='work_dirs/teacher/iter_250000.pth'),
        start='sliced',
        objectives=dict(pyramid=dict(loss_weight=5.0)),
    )
)
