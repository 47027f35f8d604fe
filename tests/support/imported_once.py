"""What the process of `forked.py` imports before it is copied: the repairs before the toolbox."""

import subprocess
from importlib import import_module

import forked

subprocess.Popen = forked.Popen
for name in ('mmagic_mikd', 'mmagic_mikd.apps.launch.train', 'mmagic_mikd.apps.launch.test', 'unformatted'):
    import_module(name)  # the last formats no configs, as conftest.py has it
for name in ('imported_late', 'torch.distributed.run'):
    import_module(name)
