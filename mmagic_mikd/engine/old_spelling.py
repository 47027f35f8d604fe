"""The keys of `default_hooks.distill` before every objective was one of `objectives`; they stay readable."""

import copy
from collections.abc import Mapping
from typing import Any

from ..objectives.energy.published import LEARNER
from ..objectives.objective import Keys
from ..utils.errors import ConfigError

OLD_KEYS = dict(  # and where each went
    loss='write it as `objectives=dict(mi=dict(...))`',
    critic='write it as `critic` of the objective it belongs to',
    sampler='write it as `chain` of the objective it belongs to',
    optim_wrapper='write it as `learner` of the objective it belongs to',
    param_scheduler='write it as `param_scheduler` in the `learner` of the objective it belongs to',
    terms='write what it holds into `objectives`',
    layers='write it as `start`',
)


def translated(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict]:
    """The same settings in the present spelling, and what learns by default in the old one."""
    given = copy.deepcopy(dict(given))
    old = {key: given.pop(key, None) for key in OLD_KEYS}
    mi = dict(old['loss'] or {})
    parts = dict(critic=old['critic'], chain=old['sampler'], learner=_learner(old))
    mi.update({name: part for name, part in parts.items() if part})
    objectives = dict(mi=mi) if mi else {}
    for name, term in (old['terms'] or {}).items():
        if name in objectives:
            raise ConfigError(f'default_hooks.distill.terms.{name} has the name of the loss: give it another')
        if term is not None:
            term = dict(term)
            if 'optim_wrapper' in term:
                term['learner'] = term.pop('optim_wrapper')
        objectives[name] = term
    if objectives:
        given['objectives'] = objectives
    if old['layers']:
        given['start'] = old['layers']
    return given, old['optim_wrapper'] or LEARNER


def _learner(old: Mapping[str, Any]) -> dict:
    schedule = old['param_scheduler']
    return dict(old['optim_wrapper'] or {}, **(dict(param_scheduler=schedule) if schedule else {}))


def keys_of_old(key: str, name: str) -> Keys:
    """Where the settings of an objective stand in the old spelling."""
    if name == 'mi':
        return Keys(
            f'{key}.loss', f'{key}.optim_wrapper', f'{key}.critic', f'{key}.sampler', f'{key}.param_scheduler'
        )
    own = f'{key}.terms.{name}'
    return Keys(own, f'{own}.optim_wrapper', '', '', f'{own}.optim_wrapper.param_scheduler')
