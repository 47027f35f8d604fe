"""`--resume` believes `last_checkpoint`, even where the checkpoint is truncated, damaged, gone or elsewhere.

MMEngine's `find_latest_checkpoint` returns what that file says, without a look; a run whose newest
checkpoint is broken cannot be resumed by it, and one that was killed before `last_checkpoint` was
rewritten loses a checkpoint. Symptom: mmagic#876. Here the newest checkpoint that is whole is taken, and a
warning names it and those passed over; one that is newer than the record is recorded, for a run that was
killed at its very end has nothing left to do that would. A record that names the old place of a folder that
was moved, a URL or nothing at all does not hide the checkpoints in the folder. The first process decides for
all. Delete this file when MMEngine looks at the file.
"""

import os
import re
import zipfile
import zlib

from ..utils.errors import ConfigError
from . import on_import
from .atomic_save import replacing

NUMBERED = re.compile(r'(?!best_)(.*_)(\d+)\.pth')  # as CheckpointHook names them


def apply(report) -> None:
    on_import.after('mmengine.runner.checkpoint', lambda module: report(repair(module)))


def repair(checkpoint) -> bool:
    on_import.replace(checkpoint.find_latest_checkpoint, find_latest_checkpoint, package='mmengine')
    return True


def find_latest_checkpoint(path: str) -> str | None:
    """The newest whole checkpoint of a run, the same on every process; None where there was none yet.

    Args:
        path: the run's work_dir.

    Raises:
        ConfigError: there are checkpoints, but none to resume from.
    """
    from mmengine.dist import broadcast_object_list, is_main_process

    found = [None, None]
    if is_main_process():
        try:
            found[0] = _newest_whole(path)
        except ConfigError as error:
            found[1] = str(error)
    broadcast_object_list(found)
    if found[1]:
        raise ConfigError(found[1])
    return found[0]


def damage(path: str) -> str | None:
    """What is wrong with a checkpoint that `torch.save` wrote: a word for a sentence; None if it is whole."""
    if not os.path.isfile(path):
        return 'missing'
    try:
        with zipfile.ZipFile(path) as file:  # the directory of its parts is at the end
            return 'damaged' if file.testzip() else None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError):
        return 'truncated or damaged'


def _newest_whole(work_dir: str) -> str | None:
    from mmengine.logging import print_log

    recorded = _recorded(work_dir)
    if recorded and ('://' in recorded or os.path.isdir(recorded)):
        return recorded  # not a file on this machine
    passed_over = []
    for candidate in _candidates(work_dir, recorded):
        reason = damage(candidate)
        if reason is None:
            if passed_over:
                print_log(f'{"; ".join(passed_over)}: resuming from {candidate}', 'current', 30)
            if _step(candidate) > _step(recorded or ''):
                with replacing(os.path.join(work_dir, 'last_checkpoint'), 'w') as file:
                    file.write(candidate)
            return candidate
        passed_over.append(f'{candidate} is {reason}')
    if passed_over:
        raise ConfigError(
            f'{"; ".join(passed_over)}: there is no checkpoint left to resume from; take --resume away and '
            'choose another work_dir to start anew'
        )
    best = sorted(name for name in os.listdir(work_dir) if name.startswith('best_') and name.endswith('.pth'))
    if best:
        raise ConfigError(
            f'{work_dir} holds only {", ".join(best)}, which has no optimiser state to resume from: start from '
            'it with load_from and without --resume, and set default_hooks.checkpoint.interval'
        )
    print_log(
        f'There is no checkpoint in {work_dir} to resume from: the run starts at the beginning.', 'current'
    )
    return None


def _step(path: str) -> int:
    match = NUMBERED.fullmatch(os.path.basename(path))
    return int(match[2]) if match else 0


def _recorded(work_dir: str) -> str | None:
    """What `last_checkpoint` says, if that can be a checkpoint of this run.

    Of a folder that was moved or copied the one in it is meant, not the one at its old place; one elsewhere is
    of a run whose `out_dir` is another folder.
    """
    try:
        with open(os.path.join(work_dir, 'last_checkpoint')) as file:
            path = file.read().strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    if re.match(r'(\S+:)?(s3|petrel)://', path):  # where the toolbox can write, beside local disks
        return path
    if '://' in path or '\0' in path:
        return None
    here = os.path.join(work_dir, os.path.basename(path))
    if os.path.isfile(here) or (path and not os.path.exists(os.path.dirname(path) or '.')):
        path = here
    return path if os.path.isfile(path) or NUMBERED.fullmatch(os.path.basename(path)) else None


def _candidates(work_dir: str, recorded: str | None) -> list[str]:
    """What to try, in this order: written after the record, the record, older ones of the same kind.

    A file of a later step that is older than the record belongs to another run in the same folder.
    """
    folder = os.path.dirname(recorded) if recorded else work_dir
    match = NUMBERED.fullmatch(os.path.basename(recorded)) if recorded else None
    numbered = []
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        parts = NUMBERED.fullmatch(name)
        if parts and (match is None or parts[1] == match[1]):
            path = os.path.join(folder, name)
            numbered.append((os.stat(path).st_mtime_ns, int(parts[2]), path))
    if recorded is None:
        return [path for *_, path in sorted(numbered, reverse=True)]
    if match is None:
        return [recorded, *(path for *_, path in sorted(numbered, reverse=True))]
    since, step = os.stat(os.path.join(work_dir, 'last_checkpoint')).st_mtime_ns, int(match[2])
    later = [(n, path) for time, n, path in numbered if n > step and time >= since]
    earlier = [(n, path) for _, n, path in numbered if n < step]
    ordered = [*sorted(later, reverse=True), (step, recorded), *sorted(earlier, reverse=True)]
    return [path for _, path in ordered]
