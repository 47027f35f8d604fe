"""From `default_hooks.distill.start` to students, and discriminators, that start from their teachers'."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from mmengine.logging import print_log
from mmengine.runner import Runner
from torch import nn

from ..backbones.build import discriminator_path
from ..host.locate import pairs_of_updates
from ..host.taps import resolve, unwrap
from ..host.training_calls import training_calls
from ..resume.foreign import evaluated
from ..students.loaded import Loaded
from ..students.start import StudentStart
from ..teachers.build import build_part, build_teacher, check_preprocessing
from ..teachers.weights import KEY
from ..utils.errors import ConfigError, renamed
from .pair import Pair
from .settings import Settings

BATCHES = 4  # enough to look at activations; for sensitivities the papers take 400 and 5000 samples


def start_students(
    runner: Runner, settings: Settings, pairs: Sequence[Pair], loaded: Loaded
) -> Iterator[StudentStart]:
    """What the students' training starts from; yields what has to be removed at its end."""
    if not settings.start:
        return
    now, key = runner.iter == 0, settings.start_key
    pairs = list({pair.path: pair for pair in reversed(pairs)}.values())[::-1]  # the first teacher of each
    pruned = [way for way in settings.start.values() if isinstance(way, Mapping)]
    calls = None
    if now and pruned:
        batches = max(way.get('batches', BATCHES) for way in pruned)
        calls = training_calls(runner, {pair.path: pair.student for pair in pairs}, batches)
    for optim_wrapper, mine in pairs_of_updates(pairs, runner.optim_wrapper):
        average = partial(start_average, runner.model, loaded)
        origin = partial(from_source, runner.model)
        yield StudentStart(settings.start, mine, optim_wrapper, now, key, loaded, calls, average, origin)
    if now and any(way.get('discriminator') for way in pruned):
        for pair in pairs:
            start_discriminator(
                runner.model, pair.path, settings.teachers[pair.taught_by], f'{key}.discriminator', loaded
            )


def from_source(model: nn.Module, pair: Pair, options: Mapping, key: str) -> Pair:
    """The pair of a student and the network whose channels it takes, where that is not its teacher."""
    if 'source' not in options:
        return pair
    twin, model = copy.copy(pair), unwrap(model)
    with renamed({KEY: f'{key}.source'}):
        check_preprocessing(options['source'], model)
        twin.teacher = build_teacher(options['source'], pair.path, model.data_preprocessor)
    twin.teacher.to(next(pair.student.parameters()).device)
    return twin


def start_average(model: nn.Module, loaded: Loaded, pair: Pair) -> None:
    """Give the average of a student, which a model builds anew, what the student starts as."""
    for place in evaluated(pair.path)[:0:-1]:  # the innermost first
        average = resolve(model, place)
        if average is not None:
            held = loaded.within(place, average.state_dict())
            average.load_state_dict({**pair.student.state_dict(), **held})
            return


def start_discriminator(model: nn.Module, path: str, teacher: Any, key: str, loaded: Loaded) -> None:
    """Give the discriminator of the generator at ``path`` the weights of the teacher's.

    Raises:
        ConfigError: the model or the teacher's checkpoint has none, or that is another one.
    """
    where = discriminator_path(path)
    network = resolve(model, where)
    if network is None:
        raise ConfigError(f'{key}=True: the model trains no {where!r}; leave it out')
    try:
        weights = build_part(teacher, where).state_dict()
        held = loaded.within(where, network.state_dict())
        network.load_state_dict({**weights, **held})
    except (ConfigError, RuntimeError) as error:
        reason = str(error).splitlines()[-1].strip()
        problem = f"{where!r} cannot start as the teacher's ({reason})"
        raise ConfigError(f'{key}=True: {problem}; leave it out') from error
    print_log(f"{key}: {where!r} starts as the teacher's", 'current')
