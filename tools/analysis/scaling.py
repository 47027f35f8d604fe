"""How a distillation scales: `python tools/analysis/scaling.py CONFIG`."""

from mikd import run

if __name__ == '__main__':
    run('scaling')
