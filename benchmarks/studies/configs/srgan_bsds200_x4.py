# Data, schedule and scores of edsr_bsds200.py, and the network of a pretrained SRGAN generator to learn from.
# The study puts it in the place of the generator; this folder has to be on PYTHONPATH.
_base_ = './edsr_bsds200.py'
custom_imports = dict(
    imports=['mmagic_mikd', 'mmagic_mikd.datasets.cache', 'srgan_generator'], allow_failed_imports=False
)
work_dir = 'work_dirs/srgan_bsds200_x4'
