# srgan_bsds200_x4.py for a factor of two: small images, test sets and the border that scores leave out.
_base_ = './srgan_bsds200_x4.py'
work_dir = 'work_dirs/srgan_bsds200_x2'
complexity_shape = (3, 48, 48)

two = dict(
    SetValues=dict(dictionary=dict(scale=2)),
    MATLABLikeResize=dict(scale=1 / 2),
    PSNR=dict(crop_border=2),
    SSIM=dict(crop_border=2),
)
small = dict(
    type='Cached', path='gt_path', transforms=[dict(t, **two.get(t['type'], {})) for t in _base_.whole]
)
train_dataloader = dict(
    dataset=dict(pipeline=[small, dict(type='PairedRandomCrop', gt_patch_size=96), *_base_.random[1:]])
)
val_dataloader = dict(dataset=dict(pipeline=[small, dict(type='PackInputs')]))
test_pipeline = [dict(t, **two.get(t['type'], {})) for t in _base_.sr_x4.test_pipeline]
test_dataloader = [
    dict(
        loader,
        dataset=dict(loader['dataset'], data_prefix=dict(img='LR_x2', gt='GT'), pipeline=test_pipeline),
    )
    for loader in _base_.test_dataloader
]
val_evaluator = dict(metrics=[dict(m, **two[m['type']]) for m in _base_.val_evaluator['metrics']])
test_evaluator = [
    dict(evaluator, metrics=[dict(m, **two[m['type']]) for m in evaluator['metrics']])
    for evaluator in _base_.test_evaluator
]
