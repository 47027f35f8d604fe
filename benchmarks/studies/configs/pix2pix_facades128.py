# Pix2Pix on facades at 128 px: the study at 64 px with twice the side and one level more in the U-Net.
#
#     python tools/train.py benchmarks/studies/configs/pix2pix_facades128.py
_base_ = ['./pix2pix_facades64.py']

size = 128
model = dict(generator=dict(num_down=7))

train = _base_.train_dataloader.dataset.pipeline
train[0].transforms[1].scale = (144, 144)
train[1].crop_size = (size, size)
whole = _base_.val_dataloader.dataset.pipeline
whole[0].transforms[1].scale = (size, size)
train_dataloader = dict(dataset=dict(pipeline=train))
val_dataloader = dict(dataset=dict(pipeline=whole))
test_dataloader = dict(dataset=dict(pipeline=whole))

metrics = _base_.test_evaluator.metrics
metrics[1].image_shape = (3, size, size)
test_evaluator = dict(metrics=metrics)
