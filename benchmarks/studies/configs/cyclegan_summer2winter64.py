# CycleGAN on summer2winter at 64 px: the study's teacher, and what its students inherit.
#
#     python tools/train.py benchmarks/studies/configs/cyclegan_summer2winter64.py
_base_ = ['mmagic::_base_/models/base_cyclegan.py', 'mmagic::_base_/gen_default_runtime.py']
custom_imports = dict(
    imports=['mmagic_mikd', 'mmagic_mikd.datasets.cache', 'mmagic_mikd.datasets.folds'],
    allow_failed_imports=False,
)

data = '{{$MIKD_DATA:../shared/data}}'
size = 64
domains = ['summer', 'winter']
images = ['img_summer', 'img_winter']
model = dict(
    generator=dict(base_channels=24, num_blocks=6),
    discriminator=dict(base_channels=16),
    loss_config=dict(cycle_loss_weight=10.0, id_loss_weight=0.5),
    default_domain='winter',
    reachable_domains=domains,
    related_domains=domains,
    data_preprocessor=dict(data_keys=images),
)
# two directions: the generator's cost, as counted, is that of one
complexity_shape = (3, size, size)

load_summer = dict(type='LoadImageFromFile', key='img_summer', color_type='color')
load_winter = dict(type='LoadImageFromFile', key='img_winter', color_type='color')
larger = dict(type='Resize', scale=(72, 72), interpolation='area')
exact = dict(type='Resize', scale=(size, size), interpolation='area')
pack = dict(type='PackInputs', keys=images, data_keys=images)
exact_steps = [
    dict(type='Cached', path='img_summer_path', transforms=[load_summer, dict(exact, keys=['img_summer'])]),
    dict(type='Cached', path='img_winter_path', transforms=[load_winter, dict(exact, keys=['img_winter'])]),
    pack,
]
folder = dict(data_root=f'{data}/summer2winter', domain_a='summer', domain_b='winter')
train_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        folder,
        type='UnpairedImageFold',
        folds=5,
        kept=[0, 1, 2, 3],
        pipeline=[
            dict(
                type='Cached',
                path='img_summer_path',
                transforms=[load_summer, dict(larger, keys=['img_summer'])],
            ),
            dict(
                type='Cached',
                path='img_winter_path',
                transforms=[load_winter, dict(larger, keys=['img_winter'])],
            ),
            dict(type='Crop', keys=['img_summer'], crop_size=(size, size), random_crop=True),
            dict(type='Crop', keys=['img_winter'], crop_size=(size, size), random_crop=True),
            dict(type='Flip', keys=['img_summer'], direction='horizontal'),
            dict(type='Flip', keys=['img_winter'], direction='horizontal'),
            pack,
        ],
    ),
)
val_dataloader = dict(
    batch_size=10,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(folder, type='UnpairedImageFold', folds=5, kept=[4], fixed=True, pipeline=exact_steps),
)
test_dataloader = dict(
    batch_size=10,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(folder, type='UnpairedImageDataset', test_mode=True, pipeline=exact_steps),
)

adam = dict(optimizer=dict(type='Adam', lr=5e-4, betas=(0.5, 0.999), fused=True))
optim_wrapper = dict(generators=adam, discriminators=adam)
train_cfg = dict(max_iters=4000)
default_hooks = dict(evaluation=dict(type='SeededEvaluation'))
custom_hooks = []

frechet = dict(
    type='BackboneFrechetDistance',
    backbone=dict(type='CifarResNet', depth=56),
    checkpoint=f'{data}/weights_cifar_resnet/resnet56-4bfd9763.th',
    name='resnet56-cifar10',
    input_size=32,
)
swd = dict(type='SlicedWasserstein', image_shape=(3, size, size))
to_winter = dict(real_key='img_winter', fake_key='fake_winter')
to_summer = dict(real_key='img_summer', fake_key='fake_summer')
val_evaluator = dict(
    metrics=[dict(frechet, prefix='winter', **to_winter), dict(frechet, prefix='summer', **to_summer)]
)
test_evaluator = dict(
    metrics=[
        dict(frechet, prefix='winter', **to_winter),
        dict(frechet, prefix='summer', **to_summer),
        dict(swd, prefix='winter/swd', **to_winter),
        dict(swd, prefix='summer/swd', **to_summer),
    ]
)
