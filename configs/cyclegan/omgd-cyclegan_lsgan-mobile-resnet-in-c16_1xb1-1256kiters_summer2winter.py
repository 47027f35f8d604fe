# Student: a mobile ResNet of 16 channels, summer to winter, 0.137 M of 1.99 M parameters.
# Teacher, in the same run: a CycleGAN of mobile ResNets of 64 channels, as it was when its FID was best.
_base_ = ['mmagic::cyclegan/cyclegan_lsgan-resnet-in_1xb1-250kiters_summer2winter.py', '../_base_/omgd.py']
custom_imports = dict(imports=['mmagic_mikd', 'mmagic_mikd.datasets.folds'], allow_failed_imports=False)

mobile = dict(_base_.model.generator, type='MobileResnetGenerator')
model = dict(
    type='OnlineTeachers',
    discriminator=None,
    generator=dict(type='MobileResnetGenerator', base_channels=16),  # the student, of one direction
    default_domain='winter',
    reachable_domains=['winter'],
    teachers=dict(
        _base_.model,
        generator=mobile,
        # 0.5 of the weight of the cycle, as the authors of CycleGAN have it; MMagic has 0.5 alone
        loss_config=dict(cycle_loss_weight=10.0, id_loss_weight=5.0),
    ),
    phases=(7386, 29544),  # 6 epochs of the teacher, and four times as many of the student
)
optim_wrapper = dict(_base_.omgd.optim_wrapper, _delete_=True)

# 204 epochs of the teacher, 816 of the student; constant rates and then falling to zero
train_cfg = dict(max_iters=1255620)
falling = dict(type='LinearLR', by_epoch=False, start_factor=1.0, end_factor=0.0, begin=627810, end=1255620)
param_scheduler = dict(falling, _delete_=True)

# one image of ten is for the choice of the teacher, for which OMGD takes the test images
fold = dict(type='UnpairedImageFold', folds=10)
train_dataloader = dict(batch_size=1, dataset=dict(fold, kept=[0, 1, 2, 3, 4, 5, 6, 7, 8]))
kept_back = dict(
    _base_.val_dataloader,
    dataset=dict(_base_.val_dataloader.dataset, **fold, kept=[9], fixed=True),
)
kept_back['dataset'].pop('test_mode')
fid = dict(
    type='TransFID',
    prefix='FID',
    inception_style='PyTorch',
    real_key='img_winter',
    fake_key='fake_winter',
    fake_nums=123,
)
custom_hooks = [
    dict(type='TeacherSelection', dataloader=kept_back, evaluator=dict(metrics=[fid]), score='FID/fid')
]
# the student has one direction of the two
metrics = [_base_.metrics[0], _base_.metrics[2]]
val_evaluator = dict(metrics=metrics)
test_evaluator = dict(metrics=metrics)

default_hooks = dict(
    distill=dict(
        type='DistillRunner',
        teacher=dict(wide=dict(online='chosen')),
        objectives=dict(
            **{name: _base_.omgd.images[name] for name in ('ssim', 'style', 'feature')},
            tv=dict(_base_.omgd.images.tv, loss_weight=1.9584),  # of one image in place of four
            **{
                name: dict(cfg, loss_weight=100.0, learner=dict(cfg.learner, param_scheduler=falling))
                for name, cfg in _base_.omgd.resnet.items()
            },
        ),
    )
)
