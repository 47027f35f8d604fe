"""onnxruntime-web, which runs a network in a browser: the user's own copy, or one that npm fetches once."""

import hashlib
import io
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

from ...utils.checks import quoted
from ...utils.errors import ConfigError

VERSION = '1.30.0'
PACKAGE = f'onnxruntime-web@{VERSION}'
SCRIPT, GLUE, WASM = 'ort.wasm.min.js', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'
SHA256 = {
    SCRIPT: 'faece07e84faa9001f5104bbe4e5c70861d06cb2376a0dea1fa0ad33a67adc81',
    GLUE: 'e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b',
    WASM: '3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2',
}
OWN = f'give --runtime DIR, a folder with {SCRIPT}, {GLUE} and {WASM}'


class Runtime(NamedTuple):
    """The three files that a page needs, and their version."""

    script: bytes
    glue: bytes
    wasm: bytes
    version: str


def load(own: Path | None = None) -> Runtime:
    """The runtime of that folder; by default the pinned one, from the cache that npm fills once.

    Raises:
        ConfigError: the folder lacks a file, or the runtime can neither be found nor fetched.
    """
    folder = own or cache()
    if own is None and not folder.is_dir():
        fetch(folder)
    for name in SHA256:
        if not (folder / name).is_file():
            remedy = OWN if own else f'remove {folder}, which is fetched again then'
            raise ConfigError(f'{folder} has no {name}: {remedy}')
    script, glue, wasm = ((folder / name).read_bytes() for name in (SCRIPT, GLUE, WASM))
    version = re.search(rb'ONNX Runtime Web v([\w.-]+)', script)
    return Runtime(script, glue, wasm, version[1].decode() if version else 'of unknown version')


def cache() -> Path:
    root = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    return Path(root) / 'mmagic_mikd' / f'onnxruntime-web-{VERSION}'


def fetch(folder: Path) -> None:
    """Fill the cache from the package that npm has, if its files are those that are known here."""
    npm = shutil.which('npm')
    if npm is None:
        raise ConfigError(f'npm is needed once, to fetch {PACKAGE}: install Node.js, or {OWN}')
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        command = [npm, 'pack', PACKAGE, '--pack-destination', scratch, '--loglevel', 'error']
        quick = ['--fetch-retries', '1', '--fetch-retry-mintimeout', '1000']
        done = subprocess.run([*command, *quick], capture_output=True, text=True, check=False)
        packed = next(Path(scratch).glob('*.tgz'), None)
        if done.returncode or packed is None:
            raise ConfigError(f'npm could not fetch {PACKAGE} ({quoted(done.stderr)}): go online, or {OWN}')
        part = Path(scratch) / 'files'
        part.mkdir()
        for name, content in unpacked(packed).items():
            (part / name).write_bytes(content)
        if not folder.is_dir():  # another process may have been faster
            os.replace(part, folder)


def unpacked(packed: Path) -> dict[str, bytes]:
    """The files that are needed; their hashes are fixed, as they become part of pages that people open."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(packed.read_bytes())) as package:
        there = set(package.getnames())
        for name, expected in SHA256.items():
            path = f'package/dist/{name}'
            member = package.extractfile(path) if path in there else None
            content = member.read() if member else b''
            if hashlib.sha256(content).hexdigest() != expected:
                raise ConfigError(f'{name} of {PACKAGE} is not the file that was published: {OWN}')
            found[name] = content
    return found
