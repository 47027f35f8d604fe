"""Importing MMagic takes long, a good third of it for packages that most runs never call.

Some of its files import SciPy or pandas at their top for one metric or one transform, and a file of torchvision
that compiles something lazily (its words: "avoids eagerly importing dynamo") imports the compiler all the same.
The files listed below get stand-ins that import the real thing when it is first used; everybody else's
`import scipy` is untouched. No upstream thread. Delete this file when they import it where they use it.
"""

import pkgutil

from . import on_import

DEFERRED = {
    'mmagic.datasets.transforms.blur_kernels': 'scipy',
    'mmagic.evaluation.metrics.fid': 'scipy',
    'mmagic.evaluation.metrics.inception_score': 'scipy',
    'mmagic.evaluation.metrics.ms_ssim': 'scipy',
    'mmagic.evaluation.metrics.niqe': 'scipy',
    'mmagic.models.editors.disco_diffusion.guider': 'pandas',
    'mmagic.models.editors.stylegan2.ada.augment': 'scipy',
    'mmagic.models.editors.stylegan3.stylegan3_modules': 'scipy',
    'torchvision.ops.roi_align': 'torch._dynamo',
}


def apply(report) -> None:
    for name, package in DEFERRED.items():

        def import_(stock, name, globals=None, locals=None, fromlist=(), level=0, package=package):
            root = name.split('.')[0]
            if level or not f'{name}.'.startswith(f'{package}.') or not on_import.is_installed(root):
                return stock(name, globals, locals, fromlist, level)
            report(True)
            return Deferred(name if fromlist else root)

        on_import.around(name, lambda module, import_=import_: on_import.own_import(module, import_))


class Deferred:
    """A module, or a function of one, that is imported when it is called or looked into."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __getattr__(self, name: str):
        if name.startswith('__'):
            raise AttributeError(name)
        return Deferred(f'{self._path}.{name}')

    def __call__(self, *args, **kwargs):
        return pkgutil.resolve_name(self._path)(*args, **kwargs)
