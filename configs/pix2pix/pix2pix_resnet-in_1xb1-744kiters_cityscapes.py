# A teacher: the ResNet of nine blocks and 64 channels that the tables of the compression papers start from.
_base_ = ['./pix2pix_vanilla-unet-bn_1xb1-744kiters_cityscapes.py']

# reflection padding has no deterministic backward pass on a GPU
randomness = dict(deterministic=False)

model = dict(
    generator=dict(
        _delete_=True,
        type='ResnetGenerator',
        in_channels=3,
        out_channels=3,
        base_channels=64,
        norm_cfg=dict(type='IN'),
        num_blocks=9,
        padding_mode='reflect',
        init_cfg=dict(type='normal', gain=0.02),
    )
)
