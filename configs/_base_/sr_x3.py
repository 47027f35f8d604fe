# Super-resolution by three, from photographs alone, for a config to take what it needs from `_base_.sr_x3`:
# the small image is made by MATLAB's bicubic filter. `_base_/sr_x4.py` says more, and has the same by four.
down = [
    dict(type='LoadImageFromFile', key='gt', channel_order='rgb', imdecode_backend='cv2'),
    dict(type='SetValues', dictionary=dict(scale=3)),
    dict(type='ModCrop', key='gt'),
    dict(
        type='CopyValues',
        src_keys=['gt', 'gt_channel_order', 'gt_color_type'],
        dst_keys=['img', 'img_channel_order', 'img_color_type'],
    ),
    dict(type='MATLABLikeResize', keys=['img'], scale=1 / 3),
    dict(type='Clip', keys=['img']),
    dict(type='Normalize', keys=['img'], mean=[0, 0, 0], std=[1, 1, 1]),  # only from float64 to float32
    dict(type='SetValues', dictionary=dict(scale=3)),  # which the resize overwrote
]
sr_x3 = dict(
    train_pipeline=[
        *down,
        dict(type='PairedRandomCrop', gt_patch_size=144),
        dict(type='Flip', keys=['img', 'gt'], flip_ratio=0.5, direction='horizontal'),
        dict(type='Flip', keys=['img', 'gt'], flip_ratio=0.5, direction='vertical'),
        dict(type='RandomTransposeHW', keys=['img', 'gt'], transpose_ratio=0.5),
        dict(type='PackInputs'),
    ],
    photographs_pipeline=[*down, dict(type='PackInputs')],  # whole ones, to validate and to test on
    metrics=[
        dict(type=metric, crop_border=3, convert_to=convert_to, prefix=colour)
        for metric in ('PSNR', 'SSIM')
        for colour, convert_to in (('Y', 'Y'), ('RGB', None))
    ],
)
del down  # else a key of every config
