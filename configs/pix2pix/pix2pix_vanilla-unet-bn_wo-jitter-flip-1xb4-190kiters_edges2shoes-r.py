# A teacher: MMagic's U-Net of 64 channels on edges2shoes-r, the split of the compression papers.
_base_ = ['mmagic::pix2pix/pix2pix_vanilla-unet-bn_wo-jitter-flip-1xb4-190kiters_edges2shoes.py']

# The pairs of edges2shoes, but 2,048 of them, drawn at random, for evaluation: 200 are too few for FID.
data_root = './data/pix2pix/edges2shoes-r'
train_dataloader = dict(dataset=dict(data_root=data_root))
val_dataloader = dict(dataset=dict(data_root=data_root))
test_dataloader = dict(dataset=dict(data_root=data_root))

metrics = [dict(metric, fake_nums=2048) for metric in _base_.metrics]
val_evaluator = dict(metrics=metrics)
test_evaluator = dict(metrics=metrics)
