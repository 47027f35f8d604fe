"""onnxruntime-web, which runs a network in a browser: the user's own copy, or one that npm fetches once."""

import re
from pathlib import Path
from typing import NamedTuple

from ...utils.errors import ConfigError
from . import npm

PACKAGE = 'onnxruntime-web@1.30.0'
FILES = {
    'dist/ort.wasm.min.js': 'faece07e84faa9001f5104bbe4e5c70861d06cb2376a0dea1fa0ad33a67adc81',
    'dist/ort-wasm-simd-threaded.mjs': 'e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b',
    'dist/ort-wasm-simd-threaded.wasm': '3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2',
}
WEBGPU_FILES = {  # by Asyncify: the package has a build that asks the browser for JSPI, too
    'dist/ort.webgpu.min.js': '7d65dad7eb4564ad98db9924a259af2e2c68ebfbdbf254fa5d728f1c5736e07a',
    'dist/ort-wasm-simd-threaded.asyncify.mjs': (
        '3d1c85995364bb643302fc6fd877a0c3ba5ae72401815e0f24828a53d9191e28'
    ),
    'dist/ort-wasm-simd-threaded.asyncify.wasm': (
        '39f9f0894d478800487ed9f7dbe92618498db320cf55c8e3d89adff8dce658da'
    ),
}


class Runtime(NamedTuple):
    """The three files that a page needs, their version, and whether they can use a GPU."""

    script: bytes
    glue: bytes
    wasm: bytes
    version: str
    webgpu: bool

    @property
    def size(self) -> int:
        return len(self.script) + len(self.glue) + len(self.wasm)


def load(own: Path | None = None, webgpu: bool = False) -> Runtime:
    """The runtime of that folder; by default the pinned one, from the cache that npm fills once.

    Raises:
        ConfigError: the folder lacks a file, or the runtime can neither be found nor fetched.
    """
    files = WEBGPU_FILES if webgpu else FILES
    names = [Path(path).name for path in files]
    otherwise = 'give --runtime DIR, a folder with {}, {} and {}'.format(*names)
    folder = own or npm.cached(PACKAGE, files, otherwise)
    for name in names:
        if not (folder / name).is_file():
            raise ConfigError(f'--runtime {folder} has no {name}: {otherwise}')
    script, glue, wasm = ((folder / name).read_bytes() for name in names)
    version = re.search(rb'ONNX Runtime Web v([\w.-]+)', script)
    return Runtime(script, glue, wasm, version[1].decode() if version else 'of unknown version', webgpu)
