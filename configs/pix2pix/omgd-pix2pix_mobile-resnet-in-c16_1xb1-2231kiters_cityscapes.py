# Student: a mobile ResNet of 16 channels, 0.137 M of 1.99 M parameters. Teachers, in the same run:
# a mobile ResNet of 64 channels and a deeper one of 16, against one discriminator of 128.
_base_ = ['./pix2pix_resnet-in_1xb1-744kiters_cityscapes.py', '../_base_/omgd.py']
custom_imports = dict(imports=['mmagic_mikd'], allow_failed_imports=False)

net = _base_.omgd.resnet
model = dict(
    _base_.omgd.model,
    generator=net.student,
    teachers=dict(
        net.teachers,
        source='mask',
        discriminator=dict(net.teachers.discriminator, shared=4),  # of its five layers
    ),
    every=3,  # steps of the student to one of its teachers
)
optim_wrapper = dict(_base_.omgd.optim_wrapper, _delete_=True)

# 750 epochs of 2,975 pairs
train_cfg = dict(max_iters=2231000)
param_scheduler = dict(_base_.omgd.falling, begin=892000, end=2231000)

default_hooks = dict(distill=dict(_base_.omgd.distill, objectives=_base_.omgd.images_of_one))
