# What the OMGD configs share (Ren et al., "Online Multi-Granularity Distillation for GAN Compression", ICCV
# 2021): the optimisers, and the losses of a student that has neither discriminator nor ground truth. Each is
# summed over the teachers, but for the distillation of channels, which is that of the wide one.
_base_ = []

import mmagic_mikd  # noqa: E402, F401  registers what is named here

adam = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=2e-4, betas=(0.5, 0.999)))
# torchvision's file, which nothing here downloads; without `checkpoint` the weights are random
vgg = dict(type='VGG16', checkpoint='vgg16-397923af.pth')
# from the student's features to those of the wide teacher
connector = dict(type='ConvModule', kernel_size=1, norm_cfg=dict(type='BN', track_running_stats=False))
channels = dict(type='ChannelDistillationLoss', teacher='wide', adapter=connector, learner=adam)

omgd = dict(
    optim_wrapper=dict(
        constructor='MultiOptimWrapperConstructor',
        generators=adam,
        teacher_generators=adam,
        teacher_discriminators=adam,
    ),
    teachers={name: dict(online=f'teacher_generators.{name}') for name in ('wide', 'deep')},
    images=dict(
        # on images in [-1, 1], with the constants of [0, 1]
        ssim=dict(type='SSIMLoss', loss_weight=10.0, range=(-1.0, 1.0)),
        # four times 1e4, because this is the mean over the layers and the paper's the sum
        style=dict(
            type='StyleLoss',
            loss_weight=4e4,
            range=(0.0, 1.0),
            backbone=dict(vgg, layers=['features.3', 'features.8', 'features.15', 'features.22']),
        ),
        feature=dict(
            type='L1Loss', loss_weight=10.0, range=(0.0, 1.0), backbone=dict(vgg, layers=['features.8'])
        ),
        # 1e-5 of a sum over 4 x 3 x 255 x 256 differences, of which this is the mean
        tv=dict(type='TotalVariationLoss', loss_weight=7.8336),
    ),
    # of a U-Net of eight levels: the ways down and up at 64 px, and at 16 px, behind their activations
    unet=dict(
        channels1=dict(channels, layer='model.model.1.model.1.model.0.activate'),
        channels2=dict(channels, layer='model.model.1.model.1.model.1.model.1.model.0.activate'),
        channels3=dict(channels, layer='model.model.1.model.1.model.1.model.2.activate'),
        channels4=dict(channels, layer='model.model.1.model.2.activate'),
    ),
    # of a mobile ResNet: behind the second change of resolution, and behind each third of the blocks
    resnet={f'channels{i + 1}': dict(channels, layer=f'model.{9 + 3 * i}') for i in range(4)},
)

# a base defines nothing that a config may have, too
del adam, vgg, connector, channels
