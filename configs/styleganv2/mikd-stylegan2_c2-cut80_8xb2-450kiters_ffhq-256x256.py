# 80 % of the channels of every layer cut: 3.96 M parameters of 30.0 M, 1.86 G multiply-accumulates of 45.1 G.
_base_ = ['./mikd-stylegan2_c2-cut70_8xb2-450kiters_ffhq-256x256.py']

model = dict(generator=dict(width=103))
