"""What the log of a run says beside its numbers: warnings, versions, the command that started it."""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

LINE = re.compile(r'\d{4}/\d\d/\d\d \d\d:\d\d:\d\d - mmengine - (\w+) - (.*)')
ITERATION = re.compile(r'Iter\(train\) *\[ *(\d+)/')
COMMAND = re.compile(r'Command: (cd .+)')
VERSION = re.compile(r' {4}(Python|PyTorch|TorchVision|OpenCV|MMEngine|GPU 0): (.+)')


class Warned(NamedTuple):
    """A warning of the distillation, and the last iteration that the log names before it, 0 for none."""

    iteration: int
    text: str


class Log(NamedTuple):
    """Of all logs of a run, the oldest first.

    Attributes:
        versions: of what it ran on, as the toolbox has logged them.
        command: of the last training, for a shell; '' where no log names it.
    """

    warnings: list[Warned]
    versions: dict[str, str]
    command: str

    @property
    def started(self) -> tuple[Path, list[str]] | None:
        """The folder that the command was given in, and its arguments."""
        try:
            words = shlex.split(self.command)
        except ValueError:
            return None
        if words[2:4] != ['&&', 'python']:
            return None
        return Path(words[1]), words[7:] if words[4:5] == ['-m'] else words[5:]


def read_log(folder: Path) -> Log:
    """The logs in a folder and in the dated ones within it."""
    log = Log([], {}, '')
    for path in sorted({*folder.glob('*.log'), *folder.glob('*/*.log')}):
        log = _joined(log, path.read_text(errors='replace'))
    return log


def _joined(log: Log, text: str) -> Log:
    warnings, versions, command, iteration = [*log.warnings], {**log.versions}, log.command, 0
    for line in text.splitlines():
        if found := VERSION.fullmatch(line):
            versions[found[1]] = found[2]
        elif found := LINE.fullmatch(line):
            level, said = found.groups()
            if at := ITERATION.match(said):
                iteration = int(at[1])
            elif level == 'WARNING' and 'distill' in said:
                warnings.append(Warned(iteration, said))
            elif started := COMMAND.fullmatch(said):
                command = started[1]
    return Log(warnings, versions, command)
