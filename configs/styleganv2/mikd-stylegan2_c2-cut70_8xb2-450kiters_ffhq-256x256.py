# 70 % of the channels of every layer cut: 5.6 M parameters of 30.0 M, 4.1 G multiply-accumulates of 45.1 G.
# Critic, step and lambda are the published ones for StyleGAN2, which ../mikd_stylegan2.py holds.
_base_ = ['../mikd_stylegan2.py']

model = dict(generator=dict(type='NarrowStyleGAN2Generator', channel_multiplier=2, width=154))

# 450,000 iterations of 16 images, as the compressed generators of Content-Aware GAN Compression
train_cfg = dict(max_iters=450000)
train_dataloader = dict(batch_size=2)

teacher_checkpoint = (
    'https://download.openmmlab.com/mmediting/stylegan2/'
    'stylegan2_c2_ffhq_256_b4x8_20210407_160709-7890ae1f.pth'
)
default_hooks = dict(distill=dict(teacher=dict(checkpoint=teacher_checkpoint)))
