# What the OMGD configs share (Ren et al., "Online Multi-Granularity Distillation for GAN Compression", ICCV
# 2021): networks and optimisers, how rates fall, and the losses of a student that has neither discriminator nor
# ground truth. Each is summed over the teachers, but for the distillation of channels, that of the wide one.
_base_ = []

import mmagic_mikd  # noqa: E402, F401  registers what is named here

adam = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=2e-4, betas=(0.5, 0.999)))
# torchvision's file, which nothing here downloads; without `checkpoint` the weights are random
vgg = dict(type='VGG16', checkpoint='vgg16-397923af.pth')
# from the student's features to those of the wide teacher
connector = dict(type='ConvModule', kernel_size=1, norm_cfg=dict(type='BN', track_running_stats=False))
channels = dict(type='ChannelDistillationLoss', teacher='wide', adapter=connector, learner=adam)

images = dict(
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
)

# of 64 channels; the deep ones have 16
normal = dict(type='normal', gain=0.02)
unet = dict(
    type='UnetGenerator',
    in_channels=3,
    out_channels=3,
    num_down=8,
    base_channels=64,
    norm_cfg=dict(type='BN'),
    use_dropout=False,
    init_cfg=normal,
)
resnet = dict(
    type='MobileResnetGenerator',
    in_channels=3,
    out_channels=3,
    base_channels=64,
    norm_cfg=dict(type='IN'),
    num_blocks=9,
    padding_mode='reflect',
    init_cfg=normal,
)
judge = dict(type='SharedPatchDiscriminator', in_channels=6, base_channels=128, num_conv=3, init_cfg=normal)
pix2pix = dict(type='JointPix2Pix', target='photo')

omgd = dict(
    # in place of the model of a base, whose discriminator the student has not
    model=dict(type='OnlineTeachers', discriminator=None),
    optim_wrapper=dict(
        constructor='MultiOptimWrapperConstructor',
        generators=adam,
        teacher_generators=adam,
        teacher_discriminators=adam,
    ),
    # constant rates and then falling to zero, from `begin` to `end`
    falling=dict(type='LinearLR', by_epoch=False, start_factor=1.0, end_factor=0.0),
    distill=dict(
        type='DistillRunner',
        teacher={name: dict(online=f'teacher_generators.{name}') for name in ('wide', 'deep')},
    ),
    unet=dict(
        student=dict(base_channels=16, use_dropout=False),
        teachers=dict(
            pix2pix,
            generators=dict(wide=unet, deep=dict(unet, type='DeepUnetGenerator', base_channels=16)),
            discriminator=dict(judge, norm_cfg=dict(type='BN')),
        ),
        # of eight levels: the ways down and up at 64 px, and at 16 px, behind their activations
        channels=dict(
            channels1=dict(channels, layer='model.model.1.model.1.model.0.activate'),
            channels2=dict(channels, layer='model.model.1.model.1.model.1.model.1.model.0.activate'),
            channels3=dict(channels, layer='model.model.1.model.1.model.1.model.2.activate'),
            channels4=dict(channels, layer='model.model.1.model.2.activate'),
        ),
    ),
    resnet=dict(
        student=dict(type='MobileResnetGenerator', base_channels=16),
        teachers=dict(
            pix2pix,
            generators=dict(
                wide=resnet, deep=dict(resnet, type='DeepMobileResnetGenerator', base_channels=16)
            ),
            discriminator=dict(judge, norm_cfg=dict(type='IN')),
        ),
        # behind the second change of resolution, and behind each third of the blocks
        channels={f'channels{i + 1}': dict(channels, layer=f'model.{9 + 3 * i}') for i in range(4)},
    ),
    images=images,
    images_of_one=dict(images, tv=dict(images['tv'], loss_weight=1.9584)),  # for batches of one, not four
    # OMGD has them on edges2shoes-r, the base not
    jitter=[
        dict(type='Resize', keys=['img_A', 'img_B'], scale=(286, 286), interpolation='bicubic'),
        dict(type='FixedCrop', keys=['img_A', 'img_B'], crop_size=(256, 256)),
        dict(type='Flip', keys=['img_A', 'img_B'], direction='horizontal'),
    ],
    # CycleGAN: the teacher is the one with the best FID on a tenth of the images that nobody trains on, for
    # which OMGD takes the test images
    cyclegan=dict(
        distill=dict(type='DistillRunner', teacher=dict(wide=dict(online='chosen'))),
        # 0.5 of the weight of the cycle, as the authors of CycleGAN have it; MMagic has 0.5 alone
        teachers=dict(loss_config=dict(cycle_loss_weight=10.0, id_loss_weight=5.0)),
        kept=dict(type='UnpairedImageFold', folds=10, kept=[0, 1, 2, 3, 4, 5, 6, 7, 8]),
        kept_back=dict(type='UnpairedImageFold', folds=10, kept=[9], fixed=True),
        selection=dict(type='TeacherSelection', score='FID/fid'),
        fid=dict(type='TransFID', prefix='FID', inception_style='PyTorch'),
    ),
)

# a base defines nothing that a config may have, too
del adam, vgg, connector, channels, normal, unet, resnet, judge, pix2pix, images
