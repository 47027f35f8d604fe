# A teacher: MMagic's U-Net of 64 channels, Cityscapes label maps to street photographs.
_base_ = ['mmagic::pix2pix/pix2pix_vanilla-unet-bn_1xb1-80kiters_facades.py']

# 250 epochs of 2,975 pairs, the learning rate falling to zero over the last 150, as in GAN Compression
train_cfg = dict(max_iters=744000)
param_scheduler = dict(
    type='LinearLR', by_epoch=False, start_factor=1.0, end_factor=0.0, begin=297600, end=744000
)

# photograph left, label map right, as MMagic's facades
data_root = './data/pix2pix/cityscapes'
train_dataloader = dict(batch_size=1, dataset=dict(data_root=data_root))  # MMagic's base file has 4
val_dataloader = dict(dataset=dict(data_root=data_root, test_dir='val'))
test_dataloader = dict(dataset=dict(data_root=data_root, test_dir='val'))

metrics = [dict(metric, fake_nums=500) for metric in _base_.metrics]
val_evaluator = dict(metrics=metrics)
test_evaluator = dict(metrics=metrics)
