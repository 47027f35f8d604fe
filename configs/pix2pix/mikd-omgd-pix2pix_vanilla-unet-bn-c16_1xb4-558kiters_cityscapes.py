# The same student and teachers, and the mutual information of its images with the photographs, as published.
_base_ = ['./omgd-pix2pix_vanilla-unet-bn-c16_1xb4-558kiters_cityscapes.py']

default_hooks = dict(distill=dict(recipe='reference', objectives=dict(mi=dict(target='ground_truth'))))
