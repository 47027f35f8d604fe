"""Files of packages that npm has, fetched once into a cache."""

import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from ...utils.checks import quoted
from ...utils.errors import ConfigError

QUICK = ('--fetch-retries', '1', '--fetch-retry-mintimeout', '1000')


def cached(package: str, files: dict[str, str], otherwise: str) -> Path:
    """Folder with files of a package, from the cache that npm fills once.

    Args:
        package: name and version, such as 'axe-core@4.14.1'.
        files: path within the package, and SHA-256, as they become part of pages that people open.
        otherwise: what a user can do without npm, as the end of a sentence.

    Raises:
        ConfigError: npm is absent, or does not deliver these files.
    """
    root = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache')
    folder = root / 'mmagic_mikd' / package.replace('@', '-')
    if not all((folder / Path(path).name).is_file() for path in files):
        _fetch(package, files, folder, otherwise)
    return folder


def _fetch(package: str, files: dict[str, str], folder: Path, otherwise: str) -> None:
    npm = shutil.which('npm')
    if npm is None:
        raise ConfigError(f'npm is needed once, to fetch {package}: install Node.js, or {otherwise}')
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        command = [npm, 'pack', package, '--pack-destination', scratch, '--loglevel', 'error', *QUICK]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        packed = next(Path(scratch).glob('*.tgz'), None)
        if done.returncode or packed is None:
            said = quoted(done.stderr, 160)
            raise ConfigError(f'npm could not fetch {package} ({said}): go online once, or {otherwise}')
        with tarfile.open(packed) as archive:
            for path, expected in files.items():
                part = Path(scratch) / Path(path).name
                part.write_bytes(_member(archive, f'package/{path}'))
                if hashlib.sha256(part.read_bytes()).hexdigest() != expected:
                    raise ConfigError(f'{path} of {package} is not the file that was published: {otherwise}')
                os.replace(part, folder / part.name)  # whole, whoever fetches at the same time


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    """Empty where there is none."""
    there = archive.extractfile(name) if name in archive.getnames() else None
    return there.read() if there else b''
