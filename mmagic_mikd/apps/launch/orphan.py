"""Processes that end with the launcher that started them, however it ends."""

import ctypes
import os
import signal
import sys

LAUNCHER = 'MIKD_LAUNCHER'  # its process id, for those that it starts
DEATH_SIGNAL = 1  # of prctl(2)


def end_with_launcher() -> None:
    """Let the kernel end this process when its launcher is gone; one started otherwise stays."""
    launcher = os.environ.get(LAUNCHER)
    if launcher is None or not sys.platform.startswith('linux'):
        return
    ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != int(launcher) and os.getppid() == 1:  # it has ended already
        sys.exit(1)
