"""Evaluate a checkpoint with the evaluator of its config: `python tools/test.py CONFIG CHECKPOINT`."""

from mmagic_mikd.apps.launch.test import main

if __name__ == '__main__':
    main()
