# Students: mobile ResNets of 16 channels, 0.137 M of 11.38 M parameters, 1.408 G of 56.8 G MACs (paper count).
# Small, and not fast: its time falls a quarter as much as its MACs on a CPU (docs/students.md).
_base_ = ['mmagic::cyclegan/cyclegan_lsgan-resnet-in_1xb1-270kiters_horse2zebra.py', '../_base_/mikd.py']
custom_imports = dict(imports=['mmagic_mikd'], allow_failed_imports=False)

model = dict(generator=dict(type='MobileResnetGenerator', base_channels=16))
train_dataloader = dict(batch_size=1)  # MMagic's base file has 4

teacher_checkpoint = (
    'https://download.openmmlab.com/mmediting/cyclegan/refactor/'
    'cyclegan_lsgan_resnet_in_1x1_266800_horse2zebra_convert-bgr_20210902_170004-a32c733a.pth'
)
default_hooks = dict(
    distill=dict(
        _base_.distill,
        recipe='reference',
        teacher=dict(model=_base_.model, checkpoint=teacher_checkpoint),
        objectives=dict(mi=dict(critic=dict(base_channels=8))),  # published for CycleGAN
    )
)
