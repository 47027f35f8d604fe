# Student: 32 channels, 0.381 M of 1.518 M parameters.
_base_ = [
    'mmagic::srgan_resnet/srgan_x4c64b16_1xb16-1000k_div2k.py',
    '../_base_/mikd.py',
    '../_base_/sr_x4.py',
]
custom_imports = dict(imports=['mmagic_mikd'], allow_failed_imports=False)

work_dir = './work_dirs/mikd-srgan_x4c32b16_1xb16-1000k_div2k'

model = dict(generator=dict(mid_channels=32))

teacher_checkpoint = (
    'https://download.openmmlab.com/mmediting/restorers/srresnet_srgan/'
    'srgan_x4c64b16_1x16_1000k_div2k_20200606-a1f0810e.pth'
)
# nothing is published for super-resolution: the settings for CycleGAN, with its critic of 8 channels
default_hooks = dict(
    checkpoint=dict(save_best='Y/PSNR'),
    distill=dict(
        _base_.distill,
        recipe='reference',
        teacher=dict(model=_base_.model, checkpoint=teacher_checkpoint),
        objectives=dict(mi=dict(critic=dict(base_channels=8))),
    ),
)

val_evaluator = dict(metrics=_base_.sr_x4.val_metrics)  # PSNR and SSIM, on Y and on RGB
test_evaluator = _base_.sr_x4.test_evaluator
