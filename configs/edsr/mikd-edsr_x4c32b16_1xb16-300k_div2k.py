# Student: 32 channels, 0.381 M of 1.518 M parameters. Else as ../mikd_edsr.py, with MMagic's own teacher.
_base_ = ['../mikd_edsr.py']

work_dir = './work_dirs/mikd-edsr_x4c32b16_1xb16-300k_div2k'

teacher_checkpoint = (
    'https://download.openmmlab.com/mmediting/restorers/edsr/'
    'edsr_x4c64b16_1x16_300k_div2k_20200608-3c2af8a3.pth'
)
default_hooks = dict(distill=dict(teacher=dict(checkpoint=teacher_checkpoint)))
