"""A name with a blank in an annotation file ends at the blank: `BasicImageDataset` takes the first word.

What follows is a size or the like, so a line is read up to a word that ends as a picture's name does: up to
the last one with which there is such a file, else to the first one.
No upstream thread. Delete this file when `_get_path_list_from_ann` does more than `ann.split(' ')[0]`.
"""

import inspect
import os
from collections.abc import Callable

from . import on_import


def apply(report) -> None:
    on_import.after('mmagic.datasets.basic_image_dataset', lambda module: report(repair(module)))


def repair(basic_image_dataset) -> bool:
    """Read names whole; False where upstream does."""
    dataset = basic_image_dataset.BasicImageDataset
    if "ann.split(' ')[0]" not in inspect.getsource(dataset._get_path_list_from_ann):
        return False

    def _get_path_list_from_ann(self):
        lines = basic_image_dataset.list_from_file(self.ann_file, backend_args=self.backend_args)
        folders = list(self.data_prefix.values())

        def exists(name: str) -> bool:
            return any(os.path.isfile(os.path.join(folder, name)) for folder in folders)

        names = (name_in(line, self.img_suffix, exists) for line in lines if line.strip())
        return [name.replace('/', os.sep) for name in names]

    dataset._get_path_list_from_ann = _get_path_list_from_ann
    return True


def name_in(line: str, endings: str | tuple[str, ...] | None, exists: Callable[[str], bool]) -> str:
    """The name at the beginning of a line; its first word where no word ends as a picture's name."""
    words = line.split(' ')
    ends = [count for count, word in enumerate(words, 1) if endings and word.strip().endswith(endings)]
    names = [' '.join(words[:count]).strip() for count in ends] or words[:1]
    there = filter(exists, reversed(names[1:]))  # a file for each line would be slow on a network
    return next(there, names[0])
