"""`torchrun`, which ends with what its processes have said and their exit code, without a report of its own.

On one machine it takes a free port where none is named. Its processes end with it, however it ends.
"""

import os
import signal
import socket
import sys

from torch.distributed import DistNetworkError, run
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

from .orphan import LAUNCHER


def main() -> None:
    os.environ[LAUNCHER] = str(os.getpid())
    arguments, port = sys.argv[1:], os.environ.get('PORT')
    if not any(argument.startswith('--master_port') for argument in arguments):
        arguments = [f'--master_port={free_port()}', *arguments]
    try:
        run.main(arguments)
    except ChildFailedError as error:
        codes = {rank: failure.exitcode for rank, failure in error.failures.items()}
        if 2 in codes.values():  # it has been said why
            sys.exit(2)
        killed = [rank for rank, code in codes.items() if code < 0]
        if killed:
            print(f'Error: {ended_by(killed[0], -codes[killed[0]], arguments)}', file=sys.stderr, flush=True)
        sys.exit(max(1, *codes.values()))
    except DistNetworkError as error:
        if 'EADDRINUSE' not in str(error):
            raise
        print(f'Error: PORT={port} is in use: set PORT to a free one, or leave it out', file=sys.stderr)
        sys.exit(2)


def ended_by(rank: int, number: int, arguments: list[str]) -> str:
    """What a signal has ended, and how to go on."""
    name = signal.Signals(number).name
    cause = ', as the system does where memory runs out' if number == signal.SIGKILL else ''
    go_on = 'start again'
    if any(argument.endswith('train.py') for argument in arguments):
        go_on = 'go on from the last checkpoint with --resume'
    return f'process {rank} was ended by {name}{cause}, and the others with it: {go_on}'


def free_port() -> int:
    with socket.socket() as one:
        one.bind(('127.0.0.1', 0))
        return one.getsockname()[1]
