# Super-resolution by four, for a config to take what it needs from `_base_.sr_x4`.
#
# Papers report PSNR and SSIM on the luma channel (Y), MMagic by default on RGB, about 2 dB lower: both are
# evaluated, labelled as in `Set5/Y/PSNR`, four pixels away from the border.
#
# The critic sees the large images. What the networks add to the enlarged input, in their place:
# `default_hooks = dict(distill=dict(pairs=[dict(student='generator', residual=True)]))`.
sr_x4 = dict(
    val_metrics=[
        dict(type=metric, crop_border=4, convert_to=convert_to, prefix=colour)
        for metric in ('PSNR', 'SSIM')
        for colour, convert_to in (('Y', 'Y'), ('RGB', None))
    ],
    test_evaluator=[  # of the toolbox's three test sets, in its order
        dict(
            type='Evaluator',
            metrics=[
                dict(type=metric, crop_border=4, convert_to=convert_to, prefix=f'{images}/{colour}')
                for metric in ('PSNR', 'SSIM')
                for colour, convert_to in (('Y', 'Y'), ('RGB', None))
            ],
        )
        for images in ('Set5', 'Set14', 'DIV2K')
    ],
    # From a folder of photographs alone: the small image is made by MATLAB's bicubic filter. A dataset of
    # `data_prefix=dict(gt='')` needs nothing else. Whatever the files are, the images are RGB of 8 bit.
    train_pipeline=[
        dict(type='LoadImageFromFile', key='gt', channel_order='rgb', imdecode_backend='cv2'),
        dict(type='SetValues', dictionary=dict(scale=4)),
        dict(type='ModCrop', key='gt'),
        dict(
            type='CopyValues',
            src_keys=['gt', 'gt_channel_order', 'gt_color_type'],
            dst_keys=['img', 'img_channel_order', 'img_color_type'],
        ),
        dict(type='MATLABLikeResize', keys=['img'], scale=1 / 4),
        dict(type='Clip', keys=['img']),
        dict(type='Normalize', keys=['img'], mean=[0, 0, 0], std=[1, 1, 1]),  # only from float64 to float32
        dict(type='SetValues', dictionary=dict(scale=4)),  # which the resize overwrote
        dict(type='PairedRandomCrop', gt_patch_size=128),
        dict(type='Flip', keys=['img', 'gt'], flip_ratio=0.5, direction='horizontal'),
        dict(type='Flip', keys=['img', 'gt'], flip_ratio=0.5, direction='vertical'),
        dict(type='RandomTransposeHW', keys=['img', 'gt'], transpose_ratio=0.5),
        dict(type='PackInputs'),
    ],
    # The same for grey pictures and those of 16 bit, as they are in the files. The model needs to be told, by
    # `data_preprocessor=dict(mean=[0.], std=[65535.])`; for colours `output_channel_order='RGB'` as well.
    deep_train_pipeline=[
        dict(type='LoadImageFromFile', key='gt', color_type='unchanged', imdecode_backend='cv2'),
        dict(type='SetValues', dictionary=dict(scale=4)),
        dict(type='ModCrop', key='gt'),
        dict(
            type='CopyValues',
            src_keys=['gt', 'gt_channel_order', 'gt_color_type'],
            dst_keys=['img', 'img_channel_order', 'img_color_type'],
        ),
        dict(type='MATLABLikeResize', keys=['img'], scale=1 / 4),
        dict(type='ClipToDepth', key='img', like='gt'),
        dict(type='SetValues', dictionary=dict(scale=4)),
        dict(type='PairedRandomCrop', gt_patch_size=128),
        dict(type='Flip', keys=['img', 'gt'], flip_ratio=0.5, direction='horizontal'),
        dict(type='Flip', keys=['img', 'gt'], flip_ratio=0.5, direction='vertical'),
        dict(type='RandomTransposeHW', keys=['img', 'gt'], transpose_ratio=0.5),
        dict(type='PackInputs'),
    ],
    # For pairs whose large image is a few pixels larger than four times the small one, as in the original Set5.
    test_pipeline=[
        dict(type='LoadImageFromFile', key='img', channel_order='rgb', imdecode_backend='cv2'),
        dict(type='LoadImageFromFile', key='gt', channel_order='rgb', imdecode_backend='cv2'),
        dict(type='SetValues', dictionary=dict(scale=4)),
        dict(type='ModCrop', key='gt'),
        dict(type='PackInputs'),
    ],
)
