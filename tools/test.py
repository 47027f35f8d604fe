"""Evaluate a checkpoint with the evaluator of its config: `python tools/test.py CONFIG CHECKPOINT`."""

from mikd import run

if __name__ == '__main__':
    run('test')
