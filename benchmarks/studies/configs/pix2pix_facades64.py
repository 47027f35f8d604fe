# Pix2Pix on facades, labels to photographs at 64 px: the study's teacher, and what its students inherit.
#
#     python tools/train.py benchmarks/studies/configs/pix2pix_facades64.py
_base_ = ['mmagic::_base_/models/base_pix2pix.py', 'mmagic::_base_/gen_default_runtime.py']
# loading from a local folder and decoded images kept in memory: a cell is minutes long
custom_imports = dict(imports=['mmagic_mikd', 'mmagic_mikd.datasets.cache'], allow_failed_imports=False)

data = '{{$MIKD_DATA:../shared/data}}'
size = 64
model = dict(
    # no dropout, as the images are scored against each other; a U-Net of one level less per halving
    generator=dict(num_down=6, base_channels=48, use_dropout=False),
    discriminator=dict(base_channels=16),
    default_domain='photo',
    reachable_domains=['photo'],
    related_domains=['mask', 'photo'],
    data_preprocessor=dict(data_keys=['img_mask', 'img_photo']),
)

images = ['img_mask', 'img_photo']
load = dict(type='LoadPairedImageFromFile', key='pair', domain_a='photo', domain_b='mask', color_type='color')
pack = dict(type='PackInputs', keys=images, data_keys=images)
resize = dict(type='Resize', keys=images, interpolation='area')
at_once = dict(type='Cached', path='pair_path', transforms=[load, dict(resize, scale=(size, size))])
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='PairedImageDataset',
        data_root=f'{data}/facades',
        pipeline=[
            dict(type='Cached', path='pair_path', transforms=[load, dict(resize, scale=(72, 72))]),
            dict(type='FixedCrop', keys=images, crop_size=(size, size)),  # at a random place
            dict(type='Flip', keys=images, direction='horizontal'),
            pack,
        ],
    ),
)
val_dataloader = dict(
    batch_size=10,  # part of the result: the toolbox evaluates Pix2Pix with statistics of the batch
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='PairedImageDataset',
        data_root=f'{data}/facades',
        test_mode=True,
        test_dir='val',
        pipeline=[at_once, pack],
    ),
)
test_dataloader = dict(val_dataloader, dataset=dict(val_dataloader['dataset'], test_dir='test'))

adam = dict(optimizer=dict(type='Adam', lr=5e-4, betas=(0.5, 0.999), fused=True))
optim_wrapper = dict(generators=adam, discriminators=adam)
train_cfg = dict(max_iters=4000)
default_hooks = dict(evaluation=dict(type='SeededEvaluation'))
custom_hooks = []

fake, real = 'fake_photo', 'img_photo'
frechet = dict(
    type='BackboneFrechetDistance',
    backbone=dict(type='CifarResNet', depth=56),
    checkpoint=f'{data}/weights_cifar_resnet/resnet56-4bfd9763.th',
    name='resnet56-cifar10',
    input_size=32,
    real_key=real,
    fake_key=fake,
)
val_evaluator = dict(metrics=[frechet])
test_evaluator = dict(
    metrics=[
        frechet,
        dict(type='SlicedWasserstein', image_shape=(3, size, size), real_key=real, fake_key=fake),
        dict(type='PairedImageQuality', against='target', real_key=real, fake_key=fake),
    ]
)
