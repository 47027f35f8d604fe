# Student: 32 channels, 0.381 M of 1.518 M parameters. Else as ../mikd_srgan.py, with MMagic's own teacher.
_base_ = ['../mikd_srgan.py']

work_dir = './work_dirs/mikd-srgan_x4c32b16_1xb16-1000k_div2k'

teacher_checkpoint = (
    'https://download.openmmlab.com/mmediting/restorers/srresnet_srgan/'
    'srgan_x4c64b16_1x16_1000k_div2k_20200606-a1f0810e.pth'
)
default_hooks = dict(distill=dict(teacher=dict(checkpoint=teacher_checkpoint)))
