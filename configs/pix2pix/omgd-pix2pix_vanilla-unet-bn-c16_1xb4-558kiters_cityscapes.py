# Student: a U-Net of 16 channels, 3.404 M of 54.41 M parameters. Teachers, in the same run:
# a U-Net of 64 channels and a deeper one of 16, against one discriminator of 128.
_base_ = ['./pix2pix_vanilla-unet-bn_1xb1-744kiters_cityscapes.py', '../_base_/omgd.py']
custom_imports = dict(imports=['mmagic_mikd'], allow_failed_imports=False)

net = _base_.omgd.unet
model = dict(
    _base_.omgd.model,
    generator=net.student,
    teachers=dict(net.teachers, source='mask'),
    every=3,  # steps of the student to one of its teachers
)
optim_wrapper = dict(_base_.omgd.optim_wrapper, _delete_=True)

# 750 epochs of 2,975 pairs
train_cfg = dict(max_iters=558000)
param_scheduler = dict(_base_.omgd.falling, begin=223000, end=558000)
train_dataloader = dict(batch_size=4)

channels = {
    name: dict(cfg, loss_weight=50.0, learner=dict(cfg.learner, param_scheduler=param_scheduler))
    for name, cfg in net.channels.items()
}
default_hooks = dict(distill=dict(_base_.omgd.distill, objectives=dict(_base_.omgd.images, **channels)))
