"""A grid of trainings, its table and its plots; `--help` tells how."""

from mmagic_mikd.apps.study.study import main

if __name__ == '__main__':
    main()
