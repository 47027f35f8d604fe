# What every distillation shares; a config adds it as a second base and writes into `default_hooks`:
#
#     default_hooks = dict(distill=dict(**_base_.distill, teacher=dict(model=_base_.model, checkpoint='teacher.pth')))
#
# `default_hooks` and not `custom_hooks`, because inheritance merges dicts but replaces lists.
# Reference: Kang et al., "Information-Theoretic GAN Compression with Variational Energy-based Model",
# NeurIPS 2022.
custom_imports = dict(imports=['mmagic_mikd'], allow_failed_imports=False)

distill = dict(
    type='DistillRunner',
    loss=dict(
        type='MIDistillLoss',
        loss_weight=0.1,  # lambda; the published value
        energy_l2=0.05,  # c; bounds the critic's loss at -1 / (2 c) from below
        target='teacher',
    ),
    critic=dict(
        type='EnergyCritic',
        base_channels=8,  # c0; 8 for CycleGAN, 32 for Pix2Pix and StyleGAN2 in the paper, at 16 times the cost
        image_size=256,
    ),  # the side of the training images: sets the depth
    # Short-run Langevin chain. The step belongs to the image size: the critic's head is a spatial mean,
    # so its gradient at a pixel shrinks as the image grows.
    sampler=dict(steps=10, step_size=100.0, noise_std=0.005),
    optim_wrapper=dict(optimizer=dict(type='Adam', lr=1e-4, betas=(0.0, 0.999))),
)
