"""onnxruntime-web, which runs a network in a browser: the user's own copy, or one that npm fetches once."""

import re
from pathlib import Path
from typing import NamedTuple

from ...utils.errors import ConfigError
from . import npm

PACKAGE = 'onnxruntime-web@1.30.0'
SCRIPT, GLUE, WASM = 'ort.wasm.min.js', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'
FILES = {
    f'dist/{SCRIPT}': 'faece07e84faa9001f5104bbe4e5c70861d06cb2376a0dea1fa0ad33a67adc81',
    f'dist/{GLUE}': 'e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b',
    f'dist/{WASM}': '3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2',
}
OWN = f'give --runtime DIR, a folder with {SCRIPT}, {GLUE} and {WASM}'


class Runtime(NamedTuple):
    """The three files that a page needs, and their version."""

    script: bytes
    glue: bytes
    wasm: bytes
    version: str

    @property
    def size(self) -> int:
        return len(self.script) + len(self.glue) + len(self.wasm)


def load(own: Path | None = None) -> Runtime:
    """The runtime of that folder; by default the pinned one, from the cache that npm fills once.

    Raises:
        ConfigError: the folder lacks a file, or the runtime can neither be found nor fetched.
    """
    folder = own or npm.cached(PACKAGE, FILES, OWN)
    for name in (SCRIPT, GLUE, WASM):
        if not (folder / name).is_file():
            raise ConfigError(f'--runtime {folder} has no {name}: {OWN}')
    script, glue, wasm = ((folder / name).read_bytes() for name in (SCRIPT, GLUE, WASM))
    version = re.search(rb'ONNX Runtime Web v([\w.-]+)', script)
    return Runtime(script, glue, wasm, version[1].decode() if version else 'of unknown version')
