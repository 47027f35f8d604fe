"""Which starts of a family's student are right: the numerical test of each, in a run of that family."""

import copy
import re
from types import SimpleNamespace

import torch
from mmengine.hooks import Hook
from mmengine.registry import MODELS
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
            answers = dict.fromkeys(
                valid_starts(pair, calls[pair.path])
                if narrower(pair)
                else between_copies(pair, calls, runner)
                for pair in pairs
            )
        except ConfigError as error:
            answers = [reason(error)]
        self.answer = '; '.join(answers)


def narrower(pair) -> bool:
    """Whether the student has fewer channels anywhere."""
    wide = pair.teacher.state_dict()
    return any(wide[name].shape != p.shape for name, p in pair.student.named_parameters() if name in wide)


def between_copies(pair, calls, runner: Runner) -> str:
    """The same of two copies of the generator with fewer channels, where its class has a table of them."""
    if not isinstance(getattr(pair.student, 'channels', None), dict):
        return 'of one size'
    cfg = copy.deepcopy(runner.cfg.model.generator)
    encoded = [4] if cfg.get('head_pos_encoding') else []  # whose channels are those of the encoding
    with torch.random.fork_rng():
        torch.manual_seed(0)
        student, teacher = (
            MODELS.build(dict(cfg, type=thin(type(pair.student), width, encoded))) for width in (8, 16)
        )
        for parameter in (*student.parameters(), *teacher.parameters()):
            parameter.data.normal_(std=0.1)
    copies = SimpleNamespace(student=student, teacher=teacher, path=pair.path, output=pair.output)
    return f'{valid_starts(copies, calls[pair.path])}, between narrow copies'


def thin(kind: type, width: int, kept: list[int]) -> type:
    """The class with so many channels of 512, but for some resolutions; as `NarrowStyleGAN2Generator` has."""

    def store(network, table: dict) -> None:
        network._thin = {
            size: full if size in kept else max(2, full * width // 512) for size, full in table.items()
        }

    return type(f'Thin{kind.__name__}', (kind,), dict(channels=property(lambda n: n._thin, store)))


def valid_starts(pair, calls) -> str:
    """The starts in which the student is its teacher without the other channels, or why there is none."""
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
