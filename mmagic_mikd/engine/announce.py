"""What a distillation says at its beginning."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.runner import Runner
from torch import nn

from ..host.loaded_orders import about_orders
from ..host.taps import unwrap
from ..objectives.objective import Objective
from ..teachers.weights import is_copy
from ..utils import escape
from .pair import Pair


def announce(runner: Runner, pairs: Sequence[Pair], objectives: Sequence[Objective]) -> None:
    """One line that names what will be trained, with which weights; and warnings of what cannot be meant."""
    model = type(unwrap(runner.model)).__name__
    networks = ' and '.join(f'{pair.path} ({_compared(pair)})' for pair in pairs)
    trained = ', '.join(map(_described, objectives)) or 'no objective'
    runner.logger.info(f'Distilling {networks} of {model} by {trained}.')
    if not objectives:
        runner.logger.warning(
            'default_hooks.distill has no `objectives`: the student trains without distillation'
        )
    if (white := pairs[0].images.white) != 255:
        runner.logger.info(
            f'White is {white:g} in the pictures, as mean and std of the data preprocessor say; `value_range` '
            'in default_hooks.distill.pairs would set another range.'
        )
    if any(pair.resize for pair in pairs):
        runner.logger.info("The teacher's images are resized, antialiased, to those of the student.")
    if sentence := about_orders(runner.cfg):
        runner.logger.warning(escape.line(sentence))
    for pair in pairs:
        if pair.teacher is not None and is_copy(pair.student, pair.teacher):
            runner.logger.warning(
                f'The teacher of {pair.path!r} has the weights of the student, so there is nothing to '
                "learn from it yet: is default_hooks.distill.teacher.checkpoint the student's own?"
            )


def warn_of_revived(runner: Runner, objectives: Sequence[Objective], length: int | None) -> None:
    """A resumed run that is longer than before lives through the end of an objective a second time.

    Args:
        length: the iterations that the interrupted run was to have; None where it is not known.
    """
    for objective in objectives:
        if not length or objective.until is None:
            continue
        over, now_over = (objective.until * iterations for iterations in (length, runner.max_iters))
        if over <= runner.iter < now_over:
            runner.logger.warning(
                f'{objective.keys.objective}.until={objective.until:g} was over after {over:.0f} iterations; '
                f'with {runner.max_iters} it pulls again until {now_over:.0f}: set it to '
                f'{over / runner.max_iters:.3g} to leave it over'
            )


def warn_of_score(runner: Runner, key: str, checkpoint: str) -> None:
    """A student that is trained on the network of a score is good at that score, and maybe at nothing else.

    Args:
        key: where the objective's network stands.
        checkpoint: the file with its weights.
    """
    file = Path(checkpoint).resolve()
    for evaluator in ('val_evaluator', 'test_evaluator'):
        if any(Path(other).resolve() == file for other in _checkpoints(runner.cfg.get(evaluator))):
            runner.logger.warning(
                f'{key}.checkpoint={checkpoint} is the network of a score in {evaluator}, too: the student is '
                'trained on what it is measured by, and the score says little; take another network for one'
            )


def _checkpoints(cfg: Any) -> Iterator[str]:
    if isinstance(cfg, Mapping):
        if isinstance(cfg.get('checkpoint'), str):
            yield cfg['checkpoint']
        cfg = list(cfg.values())
    if isinstance(cfg, list | tuple):
        for value in cfg:
            yield from _checkpoints(value)


def _compared(pair: Pair) -> str:
    if pair.teacher is None:
        return f'{_size(pair.student)} parameters'
    by = f', taught by {pair.taught_by}' if pair.taught_by else ''
    return f'{_size(pair.student)} of {_size(pair.teacher)} parameters{by}'


def _size(network: nn.Module) -> str:
    return f'{sum(p.numel() for p in network.parameters()):,}'


def _described(objective: Objective) -> str:
    place = objective.place
    parts = [f'{objective.kind}, weight {objective.weight:g}', f'target {place.target}']
    if objective.ratio is not None and objective.weight > 0:
        parts[0] = f'{objective.kind}, gradient ratio {objective.ratio:g}'
    if place.layer is not None:
        parts[1] = f'layer {" and ".join(dict.fromkeys(place.layer))}'
    if place.teacher and place.asks_teacher:
        parts.append(f'taught by {place.teacher}')
    if objective.until is not None:
        parts.append(f'until {objective.until:g}')
    if objective.learns:
        parts.append('learns')
    return f'{objective.name} ({", ".join(parts)})'
