"""Write a trained student as a file: `python tools/export.py CONFIG CHECKPOINT`."""

from mikd import run

if __name__ == '__main__':
    run('export')
