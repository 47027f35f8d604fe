"""Video super-resolution and frame interpolation."""

from .case import ONE_SIZE, Case

CLIP = dict(fields='clip', size=16, scale=4, frames=2)
WINDOW = dict(fields='clip', size=16, scale=4, frames=5, targets=1)
NO_FLOW_WEIGHTS = dict(spynet_pretrained=None)

CASES = [
    Case(
        'BasicVSR',
        'basicvsr/basicvsr_2xb4_reds4.py',
        model=dict(
            generator=dict(mid_channels=4, num_blocks=1, **NO_FLOW_WEIGHTS), train_cfg=dict(fix_iter=1)
        ),
        teacher=dict(generator=dict(mid_channels=8)),
        data=dict(CLIP, size=64),
        side=256,
        batch_size=1,
    ),
    Case(
        'BasicVSR++',
        'basicvsr_pp/basicvsr-pp_c64n7_8xb1-600k_reds4.py',
        model=dict(
            generator=dict(mid_channels=8, num_blocks=1, **NO_FLOW_WEIGHTS), train_cfg=dict(fix_iter=1)
        ),
        teacher=dict(generator=dict(mid_channels=16)),
        data=dict(CLIP, size=64),
        side=256,
        batch_size=1,
    ),
    Case(
        'RealBasicVSR',
        'real_basicvsr/realbasicvsr_c64b20-1x30x8_8xb1-lr5e-5-150k_reds.py',
        model=dict(
            generator=dict(
                mid_channels=4, num_propagation_blocks=1, num_cleaning_blocks=1, **NO_FLOW_WEIGHTS
            ),
            discriminator=dict(mid_channels=4),
            perceptual_loss=None,
        ),
        teacher=dict(generator=dict(mid_channels=8)),
        data=dict(CLIP, size=64),
        side=256,
        batch_size=1,
    ),
    Case(
        'EDVR',
        'edvr/edvrm_8xb4-600k_reds.py',
        model=dict(
            generator=dict(
                mid_channels=8,
                deform_groups=2,
                num_blocks_extraction=1,
                num_blocks_reconstruction=1,
                init_cfg=None,
            ),
            train_cfg=dict(tsa_iter=1),
        ),
        teacher=dict(generator=dict(mid_channels=16)),
        data=WINDOW,
        side=64,
    ),
    Case(
        'TDAN',
        'tdan/tdan_x4_8xb16-lr1e-4-400k_vimeo90k-bi.py',
        model=dict(generator=dict(mid_channels=8, num_blocks_before_align=1, num_blocks_after_align=1)),
        teacher=dict(generator=dict(mid_channels=16)),
        data=WINDOW,
        side=64,
    ),
    Case(
        'TOFlow',
        'tof/tof_spynet-chair-wobn_1xb1_vimeo90k-triplet.py',
        model=dict(generator=dict(flow_cfg=dict(pretrained=None))),
        teacher={},
        data=dict(fields='clip', size=32, frames=2, targets=1),
        side=32,
        note=ONE_SIZE,
    ),
    Case(
        'CAIN',
        'cain/cain_g1b32_1xb5_vimeo90k-triplet.py',
        model=dict(generator=dict(num_block_groups=1, num_block_layers=1)),
        teacher=dict(generator=dict(num_block_layers=2)),
        data=dict(fields='clip', size=16, frames=2, targets=1),
        side=16,
    ),
    Case(
        'FLAVR',
        'flavr/flavr_in4out1_8xb4_vimeo90k-septuplet.py',
        model=dict(generator=dict(mid_channels_list=[16, 8, 8, 4], encoder_layers_list=[1, 1, 1, 1])),
        teacher=dict(generator=dict(mid_channels_list=[32, 16, 16, 8])),
        data=dict(fields='clip', size=16, frames=4, targets=1),
        side=16,
    ),
]
