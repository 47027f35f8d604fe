# Student: a mobile ResNet of 16 channels, summer to winter, 0.137 M of 1.99 M parameters.
# Teacher, in the same run: a CycleGAN of mobile ResNets of 64 channels, as it was when its FID was best.
_base_ = ['mmagic::cyclegan/cyclegan_lsgan-resnet-in_1xb1-250kiters_summer2winter.py', '../_base_/omgd.py']
custom_imports = dict(imports=['mmagic_mikd', 'mmagic_mikd.datasets.folds'], allow_failed_imports=False)

net, shared = _base_.omgd.resnet, _base_.omgd.cyclegan
model = dict(
    _base_.omgd.model,
    generator=net.student,  # of one direction
    default_domain='winter',
    reachable_domains=['winter'],
    teachers=dict(
        _base_.model, generator=dict(_base_.model.generator, type=net.student.type), **shared.teachers
    ),
    phases=(7386, 29544),  # 6 epochs of the teacher, and four times as many of the student
)
optim_wrapper = dict(_base_.omgd.optim_wrapper, _delete_=True)

# 204 epochs of the teacher, 816 of the student
train_cfg = dict(max_iters=1255620)
falling = dict(_base_.omgd.falling, begin=627810, end=1255620)
param_scheduler = dict(falling, _delete_=True)

train_dataloader = dict(batch_size=1, dataset=shared.kept)
kept_back = dict(_base_.val_dataloader, dataset=dict(_base_.val_dataloader.dataset, **shared.kept_back))
kept_back['dataset'].pop('test_mode')
fid = dict(shared.fid, real_key='img_winter', fake_key='fake_winter', fake_nums=123)
custom_hooks = [dict(shared.selection, dataloader=kept_back, evaluator=dict(metrics=[fid]))]
# the student has one direction of the two
metrics = [_base_.metrics[0], _base_.metrics[2]]
val_evaluator = dict(metrics=metrics)
test_evaluator = dict(metrics=metrics)

channels = {
    name: dict(cfg, loss_weight=100.0, learner=dict(cfg.learner, param_scheduler=falling))
    for name, cfg in net.channels.items()
}
default_hooks = dict(distill=dict(shared.distill, objectives=dict(_base_.omgd.images_of_one, **channels)))
