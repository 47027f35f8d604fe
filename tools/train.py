"""Train a model, with or without distillation: `python tools/train.py CONFIG`."""

from mikd import run

if __name__ == '__main__':
    run('train')
