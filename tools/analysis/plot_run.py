"""What a run has logged, as a picture: `python tools/analysis/plot_run.py WORK_DIR`."""

from mmagic_mikd.apps.analysis.plot_run import main

if __name__ == '__main__':
    main()
