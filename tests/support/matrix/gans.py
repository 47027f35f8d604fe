"""Unconditional and conditional GANs, and image translation."""

from .case import ONE_SIZE, Case

IMAGE = dict(fields='image', size=16)
LABELLED = dict(fields='labelled', size=32)

DCGAN = dict(
    model=dict(
        noise_size=8,
        generator=dict(output_scale=16, base_channels=16),
        discriminator=dict(input_scale=16, base_channels=4),
    ),
    teacher=dict(generator=dict(base_channels=32)),
    data=IMAGE,
    side=16,
)
CONDITIONAL = dict(
    model=dict(
        discriminator_steps=1,
        generator=dict(output_scale=32, base_channels=8),
        discriminator=dict(input_scale=32, base_channels=8),
    ),
    teacher=dict(generator=dict(base_channels=16)),
    data=LABELLED,
    side=32,
)
# A generator that mixes styles does so in training mode only, and the teacher is to mix them as well.
MIXING = dict(teacher=dict(mode='train'))

UNCONDITIONAL = [
    Case('DCGAN', 'dcgan/dcgan_1xb128-300kiters_celeba-cropped-64.py', **DCGAN),
    Case('LSGAN', 'lsgan/lsgan_dcgan-archi_lr1e-3-1xb128-12Mimgs_celeba-cropped-64x64.py', **DCGAN),
    Case(
        'GGAN',
        'ggan/ggan_lsgan-archi_lr1e-4-1xb128-20Mimgs_lsun-bedroom-64x64.py',
        model=dict(
            noise_size=8,
            generator=dict(output_scale=32, base_channels=16),
            discriminator=dict(input_scale=32, base_channels=8),
        ),
        teacher=dict(generator=dict(base_channels=32)),
        data=dict(fields='image', size=32),
        side=32,
    ),
    Case(
        'WGAN-GP',
        '_base_/../wgan-gp/wgangp_GN_1xb64-160kiters_celeba-cropped-128x128.py',
        model=dict(
            discriminator_steps=1,
            generator=dict(noise_size=8, out_scale=8),
            discriminator=dict(in_scale=8),
        ),
        teacher={},
        data=dict(fields='image', size=8),
        side=8,
        note=f'After `mmagic::` MMEngine takes no folder with a hyphen, hence the detour. {ONE_SIZE}',
    ),
    Case('SNGAN', 'sngan_proj/sngan-proj_woReLUinplace_lr2e-4-ndisc5-1xb64_cifar10-32x32.py', **CONDITIONAL),
    Case('SAGAN', 'sagan/sagan_woReLUinplace_lr2e-4-ndisc5-1xb64_cifar10-32x32.py', **CONDITIONAL),
    Case('BigGAN', 'biggan/biggan_2xb25-500kiters_cifar10-32x32.py', **CONDITIONAL),
    Case(
        'PGGAN',
        'pggan/pggan_8xb4-12Mimgs_celeba-cropped-128x128.py',
        model=dict(
            noise_size=8,
            generator=dict(out_scale=8, base_channels=32, max_channels=8),
            discriminator=dict(in_scale=8, base_channels=32, max_channels=8),
            nkimgs_per_scale={'4': 0.002, '8': 0.01},
            transition_kimgs=0.002,
        ),
        teacher=dict(generator=dict(max_channels=16)),
        data=dict(fields='image', size=8),
        side=4,
        note='Grows within these two iterations.',
    ),
    Case(
        'StyleGAN1',
        'styleganv1/styleganv1_ffhq-256x256_8xb4-25Mimgs.py',
        model=dict(
            style_channels=8,
            generator=dict(out_size=16, style_channels=8, num_mlps=2),
            discriminator=dict(in_size=16),
            nkimgs_per_scale={'8': 0.001, '16': 0.01},
            transition_kimgs=0.001,
        ),
        teacher=dict(generator=dict(num_mlps=4)),
        data=dict(fields='image', size=16),
        distill=MIXING,
        side=8,
        batch_size=1,
        note='Grows within these two iterations.',
    ),
    Case(
        'StyleGAN2',
        'styleganv2/stylegan2_c2_8xb4-800kiters_ffhq-256x256.py',
        model=dict(
            generator=dict(out_size=8, style_channels=8, num_mlps=2, channel_multiplier=0.0625),
            discriminator=dict(in_size=8, channel_multiplier=0.0625),
        ),
        teacher=dict(generator=dict(channel_multiplier=0.125)),
        data=dict(fields='image', size=8),
        distill=MIXING,
        side=8,
    ),
    Case(
        'StyleGAN3',
        'styleganv3/stylegan3-t_gamma2.0_8xb4-fp16-noaug_ffhq-256x256.py',
        model=dict(
            generator=dict(
                out_size=16,
                noise_size=8,
                style_channels=8,
                synthesis_cfg=dict(channel_base=128, channel_max=8, num_layers=3, num_fp16_res=0),
            ),
            discriminator=dict(in_size=16, channel_multiplier=0.0625),
        ),
        teacher=dict(generator=dict(synthesis_cfg=dict(channel_max=16))),
        data=IMAGE,
        side=16,
    ),
    Case(
        'MSPIE-StyleGAN2',
        'positional_encoding_in_gans/mspie-stylegan2-config-f_c2_8xb3-1100kiters_ffhq-256-512.py',
        model=dict(
            generator=dict(
                out_size=8,
                style_channels=8,
                num_mlps=2,
                channel_multiplier=0.0625,
                head_pos_encoding=dict(init_size=16),
            ),
            discriminator=dict(in_size=8, channel_multiplier=0.0625),
            train_settings=dict(num_upblocks=1),
        ),
        teacher=dict(generator=dict(channel_multiplier=0.125)),
        data=dict(fields='image', size=8),
        distill=MIXING,
        side=8,
    ),
    Case(
        'SinGAN',
        'singan/singan_fish.py',
        model=dict(
            num_scales=1,
            iters_per_scale=1,
            generator_steps=1,
            discriminator_steps=1,
            generator=dict(num_scales=1, num_layers=3, base_channels=4, min_feat_channels=4),
            discriminator=dict(num_scales=1, num_layers=3, base_channels=4, min_feat_channels=4),
        ),
        teacher=dict(generator=dict(base_channels=8, min_feat_channels=8)),
        data=dict(fields='pyramid', sizes=[16, 20]),
        batch_size=1,
        side=16,
        note='Goes on to the next scale within these two iterations.',
    ),
    Case(
        'EG3D',
        'eg3d/eg3d_cvt-official-rgb_shapenet-128x128.py',
        model=dict(
            generator=dict(
                noise_size=8,
                style_channels=8,
                num_mlps=1,
                triplane_size=8,
                triplane_channels=4,
                neural_rendering_resolution=8,
                renderer_cfg=dict(depth_resolution=2, depth_resolution_importance=2),
            )
        ),
        teacher={},
        data=IMAGE,
        settings=dict(
            optim_wrapper=dict(
                constructor='MultiOptimWrapperConstructor',
                generator=dict(optimizer=dict(type='Adam', lr=1e-3)),
            )
        ),
        side=16,
        refusal='Cannot find discriminator',
        note='Its config only samples and has no discriminator.',
    ),
]

TRANSLATION = [
    Case(
        'Pix2Pix',
        'pix2pix/pix2pix_vanilla-unet-bn_1xb1-80kiters_facades.py',
        model=dict(
            generator=dict(num_down=5, base_channels=4),
            discriminator=dict(base_channels=4, num_conv=1),
        ),
        teacher=dict(generator=dict(base_channels=8)),
        data=dict(fields='domains', size=32, keys=['img_photo', 'img_mask']),
        side=32,
    ),
    Case(
        'CycleGAN',
        'cyclegan/cyclegan_lsgan-resnet-in_1xb1-250kiters_summer2winter.py',
        model=dict(
            generator=dict(num_blocks=1, base_channels=4),
            discriminator=dict(base_channels=4, num_conv=1),
        ),
        teacher=dict(generator=dict(base_channels=8)),
        data=dict(fields='domains', size=16, keys=['img_summer', 'img_winter']),
        side=16,
    ),
]

CASES = [*UNCONDITIONAL, *TRANSLATION]
