"""The one exception that means: the user can repair this by editing a config or a file."""


class ConfigError(ValueError):
    """One sentence naming the config key or file and the remedy; the tools print it without a traceback."""
