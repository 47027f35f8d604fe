"""Pictures through an exported student: `python tools/translate.py MODEL IN OUT`."""

from mikd import run

if __name__ == '__main__':
    run('translate')
