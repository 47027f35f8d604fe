# Student: a U-Net of 16 channels, 3.404 M of 54.41 M parameters. Teachers, in the same run:
# a U-Net of 64 channels and a deeper one of 16, against one discriminator of 128.
_base_ = ['./pix2pix_vanilla-unet-bn_1xb1-744kiters_cityscapes.py', '../_base_/omgd.py']
custom_imports = dict(imports=['mmagic_mikd'], allow_failed_imports=False)

wide = dict(_base_.model.generator, use_dropout=False)
deep = dict(wide, type='DeepUnetGenerator', base_channels=16)
model = dict(
    type='OnlineTeachers',
    discriminator=None,
    generator=dict(base_channels=16, use_dropout=False),  # the student
    teachers=dict(
        type='JointPix2Pix',
        generators=dict(wide=wide, deep=deep),
        discriminator=dict(_base_.model.discriminator, type='SharedPatchDiscriminator', base_channels=128),
        source='mask',
        target='photo',
    ),
    every=3,  # steps of the student to one of its teachers
)
optim_wrapper = dict(_base_.omgd.optim_wrapper, _delete_=True)

# 750 epochs of 2,975 pairs, constant rates and then falling to zero
train_cfg = dict(max_iters=558000)
param_scheduler = dict(
    type='LinearLR', by_epoch=False, start_factor=1.0, end_factor=0.0, begin=223000, end=558000
)
train_dataloader = dict(batch_size=4)

default_hooks = dict(
    distill=dict(
        type='DistillRunner',
        teacher=_base_.omgd.teachers,
        objectives=dict(
            **_base_.omgd.images,
            **{
                name: dict(cfg, loss_weight=50.0, learner=dict(cfg.learner, param_scheduler=param_scheduler))
                for name, cfg in _base_.omgd.unet.items()
            },
        ),
    )
)
