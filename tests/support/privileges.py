"""A process of root that may no longer read and write everything."""

import ctypes

VERSION = 0x20080522  # of the sets of capabilities, capget(2)
PASSING = 0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


def without_privileges() -> None:
    """Leave behind what lets root pass every permission; nothing changes for another user."""
    library, header, sets = ctypes.CDLL(None), (ctypes.c_uint32 * 2)(VERSION, 0), (ctypes.c_uint32 * 6)()
    assert library.capget(header, sets) == 0
    for number in range(3):  # effective, permitted, inheritable
        sets[number] &= ~PASSING
    assert library.capset(header, sets) == 0
