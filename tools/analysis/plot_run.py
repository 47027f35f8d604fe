"""What a run has logged, as a picture: `python tools/analysis/plot_run.py WORK_DIR`."""

from mikd import run

if __name__ == '__main__':
    run('plot_run')
