"""A grid of trainings, its table and its plots; `--help` tells how."""

from mikd import run

if __name__ == '__main__':
    run('study')
