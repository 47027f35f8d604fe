"""Train a model, with or without distillation: `python tools/train.py CONFIG`."""

from mmagic_mikd.apps.launch.train import main

if __name__ == '__main__':
    main()
