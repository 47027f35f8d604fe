# The same student, start and losses, and the mutual information of its images with the teacher's, as published.
_base_ = ['./cagc-stylegan2_c2-cut70_8xb2-450kiters_ffhq-256x256.py']

default_hooks = dict(
    distill=dict(recipe='reference', objectives=dict(mi=dict(loss_weight=0.05, chain=dict(step_size=50.0))))
)
