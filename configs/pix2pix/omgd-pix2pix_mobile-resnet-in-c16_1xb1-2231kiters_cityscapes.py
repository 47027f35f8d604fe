# Student: a mobile ResNet of 16 channels, 0.137 M of 1.99 M parameters. Teachers, in the same run:
# a mobile ResNet of 64 channels and a deeper one of 16, against one discriminator of 128.
_base_ = ['./pix2pix_resnet-in_1xb1-744kiters_cityscapes.py', '../_base_/omgd.py']
custom_imports = dict(imports=['mmagic_mikd'], allow_failed_imports=False)

wide = dict(_base_.model.generator, type='MobileResnetGenerator')
deep = dict(wide, type='DeepMobileResnetGenerator', base_channels=16)
model = dict(
    type='OnlineTeachers',
    discriminator=None,
    generator=dict(type='MobileResnetGenerator', base_channels=16),  # the student
    teachers=dict(
        type='JointPix2Pix',
        generators=dict(wide=wide, deep=deep),
        discriminator=dict(
            _base_.model.discriminator,
            type='SharedPatchDiscriminator',
            base_channels=128,
            shared=4,  # of its five layers
            norm_cfg=dict(type='IN'),
        ),
        source='mask',
        target='photo',
    ),
    every=3,  # steps of the student to one of its teachers
)
optim_wrapper = dict(_base_.omgd.optim_wrapper, _delete_=True)

# 750 epochs of 2,975 pairs, constant rates and then falling to zero
train_cfg = dict(max_iters=2231000)
param_scheduler = dict(
    type='LinearLR', by_epoch=False, start_factor=1.0, end_factor=0.0, begin=892000, end=2231000
)

default_hooks = dict(
    distill=dict(
        type='DistillRunner',
        teacher=_base_.omgd.teachers,
        objectives=dict(
            **{name: _base_.omgd.images[name] for name in ('ssim', 'style', 'feature')},
            tv=dict(_base_.omgd.images.tv, loss_weight=1.9584),  # of one image in place of four
        ),
    )
)
