"""The clone of the repository that this code runs from; after `pip install` there is none."""

from pathlib import Path

ABOVE = Path(__file__).resolve().parents[2]
# one of an installed package would be the folder of all packages
CLONE = ABOVE if (ABOVE / 'tools' / 'train.py').is_file() else None


def data_folder() -> Path:
    """Where data sets are looked for: beside the clone, where several clones share them, else in ./data."""
    shared = CLONE and CLONE.parent / 'shared' / 'data'
    return shared if shared and shared.is_dir() else Path('data')
