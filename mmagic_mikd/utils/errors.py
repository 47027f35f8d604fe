"""The one exception that means: the user can repair this by editing a config or a file."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager


class ConfigError(ValueError):
    """One sentence naming the config key or file and the remedy; the tools print it without a traceback."""


@contextmanager
def renamed(keys: Mapping[str, str]) -> Iterator[None]:
    """Sentences of whoever is called within, with the keys of the caller in place of theirs."""
    try:
        yield
    except ConfigError as error:
        text = str(error)
        for theirs, ours in keys.items():
            text = text.replace(theirs, ours)
        raise ConfigError(text) from error
