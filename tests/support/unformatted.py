"""For a config's `custom_imports`, in tools that a test starts: no formatting of configs, which takes long."""

import mmengine.config.config

mmengine.config.config.FormatCode = lambda text, **_: (text, True)
