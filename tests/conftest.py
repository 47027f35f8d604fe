"""What every test wants: runs whose time goes into training, processes that can be interrupted."""

import signal

import mmengine.config.config
import pytest

# A shell starts what it runs in the background with Ctrl-C ignored, and every process below inherits that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope='session')
def unformatted_configs():
    """MMEngine formats the config with yapf five times a run, nine tenths of a tiny run's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mmengine.config.config, 'FormatCode', lambda text, **_: (text, True))
        yield
