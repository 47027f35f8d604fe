# Student: a mobile ResNet of 16 channels, 0.137 M of 1.99 M parameters. Teachers, in the same run:
# a mobile ResNet of 64 channels and a deeper one of 16, against one discriminator of 128.
_base_ = ['./pix2pix_resnet-in_wo-jitter-flip-1xb4-190kiters_edges2shoes-r.py', '../_base_/omgd.py']
custom_imports = dict(imports=['mmagic_mikd'], allow_failed_imports=False)

net = _base_.omgd.resnet
model = dict(
    _base_.omgd.model,
    generator=net.student,
    teachers=dict(
        net.teachers,
        source='edges',
        discriminator=dict(net.teachers.discriminator, shared=3),  # of its five layers
    ),
)
optim_wrapper = dict(_base_.omgd.optim_wrapper, _delete_=True)

# 200 epochs of 47,980 pairs
train_cfg = dict(max_iters=2399000)
param_scheduler = dict(_base_.omgd.falling, begin=1199500, end=2399000)

pipeline = _base_.train_dataloader.dataset.pipeline
train_dataloader = dict(dataset=dict(pipeline=[pipeline[0], *_base_.omgd.jitter, *pipeline[2:]]))

channels = {
    name: dict(cfg, loss_weight=100.0, learner=dict(cfg.learner, param_scheduler=param_scheduler))
    for name, cfg in net.channels.items()
}
default_hooks = dict(distill=dict(_base_.omgd.distill, objectives=dict(_base_.omgd.images, **channels)))
