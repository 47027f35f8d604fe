"""MMagic needs `mmcv.ops`, which takes compiling mmcv 2.1.0: 14 min, and impossible on new torch.

Where the compiled part is absent (mmcv-lite), the package `ops` beside this file takes the name
`mmcv.ops`: the operations that MMagic imports, with mmcv's signatures and registered layer names,
in plain PyTorch and torchvision, on any device. Operations nobody here needs (NMS, RoI pooling,
sparse convolution) are not provided; asking for one says so. Upstream: mmcv#3341. Delete when a
compiled mmcv can be installed as easily as mmcv-lite.
"""

import importlib.util
import sys
from importlib.machinery import PathFinder
from pathlib import Path

OURS = Path(__file__).parent / 'ops'


def apply(report) -> None:
    if 'mmcv.ops' not in sys.modules and is_uncompiled():
        _Finder.report = staticmethod(report)
        sys.meta_path.insert(0, _Finder)


def is_uncompiled() -> bool:
    """Whether mmcv is installed without its compiled operations; imports nothing."""
    mmcv = importlib.util.find_spec('mmcv')
    return mmcv is not None and PathFinder.find_spec('mmcv._ext', mmcv.submodule_search_locations) is None


class _Finder:
    @classmethod
    def find_spec(cls, name: str, path=None, target=None):
        if name != 'mmcv.ops':
            return None
        cls.report(True)
        return importlib.util.spec_from_file_location(
            name, OURS / '__init__.py', submodule_search_locations=[str(OURS)]
        )
