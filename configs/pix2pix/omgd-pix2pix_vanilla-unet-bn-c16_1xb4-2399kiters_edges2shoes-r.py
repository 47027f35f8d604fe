# Student: a U-Net of 16 channels, 3.404 M of 54.41 M parameters. Teachers, in the same run:
# a U-Net of 64 channels and a deeper one of 16, against one discriminator of 128.
_base_ = ['./pix2pix_vanilla-unet-bn_wo-jitter-flip-1xb4-190kiters_edges2shoes-r.py', '../_base_/omgd.py']
custom_imports = dict(imports=['mmagic_mikd'], allow_failed_imports=False)

net = _base_.omgd.unet
model = dict(
    _base_.omgd.model,
    generator=net.student,
    teachers=dict(net.teachers, source='edges'),
)
optim_wrapper = dict(_base_.omgd.optim_wrapper, _delete_=True)

# 200 epochs of 47,980 pairs
train_cfg = dict(max_iters=2399000)
param_scheduler = dict(_base_.omgd.falling, begin=1199500, end=2399000)

pipeline = _base_.train_dataloader.dataset.pipeline
train_dataloader = dict(dataset=dict(pipeline=[pipeline[0], *_base_.omgd.jitter, *pipeline[2:]]))

channels = {
    name: dict(cfg, loss_weight=10.0, learner=dict(cfg.learner, param_scheduler=param_scheduler))
    for name, cfg in net.channels.items()
}
default_hooks = dict(distill=dict(_base_.omgd.distill, objectives=dict(_base_.omgd.images, **channels)))
