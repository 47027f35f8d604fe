"""One page about finished runs or studies: `python tools/report.py RUN_DIR|STUDY.yaml`."""

from mikd import run

if __name__ == '__main__':
    run('report')
