"""What the first run of a process imports, in some five seconds, for a process of which several copies run."""

from importlib import import_module

import mmagic_mikd  # noqa: F401  before anything of MMagic

for name in ('matplotlib.backends.backend_agg', 'matplotlib.figure', 'torch._dynamo', 'setuptools'):
    import_module(name)
import_module('mmagic.utils').register_all_modules(init_default_scope=False)
