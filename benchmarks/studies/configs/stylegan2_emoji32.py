# StyleGAN2 on Noto Emoji at 32 px, a plain discriminator: the study's teacher, and what its students inherit.
#
#     python tools/train.py benchmarks/studies/configs/stylegan2_emoji32.py
_base_ = ['mmagic::_base_/models/base_styleganv2.py', 'mmagic::_base_/gen_default_runtime.py']
custom_imports = dict(
    imports=['mmagic_mikd', 'mmagic_mikd.datasets.cache', 'mmagic_mikd.datasets.on_white'],
    allow_failed_imports=False,
)

data = '{{$MIKD_DATA:../shared/data}}'
size = 32
batch_size = 16
model = dict(
    generator=dict(type='NarrowStyleGAN2Generator', out_size=size, style_channels=128, num_mlps=4, width=48),
    # the toolbox's StyleGAN2 discriminator has 512 channels up to 64 px, too many for one core
    discriminator=dict(
        _delete_=True,
        type='DCGANDiscriminator',
        input_scale=size,
        output_scale=4,
        out_channels=1,
        base_channels=32,
        default_norm_cfg=None,  # the gradient penalty is of one image
    ),
    ema_config=dict(interval=1, momentum=0.005),
)

load = dict(type='LoadImageFromFile', key='gt', color_type='unchanged')
steps = [load, dict(type='OnWhite', key='gt')]
steps += [dict(type='Resize', keys=['gt'], scale=(size, size), interpolation='area')]
emoji = dict(type='BasicImageDataset', data_root=f'{data}/noto_emoji_128', data_prefix=dict(gt='images'))
cached = dict(type='Cached', path='gt_path', transforms=steps)
# of ten pictures in the order of their names seven are trained on
train_dataloader = dict(
    batch_size=batch_size,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        emoji,
        indices=[i for i in range(1000) if i % 10 < 7],
        pipeline=[cached, dict(type='Flip', keys=['gt'], direction='horizontal'), dict(type='PackInputs')],
    ),
)
val_dataloader = dict(
    batch_size=50,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        emoji,
        indices=[i for i in range(1000) if i % 10 == 7],
        pipeline=[cached, dict(type='PackInputs')],
    ),
)
test_dataloader = dict(
    val_dataloader,
    dataset=dict(val_dataloader['dataset'], indices=[i for i in range(1000) if i % 10 > 7]),
)

# the toolbox's settings: regularised every 16th and 4th iteration
optim_wrapper = dict(
    generator=dict(optimizer=dict(type='Adam', lr=0.002 * 4 / 5, betas=(0.0, 0.99 ** (4 / 5)))),
    discriminator=dict(optimizer=dict(type='Adam', lr=0.002 * 16 / 17, betas=(0.0, 0.99 ** (16 / 17)))),
)
train_cfg = dict(max_iters=6000)
default_hooks = dict(evaluation=dict(type='SeededEvaluation'))
custom_hooks = []

frechet = dict(
    type='BackboneFrechetDistance',
    backbone=dict(type='CifarResNet', depth=56),
    checkpoint=f'{data}/weights_cifar_resnet/resnet56-4bfd9763.th',
    name='resnet56-cifar10',
    input_size=32,
    from_noise=True,
    fake_nums=500,
    sample_model='ema',
)
val_evaluator = dict(metrics=[frechet])
test_evaluator = dict(
    metrics=[
        dict(frechet, neighbours=5),
        dict(type='SlicedWasserstein', image_shape=(3, size, size), sample_model='ema'),
    ]
)
