# Student: a mobile ResNet of 16 channels, 0.137 M of 1.99 M parameters. Teachers, in the same run:
# a mobile ResNet of 64 channels and a deeper one of 16, against one discriminator of 128.
_base_ = ['./pix2pix_resnet-in_wo-jitter-flip-1xb4-190kiters_edges2shoes-r.py', '../_base_/omgd.py']
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
            shared=3,  # of its five layers
            norm_cfg=dict(type='IN'),
        ),
        source='edges',
        target='photo',
    ),
)
optim_wrapper = dict(_base_.omgd.optim_wrapper, _delete_=True)

# 200 epochs of 47,980 pairs, constant rates and then falling to zero
train_cfg = dict(max_iters=2399000)
param_scheduler = dict(
    type='LinearLR', by_epoch=False, start_factor=1.0, end_factor=0.0, begin=1199500, end=2399000
)

# OMGD has jitter and flips here, the base not
pipeline = _base_.train_dataloader.dataset.pipeline
both = dict(keys=['img_A', 'img_B'])
jitter = [
    dict(both, type='Resize', scale=(286, 286), interpolation='bicubic'),
    dict(both, type='FixedCrop', crop_size=(256, 256)),
    dict(both, type='Flip', direction='horizontal'),
]
train_dataloader = dict(dataset=dict(pipeline=[pipeline[0], *jitter, *pipeline[2:]]))

default_hooks = dict(
    distill=dict(
        type='DistillRunner',
        teacher=_base_.omgd.teachers,
        objectives=dict(
            **_base_.omgd.images,
            **{
                name: dict(cfg, loss_weight=100.0, learner=dict(cfg.learner, param_scheduler=param_scheduler))
                for name, cfg in _base_.omgd.resnet.items()
            },
        ),
    )
)
