# Pix2Pix on the pairs of flat_pairs.py at 64 px: the same as on facades, but for the data and 32 channels.
_base_ = './pix2pix_facades64.py'

model = dict(generator=dict(base_channels=32))
pairs = '{{$MIKD_FLAT:work_dirs/flat/flat_pairs}}'
train_dataloader = dict(dataset=dict(data_root=pairs))
val_dataloader = dict(dataset=dict(data_root=pairs))
test_dataloader = dict(dataset=dict(data_root=pairs))
