"""An unreadable picture ends a training with "AttributeError: 'NoneType' object has no attribute 'ndim'".

Neither that nor what other transforms say about a sample (too small for the crop, without the key that
they expect) names the file, and which one it was is lost in a data loader's worker. No upstream thread.
Delete this file when `Compose` of MMEngine names the sample in its errors.
"""

from ..utils.checks import quoted
from ..utils.errors import ConfigError
from . import on_import

# What transforms raise about their input; anything else is a bug and keeps its type.
ABOUT_THE_INPUT = (AssertionError, KeyError, OSError, ValueError)


def apply(report) -> None:
    on_import.after('mmengine.dataset.base_dataset', lambda module: report(repair(module)))


def repair(module) -> bool:
    """Let `Compose` say which transform failed, on which file."""

    def __call__(self, data):
        for transform in self.transforms:
            loads = type(transform).__name__.startswith('Load')
            try:
                transformed = transform(data)
            except ConfigError:
                raise
            except Exception as error:
                # whatever else a loader dies of, it could not read its file
                if loads and not isinstance(error, KeyError):
                    raise ConfigError(unreadable(transform, data, error)) from error
                if isinstance(error, ABOUT_THE_INPUT):
                    raise ConfigError(unfit(transform, data, error)) from error
                raise
            if transformed is None:
                return None
            data = transformed
        return data

    module.Compose.__call__ = __call__
    return True


def unreadable(transform, data, error: Exception) -> str:
    reason = getattr(error, 'strerror', None) or 'nothing in it can be decoded'
    files = files_of(data, getattr(transform, 'key', None))
    return f'{files} cannot be read as an image ({reason}): repair it, or remove it from the data'


def unfit(transform, data, error: Exception) -> str:
    name, reason = type(transform).__name__, quoted(f'{type(error).__name__}: {error}', 120)
    files = files_of(data)
    where = f' on {files}' if files else ''
    return (
        f'{name} in the data pipeline fails{where} ({reason}): change its settings, or the data '
        'to what it expects'
    )


def files_of(data, key: str | None = None) -> str:
    """The files that a sample is made of, or the one under ``key``."""
    if not isinstance(data, dict):
        return ''
    paths = {name: data[name] for name in data if isinstance(name, str) and name.endswith('_path')}
    wanted = [paths[f'{key}_path']] if f'{key}_path' in paths else paths.values()
    return ' and '.join(dict.fromkeys(map(str, wanted)))
