"""A student as it is when its training starts, as a plain checkpoint; `--help` tells how."""

from mikd import run

if __name__ == '__main__':
    run('start_student')
