# Content-Aware GAN Compression (Liu et al., CVPR 2021): 70 % of the channels of every layer cut, 5.6 M
# parameters of 30.0 M. The student starts as the channels to which the content of the teacher's images is most
# sensitive, with the teacher's discriminator, and learns from the teacher where the content is.
_base_ = ['mmagic::styleganv2/stylegan2_c2_8xb4-800kiters_ffhq-256x256.py']
custom_imports = dict(imports=['mmagic_mikd'], allow_failed_imports=False)

# A picture of yours, white where the content of aligned images is; the start and both losses have the same.
content = 'data/ffhq/content.png'

model = dict(generator=dict(type='NarrowStyleGAN2Generator', channel_multiplier=2, width=154))

# Adam at 0.002, R1 10, path lengths 2 and styles mixed in nine of ten images are the base's
train_cfg = dict(max_iters=450000)
train_dataloader = dict(batch_size=2)

teacher_checkpoint = (
    'https://download.openmmlab.com/mmediting/stylegan2/'
    'stylegan2_c2_ffhq_256_b4x8_20210407_160709-7890ae1f.pth'
)
# Up to relu4_3, in place of LPIPS, whose weights are not shipped. The file is torchvision's, which nothing here
# downloads; without `checkpoint` the weights are random.
vgg = dict(
    type='VGG16',
    checkpoint='vgg16-397923af.pth',
    layers=['features.3', 'features.8', 'features.15', 'features.22'],
)
default_hooks = dict(
    distill=dict(
        type='DistillRunner',
        teacher=dict(model=_base_.model, checkpoint=teacher_checkpoint, mode='train'),
        # 400 images
        start=dict(type='pruned', criterion='content', mask=content, batches=200, discriminator=True),
        objectives=dict(
            l1=dict(type='L1Loss', loss_weight=3.0, mask=content),
            perceptual=dict(type='L1Loss', loss_weight=3.0, mask=content, range=(0.0, 1.0), backbone=vgg),
        ),
    )
)
