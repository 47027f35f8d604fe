"""How a distillation scales: `python tools/analysis/scaling.py CONFIG`."""

from mmagic_mikd.apps.scaling.scaling import main

if __name__ == '__main__':
    main()
