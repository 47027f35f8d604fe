"""What every test wants: runs whose time goes into training."""

import mmengine.config.config
import pytest


@pytest.fixture(autouse=True, scope='session')
def unformatted_configs():
    """MMEngine formats the config with yapf five times a run, nine tenths of a tiny run's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mmengine.config.config, 'FormatCode', lambda text, **_: (text, True))
        yield
