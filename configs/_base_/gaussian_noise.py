# Denoising from a folder of photographs alone: Gaussian noise of standard deviation 25 of 255, drawn anew for
# each image. A dataset of `data_prefix=dict(gt='')` with these pipelines needs nothing else.
gaussian_noise = dict(
    train_pipeline=[
        dict(type='LoadImageFromFile', key='gt', channel_order='rgb'),
        dict(
            type='CopyValues',
            src_keys=['gt', 'gt_channel_order', 'gt_color_type'],
            dst_keys=['img', 'img_channel_order', 'img_color_type'],
        ),
        dict(type='SetValues', dictionary=dict(scale=1)),
        dict(type='PairedRandomCrop', gt_patch_size=256),
        dict(type='Flip', keys=['img', 'gt'], flip_ratio=0.5, direction='horizontal'),
        dict(type='Flip', keys=['img', 'gt'], flip_ratio=0.5, direction='vertical'),
        dict(type='RandomTransposeHW', keys=['img', 'gt'], transpose_ratio=0.5),
        dict(
            type='RandomNoise',
            keys=['img'],
            params=dict(
                noise_type=['gaussian'],
                noise_prob=[1],
                gaussian_sigma=[25, 25],
                gaussian_gray_noise_prob=0,
            ),
        ),
        dict(type='PackInputs'),
    ],
    test_pipeline=[
        dict(type='LoadImageFromFile', key='gt', channel_order='rgb'),
        dict(
            type='CopyValues',
            src_keys=['gt', 'gt_channel_order', 'gt_color_type'],
            dst_keys=['img', 'img_channel_order', 'img_color_type'],
        ),
        dict(
            type='RandomNoise',
            keys=['img'],
            params=dict(
                noise_type=['gaussian'],
                noise_prob=[1],
                gaussian_sigma=[25, 25],
                gaussian_gray_noise_prob=0,
            ),
        ),
        dict(type='PackInputs'),
    ],
)
