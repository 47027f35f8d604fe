"""Inpainting, matting, colourisation, diffusion."""

from .case import ONE_SIZE, Case

HOLE = dict(fields='hole', size=64)
# at this size the dilated convolutions reach too far over the edge to reflect it
ZEROS = dict(dilation_neck=dict(padding_mode='zeros'))
SECOND_STAGE = dict(pairs=[dict(student='generator', output=1)])
ALPHA = dict(
    pairs=[dict(student='backbone', value_range=(0.0, 1.0))],
    objectives=dict(mi=dict(critic=dict(t_channels=1, s_channels=1))),
)

CASES = [
    Case(
        'AOT-GAN',
        'aot_gan/aot-gan_smpgan_4xb4_places-512x512.py',
        model=dict(
            encdec=dict(
                encoder=dict(mid_channels=4, out_channels=16),
                decoder=dict(in_channels=16, mid_channels=8),
                dilation_neck=dict(in_channels=16, num_aotblock=1),
            ),
            disc=dict(base_channels=4, num_conv=1),
            loss_composed_percep=None,
            loss_out_percep=False,
        ),
        teacher=dict(encdec=dict(decoder=dict(mid_channels=16))),
        data=HOLE,
        side=64,
    ),
    Case(
        'Partial conv',
        'partial_conv/pconv_stage1_8xb1_celeba-256x256.py',
        model=dict(
            encdec=dict(
                encoder=dict(num_layers=3, norm_cfg=dict(type='BN')),
                decoder=dict(num_layers=3, norm_cfg=dict(type='BN')),
            ),
            loss_composed_percep=None,
            loss_out_percep=False,
        ),
        teacher=dict(encdec=dict(encoder=dict(num_layers=4), decoder=dict(num_layers=4))),
        data=HOLE,
        side=64,
    ),
    Case(
        'Global & Local',
        'global_local/gl_8xb12_celeba-256x256.py',
        model=dict(
            encdec=dict(
                encoder=dict(norm_cfg=None), decoder=dict(norm_cfg=None), dilation_neck=dict(norm_cfg=None)
            ),
            disc=dict(
                global_disc_cfg=dict(max_channels=4, fc_in_channels=64, num_convs=4, norm_cfg=None),
                local_disc_cfg=dict(max_channels=4, fc_in_channels=16, num_convs=3, norm_cfg=None),
            ),
            train_cfg=dict(iter_tc=-1, iter_td=-1, local_size=(16, 16)),
        ),
        teacher={},
        data=HOLE,
        side=64,
        note=ONE_SIZE,
    ),
    Case(
        'DeepFill v1',
        'deepfillv1/deepfillv1_4xb4_celeba-256x256.py',
        model=dict(
            encdec=dict(stage1=ZEROS, stage2=ZEROS),
            disc=dict(
                global_disc_cfg=dict(max_channels=4, fc_in_channels=64),
                local_disc_cfg=dict(max_channels=4, fc_in_channels=4),
            ),
            train_cfg=dict(disc_step=1, local_size=(16, 16)),
        ),
        teacher={},
        data=HOLE,
        distill=SECOND_STAGE,
        side=64,
        note=ONE_SIZE,
    ),
    Case(
        'DeepFill v2',
        'deepfillv2/deepfillv2_8xb2_celeba-256x256.py',
        model=dict(encdec=dict(stage1=ZEROS, stage2=ZEROS), disc=dict(max_channels=4, num_convs=3)),
        teacher={},
        data=HOLE,
        distill=SECOND_STAGE,
        side=64,
        note=ONE_SIZE,
    ),
    Case(
        'DIM',
        'dim/dim_stage1-v16_1xb1-1000k_comp1k.py',
        model=dict(backbone=dict(encoder=dict(init_cfg=None))),
        teacher={},
        data=dict(fields='matting', size=32),
        distill=ALPHA,
        side=32,
        note=ONE_SIZE,
    ),
    Case(
        'GCA',
        'gca/gca_r34_4xb10-200k_comp1k.py',
        model=dict(
            backbone=dict(encoder=dict(layers=[1, 1, 1, 1], init_cfg=None), decoder=dict(layers=[1, 1, 1, 1]))
        ),
        teacher=dict(backbone=dict(decoder=dict(layers=[2, 1, 1, 1]))),
        data=dict(fields='matting', size=32, one_hot=True),
        distill=ALPHA,
        side=32,
    ),
    Case(
        'IndexNet',
        'indexnet/indexnet_mobv2_1xb16-78k_comp1k.py',
        model=dict(backbone=dict(encoder=dict(init_cfg=None))),
        teacher={},
        data=dict(fields='matting', size=32),
        distill=ALPHA,
        side=32,
        note=ONE_SIZE,
    ),
    Case(
        'Instance colourisation',
        'inst_colorization/inst-colorizatioon_full_official_cocostuff-256x256.py',
        model={},
        teacher={},
        data=dict(fields='restoration', size=16),
        distill=dict(pairs=[dict(student='fusion_model')]),
        settings=dict(optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-4))),
        side=16,
        refusal='has not supported training',
    ),
    Case(
        'Guided diffusion',
        'guided_diffusion/adm_ddim250_8xb32_imagenet-64x64.py',
        model=dict(unet=dict(image_size=32, base_channels=32, resblocks_per_downsample=1, attention_res=())),
        teacher=dict(unet=dict(base_channels=64)),
        data=dict(fields='image', size=32),
        settings=dict(
            optim_wrapper=dict(denoising=dict(modules=['unet'], optimizer=dict(type='Adam', lr=1e-4)))
        ),
        side=32,
        refusal="has no attribute 'sample_timestep'",
    ),
]
