"""How fast student and teacher are, in turn, as they ship: `python tools/benchmark.py CONFIG`."""

from mikd import run

if __name__ == '__main__':
    run('benchmark')
