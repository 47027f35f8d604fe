"""What a config's `type` names, however it is written."""


def type_name(kind: object) -> str:
    """'EDSRNet' of a text such as 'EDSRNet' or 'mmagic.EDSRNet', and of the class itself."""
    return kind.rpartition('.')[2] if isinstance(kind, str) else getattr(kind, '__name__', str(kind))
