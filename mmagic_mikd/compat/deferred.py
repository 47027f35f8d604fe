"""Row 4: importing MMagic takes long, one second of it for SciPy and pandas, which a training never calls.

The files listed below import them at their top for one metric or one transform each. They get stand-ins that
import the real thing when it is first used; everybody else's `import scipy` is untouched. No upstream thread.
Delete this file when MMagic imports them where it uses them.
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
}


def apply(report) -> None:
    for name, package in DEFERRED.items():

        def import_(stock, name, globals=None, locals=None, fromlist=(), level=0, package=package):
            if level or name.split('.')[0] != package or not on_import.is_installed(package):
                return stock(name, globals, locals, fromlist, level)
            report(True)
            return Deferred(name if fromlist else package)

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
