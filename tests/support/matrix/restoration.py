"""Super-resolution, denoising, deblurring: one image in, one image out."""

from .case import Case

X2 = dict(fields='restoration', size=8, scale=2)
X4 = dict(fields='restoration', size=8, scale=4)
SAME = dict(fields='restoration', size=16)
ADAM = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-4))  # where a config only evaluates
NARROW, WIDE = dict(mid_channels=4, num_blocks=1), dict(mid_channels=8)
# no perceptual loss: its VGG would have to be downloaded
PIXELS_AND_GAN = dict(perceptual_loss=None, discriminator=dict(mid_channels=4))

CASES = [
    Case(
        'SRCNN',
        'srcnn/srcnn_x4k915_1xb16-1000k_div2k.py',
        model=dict(generator=dict(channels=(3, 8, 4, 3))),
        teacher=dict(generator=dict(channels=(3, 16, 8, 3))),
        data=X4,
        side=32,
    ),
    Case(
        'EDSR',
        'edsr/edsr_x2c64b16_1xb16-300k_div2k.py',
        model=dict(generator=NARROW),
        teacher=dict(generator=WIDE),
        data=X2,
        side=16,
    ),
    Case(
        'RDN',
        'rdn/rdn_x2c64b16_1xb16-1000k_div2k.py',
        model=dict(generator=dict(NARROW, num_layers=2, channel_growth=4)),
        teacher=dict(generator=WIDE),
        data=X2,
        side=16,
    ),
    Case(
        'SRResNet',
        'srgan_resnet/msrresnet_x4c64b16_1xb16-1000k_div2k.py',
        model=dict(generator=NARROW),
        teacher=dict(generator=WIDE),
        data=X4,
        side=32,
    ),
    Case(
        'SRGAN',
        'srgan_resnet/srgan_x4c64b16_1xb16-1000k_div2k.py',
        model=dict(generator=NARROW, **PIXELS_AND_GAN),
        teacher=dict(generator=WIDE),
        data=dict(fields='restoration', size=32, scale=4),  # its discriminator takes nothing but 128 px
        side=128,
    ),
    Case(
        'ESRGAN',
        'esrgan/esrgan_x4c64b23g32_1xb16-400k_div2k.py',
        model=dict(generator=dict(NARROW, growth_channels=4, init_cfg=None), **PIXELS_AND_GAN),
        teacher=dict(generator=WIDE),
        data=dict(fields='restoration', size=32, scale=4),
        side=128,
    ),
    Case(
        'Real-ESRGAN',
        'real_esrgan/realesrgan_c64b23g32_4xb12-lr1e-4-400k_df2k-ost.py',
        model=dict(generator=dict(NARROW, growth_channels=4), **PIXELS_AND_GAN),
        teacher=dict(generator=WIDE),
        data=X4,
        side=32,
    ),
    Case(
        'LIIF',
        'liif/liif-edsr-norm_c64b16_1xb16-1000k_div2k.py',
        model=dict(
            generator=dict(encoder=NARROW, imnet=dict(in_dim=4, hidden_list=[8])),
        ),
        teacher=dict(generator=dict(encoder=WIDE, imnet=dict(in_dim=8))),
        data=dict(fields='points', size=8, count=64),
        side=16,
        refusal='makes tensors of shape .* not images',
    ),
    Case(
        'DIC',
        'dic/dic_gan-x8c48b6_4xb2-500k_celeba-hq.py',
        model=dict(
            generator=dict(
                mid_channels=4,
                num_blocks=1,
                hg_mid_channels=8,
                hg_num_keypoints=5,
                num_steps=2,
                num_fusion_blocks=1,
            ),
            feature_loss=None,
        ),
        teacher=dict(generator=dict(mid_channels=8)),
        data=dict(fields='face', size=16, scale=8, keypoints=5),
        side=128,
    ),
    Case(
        'TTSR',
        'ttsr/ttsr-rec_x4c64b16_1xb9-200k_CUFED.py',
        model=dict(
            generator=dict(mid_channels=4, num_blocks=(1, 1, 1, 1)),
            extractor=dict(load_pretrained_vgg=False),
        ),
        teacher=dict(generator=dict(mid_channels=8)),
        data=dict(fields='reference', size=8, scale=4),
        side=32,
        refusal='what other trained networks make',  # features of an extractor that is trained along
    ),
    Case(
        'SwinIR',
        'swinir/swinir_psnr-x2s64w8d6e180_8xb4-lr1e-4-600k_df2k-ost.py',
        model=dict(
            generator=dict(img_size=8, window_size=4, depths=[2], num_heads=[2], embed_dim=8),
        ),
        teacher=dict(generator=dict(embed_dim=16)),
        data=X2,
        settings=dict(optim_wrapper=ADAM),
        side=16,
        note='Its config only evaluates: give it training data and an `optim_wrapper`.',
    ),
    Case(
        'NAFNet',
        'nafnet/nafnet_c64eb2248mb12db2222_8xb8-lr1e-3-400k_sidd.py',
        model=dict(
            generator=dict(mid_channels=4, enc_blk_nums=[1, 1], middle_blk_num=1, dec_blk_nums=[1, 1])
        ),
        teacher=dict(generator=dict(mid_channels=8)),
        data=SAME,
        side=16,
    ),
    Case(
        'Restormer',
        'restormer/restormer_official_gopro.py',
        model=dict(generator=dict(dim=8, num_blocks=[1, 1, 1, 1], num_refinement_blocks=1)),
        teacher=dict(generator=dict(dim=16)),
        data=SAME,
        settings=dict(optim_wrapper=ADAM),
        side=16,
        note='Its config only evaluates: give it training data and an `optim_wrapper`.',
    ),
]
