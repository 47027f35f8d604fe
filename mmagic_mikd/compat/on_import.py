"""Repair a host module at the moment it is imported, so that no repair has to import anything.

`after(name, repair)` runs `repair(module)` once, right after `name` was executed and before anybody
else sees it: `from module import function` elsewhere already gets the repaired function. For a
module that was imported before it runs at once. `around(name, wrap)` executes the module inside a
context manager.
"""

import builtins
import functools
import importlib.util
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import ModuleType

_after: dict[str, list[Callable]] = defaultdict(list)
_around: dict[str, list[Callable]] = defaultdict(list)


def after(name: str, repair: Callable[[ModuleType], object]) -> None:
    """Run `repair(module)` as soon as the module `name` exists, which may be now."""
    module = sys.modules.get(name)
    if module is not None and not _is_executing(module):
        repair(module)
    else:
        _after[name].append(repair)


def around(name: str, wrap: Callable[[ModuleType], AbstractContextManager]) -> None:
    """Execute the module `name`, if it is ever imported, inside `wrap(module)`."""
    _around[name].append(wrap)


@contextmanager
def own_import(module: ModuleType, import_: Callable) -> Iterator[None]:
    """Give one module an `import` statement of its own, which Python looks up in its `__builtins__`.

    `import_` is called like `builtins.__import__`, with the next one in line before its arguments.
    """
    names = dict(getattr(module, '__builtins__', vars(builtins)))
    module.__builtins__ = {**names, '__import__': functools.partial(import_, names['__import__'])}
    yield


def replace(stock: Callable, repaired: Callable, package: str = 'mmagic') -> None:
    """Put `repaired` wherever an imported module of `package` holds `stock` under its own name."""
    for name, module in list(sys.modules.items()):
        if name.split('.')[0] == package and vars(module).get(stock.__name__) is stock:
            setattr(module, stock.__name__, repaired)


def _is_executing(module: ModuleType) -> bool:
    return getattr(getattr(module, '__spec__', None), '_initializing', False)


class _Loader:
    """Runs the stock loader inside the wraps, then the repairs, and leaves no trace of itself."""

    def __init__(self, stock) -> None:
        self.stock = stock

    def create_module(self, spec):
        return self.stock.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        module.__loader__ = module.__spec__.loader = self.stock
        with ExitStack() as stack:
            for wrap in _around[name]:
                stack.enter_context(wrap(module))
            self.stock.exec_module(module)
        for repair in _after.pop(name, []):
            repair(module)


class _Finder:
    @classmethod
    def find_spec(cls, name: str, path=None, target=None):
        if name not in _after and name not in _around:
            return None
        others = (finder for finder in sys.meta_path if finder is not cls)
        specs = (finder.find_spec(name, path, target) for finder in others if hasattr(finder, 'find_spec'))
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


def install() -> None:
    """Watch imports from now on."""
    if _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)


def is_installed(package: str) -> bool:
    """Whether `package` could be imported, without importing it."""
    return package in sys.modules or importlib.util.find_spec(package) is not None
