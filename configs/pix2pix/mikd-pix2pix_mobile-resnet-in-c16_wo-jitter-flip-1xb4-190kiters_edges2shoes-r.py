# Student: a mobile ResNet of 16 channels, 0.137 M of 11.38 M parameters, 1.408 G of 56.8 G MACs (paper count).
# Small, and not fast: a U-Net of 16 channels took a seventh of its time on a CPU (docs/students.md).
_base_ = ['./pix2pix_resnet-in_wo-jitter-flip-1xb4-190kiters_edges2shoes-r.py', '../_base_/mikd.py']
custom_imports = dict(imports=['mmagic_mikd'], allow_failed_imports=False)

model = dict(generator=dict(type='MobileResnetGenerator', base_channels=16))

teacher_checkpoint = 'work_dirs/pix2pix_resnet-in_wo-jitter-flip-1xb4-190kiters_edges2shoes-r/iter_190000.pth'
default_hooks = dict(
    distill=dict(
        _base_.distill,
        recipe='reference',
        teacher=dict(model=_base_.model, checkpoint=teacher_checkpoint),
        # published for Pix2Pix; its step was not recorded, so that of CycleGAN at the same image size stays
        objectives=dict(mi=dict(target='ground_truth')),
    )
)
