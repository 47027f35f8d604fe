"""The numbers that Kang et al. (NeurIPS 2022) publish for StyleGAN2 and Pix2Pix; all else refers to them.

What they set apart: Pix2Pix takes the ground truth as t; StyleGAN2 a weight of 0.05 and a step of 50;
CycleGAN a critic of 8 channels.
"""

LOSS_WEIGHT = 0.1  # lambda
ENERGY_L2 = 0.05  # c; bounds the critic's loss at -1 / (2 c) from below
BASE_CHANNELS = 32  # c0 of the critic
STEPS, STEP_SIZE, NOISE_STD = 10, 100.0, 0.005  # of the chain, for images at 256 px
LEARNER = dict(optimizer=dict(type='Adam', lr=1e-4, betas=(0.0, 0.999)))
