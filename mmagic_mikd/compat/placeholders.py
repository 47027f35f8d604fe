"""MMagic cannot be imported without (or with a recent) diffusers, transformers, lpips, ...

A few of its files, for models that nobody here trains, import these packages at their top, and the
toolbox imports all its files. Where such an import fails, those files (and only those, listed
below) get placeholders: names that can be subclassed, used as annotation and as decorator, but
raise an ImportError naming the package as soon as they are really used. `import transformers`
anywhere else fails as it always did, and a package that imports is never replaced. The same serves
a diffusers that is installed but too new for MMagic (mmagic#2110): the message then repeats the
original error. Delete this file when MMagic imports its optional packages where it uses them.
"""

import functools
import importlib
import re
from abc import ABCMeta
from types import ModuleType

from . import on_import

# Which file needs which packages. Everything else in MMagic and mmpretrain copes with their absence.
NEEDED = {
    'mmagic.apis.inferencers.controlnet_animation_inferencer': {'controlnet_aux'},
    'mmagic.datasets.transforms.albu_function': {'albumentations'},
    'mmagic.evaluation.metrics.ppl': {'lpips'},
    'mmagic.models.archs.attention_injection': {'diffusers'},
    'mmagic.models.editors.animatediff.animatediff': {'safetensors'},
    'mmagic.models.editors.animatediff.animatediff_utils': {'diffusers', 'transformers'},
    'mmagic.models.editors.animatediff.attention_3d': {'diffusers'},
    'mmagic.models.editors.animatediff.motion_module': {'diffusers'},
    'mmagic.models.editors.animatediff.unet_3d': {'diffusers', 'huggingface_hub', 'safetensors'},
    'mmagic.models.editors.disco_diffusion.guider': {'lpips', 'resize_right'},
    'mmagic.models.editors.fastcomposer.fastcomposer': {'transformers'},
    'mmagic.models.editors.fastcomposer.fastcomposer_util': {'transformers'},
    'mmagic.models.editors.vico.vico_utils': {'diffusers'},
    'mmpretrain.datasets.dtd': {'mat4py'},
    'mmpretrain.datasets.flowers102': {'mat4py'},
    'mmpretrain.datasets.stanfordcars': {'mat4py'},
}

# How an absent or unsuitable package shows; diffusers' lazy modules raise RuntimeError.
BROKEN = (ImportError, AttributeError, RuntimeError)


def apply(report) -> None:
    for name, packages in NEEDED.items():

        def import_(stock, name, globals=None, locals=None, fromlist=(), level=0, packages=packages):
            if level or name.split('.')[0] not in packages:
                return stock(name, globals, locals, fromlist, level)
            try:
                module = stock(name, globals, locals, fromlist, level)
                for attribute in fromlist or ():
                    getattr(module, attribute)
                return module
            except BROKEN as error:
                report(True)
                return PlaceholderModule(name if fromlist else name.split('.')[0], error)

        on_import.around(name, lambda module, import_=import_: on_import.own_import(module, import_))
    on_import.after('mmagic.utils.setup_env', lambda module: _repair_try_import(module, report))


def _repair_try_import(setup_env: ModuleType, report) -> None:
    """MMagic wraps all it finds in diffusers, and cannot go on if that is None or breaks while it looks."""
    stock = setup_env.try_import

    @functools.wraps(stock)
    def try_import(name: str) -> ModuleType | None:
        if name != 'diffusers':
            return stock(name)
        try:
            return _look_through(importlib.import_module(name))
        except BROKEN as error:
            report(True)
            return PlaceholderModule(name, error)

    on_import.replace(stock, try_import)


def _look_through(diffusers: ModuleType) -> ModuleType:
    """Touch every lazily imported name that MMagic is about to touch."""
    for part in (diffusers.schedulers, diffusers.models, diffusers.pipelines):
        for name in dir(part):
            getattr(part, name)
    return diffusers


class PlaceholderModule(ModuleType):
    """Stands for a module that could not be imported; every public attribute is a placeholder."""

    def __init__(self, name: str, error: ImportError) -> None:
        super().__init__(name)
        self.__path__ = []
        self.__error = error

    def __getattr__(self, name: str):
        if name.startswith('__'):
            raise AttributeError(name)
        if re.fullmatch(r'is_\w+_available', name):
            return lambda: False
        if name in ('schedulers', 'models', 'pipelines'):
            return PlaceholderModule(f'{self.__name__}.{name}', self.__error)
        return placeholder(f'{self.__name__}.{name}', self.__error)


class _Placeholder(ABCMeta):
    """The class of placeholder classes: a subclass may be defined, but neither built nor looked into."""

    def __call__(cls, *args, **kwargs):
        if cls._is_bare and len(args) == 1 and callable(args[0]) and not kwargs:
            return args[0]  # `@register_to_config` and the like, which decorate while the file is imported
        raise cls._missing()

    def __getattr__(cls, name: str):
        if (
            name.startswith('_') or not cls._is_bare
        ):  # a subclass may be asked for what it lacks: `@dataclass` does
            raise AttributeError(name)
        raise cls._missing()

    def _missing(cls) -> ImportError:
        package = cls._full_name.split('.')[0]
        wanted = 'This' if cls._is_bare else f'{cls.__module__}.{cls.__name__}'
        newest = '==0.24.0 (the newest that MMagic knows)' if package == 'diffusers' else ''
        return ImportError(
            f'{wanted} needs {cls._full_name}, which could not be imported: {cls._error}. '
            f'`pip install {package}`{newest}, or leave this component out of the config.',
            name=package,
        )


def placeholder(full_name: str, error: ImportError) -> type:
    """A class that stands for `full_name`, which `error` kept from being imported."""

    def __init_subclass__(cls, **kwargs):
        cls._is_bare = False

    body = {
        '__module__': full_name.rpartition('.')[0],
        '__init_subclass__': __init_subclass__,
        '_full_name': full_name,
        '_error': error,
        '_is_bare': True,
    }
    return _Placeholder(full_name.rpartition('.')[2], (), body)
