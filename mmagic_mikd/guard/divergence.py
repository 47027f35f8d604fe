"""Watches a run for divergence: names what went wrong, protects the student, puts back what had learned it."""

import logging
from collections.abc import Iterable, Mapping

import torch
from mmengine.logging import print_log
from torch import Tensor

from ..objectives.objective import Objective
from ..utils.checks import require_kind, require_known, require_number, short
from ..utils.errors import ConfigError
from .standing import Standing
from .symptoms import MODEL, SYMPTOMS, Signs
from .watch import Watch

KEY = 'default_hooks.distill.guard'
POLICIES = ('warn', 'skip', 'restore', 'stop')  # the weakest first
LIMITS = dict(max_gradient_ratio=10.0, patience=100)
DEFAULTS = dict(base='stop', non_finite='restore', chain='skip', floor='restore', gradient='skip', **LIMITS)

BASE_PATIENCE = 10  # a loss scale that is too large needs a few iterations to come down


class DivergenceGuard:
    """Notes symptoms on the device, judges them once an iteration, acts by the policy of their kind.

    What was noted since the last verdict is one small tensor; averaged over all processes and read, it is the
    guard's only device sync. No learner steps before the verdict. What the backward pass alone can show is
    kept from the student there and then, by each process for itself (the mean over processes then lacks one
    part of that objective), and counts at the next verdict. Without a symptom nothing is changed. A symptom
    of one objective leaves the others alone.

    Args:
        cfg: the policy of each trip. 'warn' only says so; 'skip' leaves student and learner without the
            objective for this iteration; 'restore' also puts its learner back to the last good state;
            'stop' also ends the training; None does not look. 'base', the model's own losses, is None,
            'warn' or 'stop'. And two limits: ``max_gradient_ratio``, of the norm of a learned energy's
            gradient at the student's image over that of all other losses; ``patience``, the iterations in a
            row that a critic's loss may be at its floor. None switches the guard off.
        objectives: what is watched.

    Attributes:
        watch: what is to be shown to it.
        stop_reason: why the training has to end, if it has to.
        student_lost: whether that is because the student itself is not finite.

    Raises:
        ConfigError: an unknown key, policy or limit.
    """

    def __init__(self, cfg: Mapping | None = DEFAULTS, objectives: Iterable[Objective] = ()) -> None:
        require_kind(KEY, cfg, Mapping, 'a dict or None')
        require_known(KEY, cfg or {}, DEFAULTS)
        self._policies = dict.fromkeys(DEFAULTS.keys() - LIMITS) if cfg is None else {**DEFAULTS, **cfg}
        self._limits = {name: self._policies.pop(name, LIMITS[name]) for name in LIMITS}
        for trip, policy in self._policies.items():
            allowed = (None, 'warn', 'stop') if trip == 'base' else (None, *POLICIES)
            if policy not in allowed:
                raise ConfigError(f'{KEY}.{trip}={short(policy)} is no policy: choose from {allowed}')
        require_number(f'{KEY}.max_gradient_ratio', self._limits['max_gradient_ratio'], above=0)
        require_number(f'{KEY}.patience', self._limits['patience'], least=1, whole=True)
        self._standings = {objective.name: Standing(objective) for objective in objectives}
        self.watch = Watch(self._acts, self._limits['max_gradient_ratio'])
        self._base, self._counts = 0, {}
        self._barred: set[str] = set()  # by the last verdict
        self.stop_reason: str | None = None
        self.student_lost = False

    @property
    def watching(self) -> bool:
        return any(self._policies.values())

    @property
    def trips(self) -> int:
        """How many there were."""
        return sum(self._counts.values())

    def _acts(self, trip: str) -> bool:
        return self._policies[trip] not in (None, 'warn')

    def lets(self, objective: Objective) -> bool:
        """Whether it does not rest in this iteration."""
        return not self._standings[objective.name].resting

    def allows(self, objective: Objective) -> bool:
        """Whether, after the verdict, the student may learn from it in this iteration."""
        return objective.name not in self._barred

    # ---- the verdict ----------------------------------------------------------------------------

    @property
    def _whose(self) -> list[str]:
        return [MODEL, *self._standings]

    def signs(self, device: torch.device) -> Tensor:
        """What was noted, (whose, symptoms, 2): whether, and its number; to be averaged over the processes."""
        return self.watch.signs.take(self._whose, device)

    def judge(self, signs: Tensor, norms: Mapping) -> list:
        """The learners that may step in this iteration; the same in every process.

        Args:
            signs: averaged over the processes.
            norms: of the averaged gradients, by learner.
        """
        standings = self._standings.values()
        if self.watching:
            for row, standing in enumerate(standings, start=1):
                if (norm := norms.get(standing.objective.learner)) is not None:
                    broken = ~norm.isfinite()
                    signs[row, list(SYMPTOMS).index('learner_gradient'), 0] += broken
            self._judge(Signs.read(signs, self._whose))
        return [s.objective.learner for s in standings if self.allows(s.objective)]

    def _judge(self, seen: dict[str, dict[str, float]]) -> None:
        seen = {
            who: {k: v for k, v in found.items() if self._policies[SYMPTOMS[k].trip]}
            for who, found in seen.items()
        }
        resting = [standing for standing in self._standings.values() if standing.resting]
        of_model = seen.pop(MODEL)
        self._barred = set()
        self._judge_base(of_model)
        for name, found in seen.items():
            standing = self._standings[name]
            if 'teacher' in of_model and standing.objective.asks_teacher:
                found = dict(teacher=of_model['teacher'], **found)
            self._judge_objective(standing, found, well=not (of_model or found))
        for standing in resting:
            standing.rest -= 1

    def _judge_base(self, seen: dict[str, float]) -> None:
        """A student that is not finite may recover, but until then there is nothing to learn from it."""
        self._base = self._base + 1 if 'base' in seen else 0
        if 'base' in seen:
            lost = self._policies['base'] == 'stop' and self._base >= BASE_PATIENCE
            self._barred = set(self._standings)
            done = 'no distillation in this iteration' if self._standings else 'it may recover'
            self._say('base', {}, seen['base'], done, stop=lost)
            self.student_lost = self.student_lost or lost

    def _judge_objective(self, standing: Standing, seen: dict[str, float], well: bool) -> None:
        standing.floor = standing.floor + 1 if 'floor' in seen else 0
        if well and not standing.resting:
            standing.well(self._limits['patience'])
        elif not well:
            standing.good = 0
        if standing.floor < self._limits['patience']:
            seen.pop('floor', None)
        first: dict[str, str] = {}
        for name in seen:
            first.setdefault(SYMPTOMS[name].trip, name)
        if not first:
            return
        if 'floor' in first:
            standing.floor = 0
        words = standing.words()
        policy = max((self._policies[trip] for trip in first), key=POLICIES.index)
        done = ['nothing is done about it']
        if policy != 'warn':
            self._barred.add(standing.objective.name)
            done = standing.strike(restore=policy == 'restore')
        for trip, name in first.items():
            self._say(name, words, seen[name], ', '.join(done), stop=self._policies[trip] == 'stop')

    def _say(self, symptom: str, words: dict, value: float, done: str, stop: bool) -> None:
        trip, text, remedy = SYMPTOMS[symptom]
        numbers = dict(words, value=value, patience=self._limits['patience'])
        sentence = f'distill.guard.{trip}: {text}; {remedy}'.format(**numbers)
        count = self._counts[trip] = self._counts.get(trip, 0) + 1
        if count & (count - 1) == 0:  # the 1st, 2nd, 4th, 8th ...: the log stays readable
            times = f', trip {count}' if count > 1 else ''
            print_log(f'{sentence} ({done}){times}', logger='current', level=logging.WARNING)
        if stop:
            self.stop_reason = sentence

    # ---- state: a resumed run must judge as the uninterrupted one would have --------------------

    def state_dict(self) -> dict:
        """Signs of other processes that wait for the next verdict are not in it."""
        return dict(
            base=self._base,
            counts=dict(self._counts),
            signs=self.watch.signs.noted,
            standings={name: standing.state_dict() for name, standing in self._standings.items()},
        )

    def load_state_dict(self, state: dict, device: torch.device) -> None:
        self._base, self._counts = state['base'], dict(state['counts'])
        self.watch.signs.noted = {
            who: {name: sign.to(device) for name, sign in noted.items()}
            for who, noted in state['signs'].items()
        }
        for name, standing in self._standings.items():
            if name in state['standings']:
                standing.load_state_dict(state['standings'][name])
