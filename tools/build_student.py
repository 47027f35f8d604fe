"""A student config from a teacher config and a size; `--help` tells how."""

from mikd import run

if __name__ == '__main__':
    run('build_student')
