"""One page about finished runs or studies: `python tools/report.py RUN_DIR|STUDY.yaml`."""

from mmagic_mikd.apps.report.report import main

if __name__ == '__main__':
    main()
