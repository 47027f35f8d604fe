# StyleGAN2 FFHQ at 256 px: config-f (channel multiplier 2, 30.0 M parameters) into multiplier 1 (24.8 M).
#
#     tools/dist_train.sh mmagic::styleganv2/stylegan2_c2_8xb4-800kiters_ffhq-256x256.py 8 \
#         --work-dir work_dirs/teacher
#     tools/dist_train.sh configs/mikd_stylegan2.py 8
#
# The toolbox's own generator narrows from 64 px on only. To narrow every layer, to 5.6 M parameters:
# `model = dict(generator=dict(type='NarrowStyleGAN2Generator', channel_multiplier=2, width=154))`; such a
# checkpoint needs this package to be loaded.
_base_ = ['mmagic::styleganv2/stylegan2_c2_8xb4-800kiters_ffhq-256x256.py', './_base_/mikd.py']
custom_imports = dict(imports=['mmagic_mikd'], allow_failed_imports=False)

model = dict(generator=dict(channel_multiplier=1))  # the student; `_base_.model` is still the teacher

# What helps at 32 px (benchmarks/studies/stylegan2_emoji.md): the pyramid until half of the training is over,
# from a start as the teacher's first channels, its mapping network included.
default_hooks = dict(
    distill=dict(
        _base_.distill,
        recipe='sliced_pyramid_early',
        # EMA weights, with the student's latents, style-mixing cut and noise; 'eval' would never mix styles
        teacher=dict(model=_base_.model, checkpoint='work_dirs/teacher/iter_800002.pth', mode='train'),
    )
)
