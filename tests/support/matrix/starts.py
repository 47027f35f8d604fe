"""Which starts of a family's student are right: the numerical test of each, in a run of that family."""

import re

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmagic_mikd import DistillRunner
from mmagic_mikd.host.training_calls import training_calls
from mmagic_mikd.students.exactness import TOLERANCE, difference
from mmagic_mikd.students.fused import require_known
from mmagic_mikd.students.pruned import Pruned
from mmagic_mikd.students.slices import Slices
from mmagic_mikd.utils.errors import ConfigError


class StartWitness(Hook):
    """Tries the starts on the networks of a run, and leaves them as they were."""

    priority = 'VERY_LOW'  # after DistillRunner has built its pairs

    def __init__(self) -> None:
        self.answer = ''

    def before_train(self, runner: Runner) -> None:
        pairs = next(hook for hook in runner.hooks if isinstance(hook, DistillRunner)).pairs
        try:
            calls = training_calls(runner, {pair.path: pair.student for pair in pairs}, 1)
            answers = dict.fromkeys(valid_starts(pair, calls[pair.path]) for pair in pairs)
        except ConfigError as error:
            answers = [reason(error)]
        self.answer = '; '.join(answers)


def valid_starts(pair, calls) -> str:
    """The starts in which the student is its teacher without the other channels, or why there is none."""
    wide = pair.teacher.state_dict()
    if all(wide[name].shape == p.shape for name, p in pair.student.named_parameters() if name in wide):
        return 'of one size'
    first = Pruned(pair, calls, dict(criterion='first'), 'start')
    Pruned(pair, calls, dict(criterion='random'), 'start')
    return '`sliced`, `refitted`, `pruned`' if sliced(pair, first, calls[0]) else '`pruned`'


def sliced(pair, first: Pruned, call) -> bool:
    """Whether the slices of the first channels, as they are, pass the test too."""
    slices, wide = Slices(pair.student, pair.teacher), pair.teacher.state_dict()
    narrow = pair.student.state_dict()
    try:
        require_known(pair.student, pair.teacher, '', 'start')
        weights = {name: slices.of(name, wide[name], narrow[name].shape) for name in narrow if name in wide}
        with torch.no_grad():
            off = difference(pair.student, weights, pair.teacher, first._sets, first._image(call))
    except (ConfigError, RuntimeError):
        return False
    return off < TOLERANCE


def reason(error: ConfigError) -> str:
    """Without its remedy, and without how much it was."""
    said = str(error).removeprefix('start: ')
    said = re.sub(r': start layers that are known.*|: leave `start` out|: start it as .*', '', said)
    return 'none: ' + re.sub(r' [(]they differ by [^)]*[)]', '', said)
