# Pix2Pix facades at 256 px: MMagic's U-Net of 64 channels (54.4 M parameters) into one of 16 (3.4 M).
#
#     python tools/train.py mmagic::pix2pix/pix2pix_vanilla-unet-bn_1xb1-80kiters_facades.py \
#         --work-dir work_dirs/teacher
#     tools/dist_train.sh configs/mikd_pix2pix.py 8
_base_ = ['mmagic::pix2pix/pix2pix_vanilla-unet-bn_1xb1-80kiters_facades.py', './_base_/mikd.py']

model = dict(generator=dict(base_channels=16))  # the student; `_base_.model` is still the teacher

default_hooks = dict(
    distill=dict(
        _base_.distill,
        teacher=dict(model=_base_.model, checkpoint='work_dirs/teacher/iter_80000.pth'),
        # As published for Pix2Pix, t is the photograph itself, on top of a distillation loss ...
        loss=dict(type='MIDistillLoss', loss_weight=0.1, energy_l2=0.05, target='ground_truth'),
        # ... and that is, here, a bound on what the teacher's image tells about the student's, in closed form,
        # from a start as the teacher's first channels: what helps at 64 px, says
        # benchmarks/studies/pix2pix_facades.md.
        recipe='pyramid',
        layers={'': 'sliced'},
    )
)
