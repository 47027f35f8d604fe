"""Arguments of the form KEY=VALUE."""

from ...utils.errors import ConfigError


def assignments(option: str, given: list[str], example: str) -> dict[str, str]:
    """{'student': 'x4'} of ['student=x4'].

    Args:
        option: that they belong to, and `example`, one that is right, for the message.

    Raises:
        ConfigError: not of that form.
    """
    parts = [text.partition('=') for text in given]
    for key, equals, value in parts:
        if not (key and equals and value):
            raise ConfigError(f'{option} {key}{equals}{value}: write it as {example}')
    return {key: value for key, _, value in parts}
