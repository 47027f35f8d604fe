# The same student and teacher, and the mutual information of their images, as published.
_base_ = ['./omgd-cyclegan_lsgan-mobile-resnet-in-c16_1xb1-1256kiters_summer2winter.py']

default_hooks = dict(distill=dict(recipe='reference', objectives=dict(mi=dict(critic=dict(base_channels=8)))))
