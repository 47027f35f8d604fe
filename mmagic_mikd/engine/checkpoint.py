"""Our part of a checkpoint: one versioned key beside the toolbox's own. Every version resumes."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ..guard import DivergenceGuard
from ..guard.symptoms import MODEL, SYMPTOMS
from ..objectives.objective import Objective
from ..resume.exact import ResumeState
from ..utils.checks import quoted
from ..utils.errors import ConfigError
from .build_objectives import ObjectiveBuilder

KEY = 'mikd'
VERSION = 3  # 1 lacks the state of the run, so it resumes, not exactly; 1 and 2 keep the critic apart
KNOWN = (1, 2, VERSION)


def state_of(objectives: Sequence[Objective], guard: DivergenceGuard, run: dict) -> dict[str, Any]:
    """Tensors and plain data; written on the first process, so nothing here may communicate."""
    learning = [objective for objective in objectives if objective.learns]
    # what still waits for its first batch, as before a generator's first update, has no more than its name
    states = {o.name: dict(o.learner.state_dict() if o.learner else {}, built=o.built) for o in learning}
    return dict(version=VERSION, run=run, objectives=states, guard=guard.state_dict())


def load(
    state: Mapping,
    objectives: Sequence[Objective],
    guard: DivergenceGuard,
    resume: ResumeState,
    builder: ObjectiveBuilder,
) -> None:
    """Go on where another run was.

    Raises:
        ConfigError: it was no distillation, or one of other objectives.
    """
    if state.get('version') not in KNOWN:
        raise ConfigError(
            f'the checkpoint to resume holds no critic (key {KEY!r}, version 1 to {VERSION}): it is not from a '
            'distillation; start from it with load_from in place of resume'
        )
    try:
        _put_back(state, objectives, guard, resume, builder)
    except ConfigError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RuntimeError) as error:
        raise ConfigError(
            f'the checkpoint to resume has a damaged part {KEY!r} ({type(error).__name__}: {quoted(error, 80)})'
            '; resume from another one, or start from it with load_from in place of resume'
        ) from error


def _put_back(
    state: Mapping,
    objectives: Sequence[Objective],
    guard: DivergenceGuard,
    resume: ResumeState,
    builder: ObjectiveBuilder,
) -> None:
    state = state if state['version'] == VERSION else upgraded(state)
    learning = [objective for objective in objectives if objective.learns]
    absent = [o.keys.objective for o in learning if o.name not in state['objectives']]
    if absent:
        raise ConfigError(
            f'the checkpoint to resume has not trained {" and ".join(absent)}; start from it with load_from in '
            'place of resume'
        )
    for objective in learning:
        own = state['objectives'][objective.name]
        if own.keys() == {'built'}:  # it had not begun
            continue
        if objective.built is None or tuple(own['built'] or ()) not in ((), objective.built):
            builder.build_for(objective, own['built'])
        objective.learner.load_state_dict(own)
    if state['guard'] is not None:
        device = next((p.device for o in learning for p in o.network.parameters()), torch.device('cpu'))
        guard.load_state_dict(state['guard'], device)
    resume.load_state_dict(state['run'])


def upgraded(state: Mapping) -> dict[str, Any]:
    """A state of version 1 or 2 as one of version 3: its critics belong to the objective 'mi'."""
    terms = {name: _term(term) for name, term in state.get('terms', {}).items()}
    objectives, guard = dict(terms), state.get('guard')
    if 'critics' in state:
        names = ('optim_wrapper', 'inner_count', 'param_schedulers')
        own = {name: state[name] for name in names if name in state}
        snapshot = (guard or {}).get('snapshot')
        good = snapshot and dict(network=snapshot['critics'], gathered=snapshot['gathered'])
        objectives['mi'] = dict(own, network=state['critics'], good=good, built=_built(state['critics']))
    run = dict(state.get('run', {}))
    run['ranks'] = [_renamed(rank) for rank in run.get('ranks', [])]
    return dict(run=run, objectives=objectives, guard=guard and _guard(guard))


def _term(term: Mapping) -> dict[str, Any]:
    own = {name: value for name, value in term.items() if name != 'losses'}
    return dict(own, network={f'losses.{key}': value for key, value in term['losses'].items()}, built=())


def _built(critics: Mapping) -> tuple[int, ...]:
    """The size that gives a critic the depth of this one, which has 2^depth pixels after its first pooling."""
    blocks = {key.partition('.blocks.')[2].partition('.')[0] for key in critics} - {''}
    return (2 ** (len(blocks) + 1),)


def _renamed(rank: Mapping) -> dict[str, Any]:
    """Gradients that were accumulated, under the names that their parameters have now."""
    gradients = {}
    for name, gradient in rank.get('gradients', {}).items():
        if name.startswith('critics.'):
            name = f'mi.{name.removeprefix("critics.")}'
        elif name.startswith('terms.'):
            term, _, rest = name.removeprefix('terms.').partition('.')
            name = f'{term}.losses.{rest}'
        gradients[name] = gradient
    return {**rank, 'gradients': gradients}


def _guard(guard: Mapping) -> dict[str, Any]:
    old, names = dict(guard['state']), dict(energies='learning', critic_gradient='learner_gradient')
    names |= dict(mi_gradient='gradient')
    signs: dict[str, dict] = {}
    for name, sign in guard['signs'].items():
        name = names.get(name, name)
        if name in SYMPTOMS:
            signs.setdefault(MODEL if name in ('base', 'teacher') else 'mi', {})[name] = sign
    return dict(base=old.pop('base'), counts=guard['counts'], signs=signs, standings=dict(mi=old))
