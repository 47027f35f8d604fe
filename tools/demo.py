"""An exported student in a page: `python tools/demo.py DIR`."""

from mikd import run

if __name__ == '__main__':
    run('demo')
