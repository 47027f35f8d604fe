"""Size and cost of the generators of configs: `python tools/analysis/complexity.py CONFIG`."""

from mmagic_mikd.apps.analysis.complexity import main

if __name__ == '__main__':
    main()
