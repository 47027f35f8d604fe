# 70 % of the channels of every layer cut: 5.6 M parameters of 30.0 M, 4.1 G multiply-accumulates of 45.1 G.
_base_ = ['mmagic::styleganv2/stylegan2_c2_8xb4-800kiters_ffhq-256x256.py', '../_base_/mikd.py']
custom_imports = dict(imports=['mmagic_mikd'], allow_failed_imports=False)

model = dict(generator=dict(type='NarrowStyleGAN2Generator', channel_multiplier=2, width=154))

# 450,000 iterations of 16 images, as the compressed generators of Content-Aware GAN Compression
train_cfg = dict(max_iters=450000)
train_dataloader = dict(batch_size=2)

teacher_checkpoint = (
    'https://download.openmmlab.com/mmediting/stylegan2/'
    'stylegan2_c2_ffhq_256_b4x8_20210407_160709-7890ae1f.pth'
)
default_hooks = dict(
    distill=dict(
        _base_.distill,
        recipe='reference',
        # EMA weights, with the student's latents, style-mixing cut and noise; 'eval' would never mix styles
        teacher=dict(model=_base_.model, checkpoint=teacher_checkpoint, mode='train'),
        start=dict(style_mapping='inherited'),  # a latent means the same picture only to the same mapping
        objectives=dict(mi=dict(loss_weight=0.05, chain=dict(step_size=50.0))),  # published for StyleGAN2
    )
)
