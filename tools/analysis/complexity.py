"""Size and cost of the generators of configs: `python tools/analysis/complexity.py CONFIG`."""

from mikd import run

if __name__ == '__main__':
    run('complexity')
