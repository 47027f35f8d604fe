"""What the process of `forked.py` imports before it is copied: the repairs before the toolbox."""

from importlib import import_module

for name in ('mmagic_mikd', 'mmagic_mikd.apps.launch.train', 'mmagic_mikd.apps.launch.test', 'unformatted'):
    import_module(name)  # the last formats no configs, as conftest.py has it
import_module('mmagic.utils').register_all_modules(init_default_scope=False)
