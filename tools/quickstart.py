"""From image pairs to a distilled Pix2Pix; `bash tools/quickstart.sh` also installs what is missing."""

from mikd import run

if __name__ == '__main__':
    run('quickstart')
