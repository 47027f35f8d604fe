"""The one reader of checkpoint files: tensors and plain data, or a sentence that says what the file is.

Nothing in a file is ever run. What ``torch.save`` made of a state dictionary and safetensors files can be read;
a pickled network, a TorchScript archive, a part of a download and a pipe are named as what they are.
"""

import json
import os
import pickle
import re
import zipfile
from typing import Any

from ..utils.checks import quoted
from ..utils.errors import ConfigError
from .whole_checkpoint import damage

UNREADABLE = (
    pickle.UnpicklingError,
    RuntimeError,
    OSError,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
)
PLAIN = 'use a file written by torch.save or by the toolbox'
SAFETENSORS = dict(
    F64='float64',
    F32='float32',
    F16='float16',
    BF16='bfloat16',
    I64='int64',
    I32='int32',
    I16='int16',
    I8='int8',
    U8='uint8',
    BOOL='bool',
)


class NotTensors(ConfigError):
    """A file that holds something else: 'it', what it is, 'and' the remedy make the sentence."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f'the file {reason}; {remedy}')
        self.reason, self.remedy = reason, remedy


def read(path: str, map_location: Any = 'cpu') -> Any:
    """What a file on this machine holds.

    Raises:
        FileNotFoundError: it is not there.
        NotTensors: it cannot be read, or holds objects that run code when loaded.
    """
    import torch

    path = os.path.expanduser(path)
    if not os.path.exists(path):
        raise FileNotFoundError(path)
    if not os.path.isfile(path):  # to open a pipe would wait for ever
        raise NotTensors('is a folder, pipe or device', PLAIN)
    if size := _safetensors_header(path):
        return _read_safetensors(path, size)
    try:
        return torch.load(path, map_location=map_location, weights_only=True)
    except UNREADABLE as error:
        if _out_of_memory(error) or isinstance(error, PermissionError):
            raise
        raise _explained(path, error) from error


def read_url(url: str, map_location: Any = 'cpu') -> Any:
    """What a file from the net holds, kept in torch's cache as torch.hub does.

    Raises:
        NotTensors: it cannot be fetched or read.
    """
    import torch

    try:
        return torch.hub.load_state_dict_from_url(url, map_location=map_location, weights_only=True)
    except UNREADABLE as error:
        if _out_of_memory(error):
            raise
        raise NotTensors(
            f'cannot be fetched ({type(error).__name__}: {quoted(error, 100)})',
            'correct the address, or download it yourself and give the path of the file',
        ) from error


def _out_of_memory(error: Exception) -> bool:
    return type(error).__name__ == 'OutOfMemoryError' or "can't allocate memory" in str(error)


def _explained(path: str, error: Exception) -> NotTensors:
    text, broken = ' '.join(str(error).split()), damage(path)
    named = re.search(r'(?i:unsupported global:?|asks for) (?:GLOBAL )?([\w.]+)', text)
    if 'TorchScript' in text:
        return NotTensors(
            'is a TorchScript archive',
            'save torch.jit.load(file).state_dict() by torch.save where it was written, and give that file',
        )
    if isinstance(error, pickle.UnpicklingError) and _holds_network(path):
        return NotTensors(
            f'is a pickled whole network{f" ({named[1]})" if named else ""}, and loading that could run code',
            'save torch.save(net.state_dict(), file) where it was written, and give that file',
        )
    if isinstance(error, pickle.UnpicklingError) and (named or not broken):
        return NotTensors(
            'is refused: it holds more than tensors and plain data'
            f'{f" ({named[1]})" if named else ""}, and loading that could run code',
            'use one that the toolbox wrote, or use a file of torch.save(net.state_dict(), file)',
        )
    reason = f'is {broken}' if broken else f'cannot be read ({type(error).__name__}: {quoted(text, 120)})'
    return NotTensors(reason, PLAIN)


def _holds_network(path: str) -> bool:
    """Whether the pickle describes a module with all that it is made of; nothing is unpickled."""
    try:
        with zipfile.ZipFile(path) as file:
            name = next(name for name in file.namelist() if name.endswith('data.pkl'))
            content = file.read(name)
    except (zipfile.BadZipFile, OSError, StopIteration, ValueError):
        with open(path, 'rb') as file:
            content = file.read(1 << 20)
    return b'_modules' in content and b'_parameters' in content


def _safetensors_header(path: str) -> int:
    """The length of the description at the beginning of such a file; 0 if it is another one."""
    with open(path, 'rb') as file:
        head = file.read(9)
    size = int.from_bytes(head[:8], 'little')
    return size if head[8:] == b'{' and 2 <= size <= os.path.getsize(path) - 8 else 0


def _read_safetensors(path: str, size: int) -> dict:
    """Names, kinds, shapes and places stand in the description; then come the numbers, tensor by tensor."""
    import torch

    try:
        with open(path, 'rb') as file:
            described = json.loads(file.read(8 + size)[8:])
            content = bytearray(file.read())
        described.pop('__metadata__', None)
        return {name: _tensor(torch, content, **parts) for name, parts in described.items()}
    except UNREADABLE as error:
        raise NotTensors('is a damaged safetensors file, or one of unusual numbers', PLAIN) from error


def _tensor(torch, content: bytearray, dtype: str, shape: list, data_offsets: list):
    kind, (begin, end) = getattr(torch, SAFETENSORS[dtype]), data_offsets
    if not 0 <= begin <= end <= len(content):
        raise ValueError('cut')
    if begin == end:
        return torch.empty(shape, dtype=kind)
    return torch.frombuffer(content[begin:end], dtype=kind).reshape(shape)
