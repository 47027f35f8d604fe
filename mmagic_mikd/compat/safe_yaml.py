"""A YAML file may name any Python function, which MMEngine calls while it reads a config.

`mmengine/fileio/handlers/yaml_handler.py` loads with `yaml.Loader`, so that `!!python/object/apply:os.system`
in a config, or in a base of one, runs. Tuples, which MMEngine itself writes, stay readable. No upstream
thread. Delete this file when the handler loads with `SafeLoader`.
"""

import yaml

from . import on_import

TUPLE = 'tag:yaml.org,2002:python/tuple'


class SafeLoader(getattr(yaml, 'CSafeLoader', yaml.SafeLoader)):
    """Data only."""


SafeLoader.add_constructor(TUPLE, lambda loader, node: tuple(loader.construct_sequence(node, deep=True)))


def apply(report) -> None:
    def repair(module):
        if 'Safe' not in module.Loader.__name__:
            module.Loader = SafeLoader
            report(True)

    on_import.after('mmengine.fileio.handlers.yaml_handler', repair)
