"""The rows of a study: one CSV that several processes may extend, and that survives every kill."""

import csv
import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ...utils.errors import ConfigError

KEY = ('student', 'objective', 'seed', 'config_hash')
REMEDY = 'correct it there, or move the file away, and every training is run again'


def read_rows(path: Path) -> list[dict[str, str]]:
    """All rows as text; none where there is no file.

    Raises:
        ConfigError: the file is not one that `add_rows` has written.
    """
    if not path.is_file():
        return []
    with path.open(newline='') as file:
        try:
            reader = csv.DictReader(file)
            columns, rows = reader.fieldnames or (), list(reader)
        except (csv.Error, UnicodeDecodeError) as error:
            raise ConfigError(f'{path} cannot be read as rows of a study ({error}): {REMEDY}') from error
    for name in (*KEY, 'which'):
        if name not in columns or any(row[name] is None for row in rows):
            raise ConfigError(f'{path} has no column {name!r}, or a row without it: {REMEDY}')
    return rows


def number(row: dict[str, str], column: str) -> float:
    """What a row has in a column.

    Raises:
        ConfigError: nothing, or no number.
    """
    try:
        return float(row.get(column) or '')
    except ValueError:
        place = ', '.join(row[name] for name in KEY[:3])
        raise ConfigError(
            f"{column}={row.get(column)!r} of {place} in the study's CSV is no number: {REMEDY}"
        ) from None


def add_rows(path: Path, rows: Iterable[dict]) -> None:
    """Add rows, replacing those of the same training; new columns go to the end.

    The file is replaced as a whole, so whoever reads it sees it before or after. The lock is a hidden file
    beside it: whatever their folders of work, and by whatever name they know the file, all writers share it.
    """
    path = path.resolve()
    rows = [{name: str(value) for name, value in row.items()} for row in rows]
    with locked(path.with_name(f'.{path.name}.lock')):
        new = {key_of(row) for row in rows}
        rows = [row for row in read_rows(path) if key_of(row) not in new] + rows
        columns = list(dict.fromkeys(name for row in rows for name in row))
        part = path.with_name(f'.{path.name}.{os.getpid()}.part')
        with part.open('w', newline='') as file:
            writer = csv.DictWriter(file, columns, restval='', lineterminator='\n')
            writer.writeheader()
            writer.writerows(rows)
        os.replace(part, path)


def key_of(row: dict[str, str]) -> tuple[str, ...]:
    """What tells one training from another; its last and its best row share it."""
    return tuple(row[name] for name in KEY)


@contextmanager
def locked(path: Path, wait: bool = True) -> Iterator[IO | None]:
    """Hold a lock, which ends with the last process that has its file open.

    Yields that file, to be handed to children; None where others have the lock and ``wait`` is off.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open('w') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield None
            return
        yield file
