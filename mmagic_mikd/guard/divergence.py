"""Watches a run for divergence: names what went wrong, protects the student, puts the critic back."""

import logging
from collections.abc import Callable, Mapping, Sequence

import torch
from mmengine import dist
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper
from torch import Tensor, nn

from ..utils.checks import require_kind, require_known, require_number, short
from ..utils.errors import ConfigError
from .snapshot import Snapshot
from .symptoms import SYMPTOMS, Signs

KEY = 'default_hooks.distill.guard'
POLICIES = ('warn', 'skip', 'restore', 'stop')  # the weakest first
LIMITS = dict(max_gradient_ratio=10.0, patience=100)
DEFAULTS = dict(base='stop', non_finite='restore', chain='skip', floor='restore', gradient='skip', **LIMITS)

FAR, FAR_SHARE = 1.0, 0.1  # half the width of the images' range [-1, 1], reached by this share of the values
NEAR_FLOOR = 0.95
BASE_PATIENCE = 10  # a loss scale that is too large needs a few iterations to come down
SNAPSHOT_EVERY = 100
MOST_STRIKES = 30  # after which mutual information rests for ever


class DivergenceGuard:
    """Notes symptoms on the device, judges them once an iteration, acts by the policy of their kind.

    What was noted since the last verdict is one small tensor, ``signs``; averaged over all processes and
    read, it is the guard's only device sync. What the backward pass alone can show is kept from the
    student there and then, by each process for itself (the mean over processes then lacks one part of
    the mutual information), and counts at the next verdict. Without a symptom nothing is changed.

    After k trips without ``patience`` good iterations between two, mutual information rests for
    2^(k-1) - 1 iterations: a run that keeps tripping trains its student as without distillation.

    Args:
        cfg: the policy of each trip. 'warn' only says so; 'skip' leaves student and critic without mutual
            information for this iteration; 'restore' also puts the critic back to its last good state;
            'stop' also ends the training; None does not look. 'base', the model's own losses, is None,
            'warn' or 'stop'. And two limits: ``max_gradient_ratio``, of the norm of the bound's gradient
            at the student's image over that of all other losses; ``patience``, the iterations in a row
            that the critic's loss may be at its floor. None switches the guard off.

    Attributes:
        stop_reason: why the training has to end, if it has to.
        student_lost: whether that is because the student itself is not finite.
        goes_on: the last verdict, whether mutual information goes on in its iteration.
        teacher_usable: whether, in that iteration, losses may look at the teacher's images.

    Raises:
        ConfigError: an unknown key, policy or limit.
    """

    def __init__(self, cfg: Mapping | None = DEFAULTS) -> None:
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
        self._signs = Signs()
        self._snapshot: Snapshot | None = None
        self._numbers: Callable[[], dict[str, float]] = dict
        self._state = dict(good=0, floor=0, base=0, strikes=0, rest=0)
        self._counts: dict[str, int] = {}
        self.stop_reason: str | None = None
        self.student_lost, self.teacher_usable, self.goes_on = False, True, True

    def protect(
        self, critics: nn.Module, optim_wrapper: OptimWrapper, loss_weight: float, step_size: float
    ) -> None:
        """Keep these critics to put them back; the warnings name the two settings and the learning rate."""
        self._snapshot, rates = Snapshot(critics, optim_wrapper), optim_wrapper.optimizer.param_groups
        self._numbers = lambda: dict(loss_weight=loss_weight, step_size=step_size, lr=rates[0]['lr'])

    @property
    def watching(self) -> bool:
        return any(self._policies.values())

    @property
    def resting(self) -> bool:
        """Whether mutual information rests in this iteration."""
        return self._state['rest'] > 0

    @property
    def trips(self) -> int:
        """How many there were."""
        return sum(self._counts.values())

    # ---- noting: nothing here waits for the device ----------------------------------------------

    def watch_model(self, loss: Tensor, students: Sequence[Tensor], teachers: Sequence[Tensor]) -> None:
        """The loss of the model itself, and the images as the networks made them."""
        self._signs.note('base', ~_all_finite(loss, *students))
        self._signs.note('teacher', ~_all_finite(loss.new_zeros(()), *teachers))

    def watch_chain(self, start: Tensor, end: Tensor) -> None:
        """Where a chain started, and where it ended before its clamp, (N, C, H, W)."""
        finite = _all_finite(end)
        left = (_outside(end) - _outside(start) > FAR).float().mean()
        self._signs.note('chain', ~finite)
        self._signs.note('far', finite & (left > FAR_SHARE), left)

    def watch_critic(self, loss: Tensor, energies: Sequence[Tensor], floor: float) -> None:
        """One critic's loss, the energies in it, and the least that the loss can be."""
        self._signs.note('energies', ~_all_finite(loss, *energies))
        self._signs.note('floor', loss < NEAR_FLOOR * floor, loss)

    def admits_term(self, loss: Tensor, learns: bool) -> bool:
        """One of the losses beside mutual information; one that learns may break, and is waited for."""
        broken = ~_all_finite(loss)
        self._signs.note('term', broken)
        return not (learns and self._acts('non_finite') and broken)

    def admits(self, part: Tensor, rest: Tensor) -> Tensor:
        """In the backward pass: may the bound's gradient, of norm ``part``, join the other losses'?"""
        # if both are infinite, a loss scale is too large, which the toolbox deals with
        broken = ~part.isfinite() & rest.isfinite()
        # where the other losses give nothing, there is nothing to overwhelm
        overwhelms = (part > self._limits['max_gradient_ratio'] * rest) & (rest > 0) & ~broken
        self._signs.note('mi_gradient', broken)
        self._signs.note('overwhelms', overwhelms, part / rest)
        return ~(broken & self._acts('non_finite') | overwhelms & self._acts('gradient'))

    def _acts(self, trip: str) -> bool:
        return self._policies[trip] not in (None, 'warn')

    # ---- the verdict ----------------------------------------------------------------------------

    def signs(self, device: torch.device) -> Tensor:
        """What was noted, (symptoms, 2): whether, and its number; to be averaged over the processes."""
        return self._signs.take(device)

    def judge(self, signs: Tensor, critic_gradient: Tensor | None = None) -> bool:
        """Whether mutual information goes on in this iteration; the same in every process.

        Args:
            signs: averaged over the processes, unless nothing else was.
            critic_gradient: the norm of the critics' averaged gradient; None without an update of theirs.
        """
        if not self.watching:
            return True
        if critic_gradient is None:
            dist.all_reduce(signs, op='mean')
        else:
            Signs.add(signs, 'critic_gradient', ~critic_gradient.isfinite())
        resting = self.resting
        self.goes_on = self._judge(signs)
        self._state['rest'] -= resting
        return self.goes_on

    def _judge(self, signs: Tensor) -> bool:
        seen = {k: value for k, value in Signs.read(signs).items() if self._policies[SYMPTOMS[k].trip]}
        self._count(seen)
        if self._state['floor'] < self._limits['patience']:
            seen.pop('floor', None)
        first = {}
        for name in seen:
            first.setdefault(SYMPTOMS[name].trip, name)
        if not first:
            return True
        policies = {trip: self._policy(trip) for trip in first}
        action = self._act(policies)
        for trip, name in first.items():
            sentence = self._sentence(name, seen[name])
            self._warn(trip, f'{sentence} ({action})')
            if policies[trip] == 'stop':
                self.stop_reason, self.student_lost = sentence, trip == 'base'
        return set(policies.values()) == {'warn'}

    def _count(self, seen: dict[str, float]) -> None:
        state = self._state
        self.teacher_usable = not ('teacher' in seen and self._acts('non_finite'))
        for name in ('floor', 'base'):
            state[name] = state[name] + 1 if name in seen else 0
        if seen:
            state['good'] = 0
        elif not self.resting:
            state['good'] += 1
            if state['good'] >= self._limits['patience']:
                state['strikes'] = 0
            if state['good'] % SNAPSHOT_EVERY == 0 and self._snapshot is not None:
                self._snapshot.take()

    def _policy(self, trip: str) -> str:
        """What to do now: a student that is not finite may recover, but there is nothing to learn from it."""
        policy = self._policies[trip]
        if trip == 'base' and (policy == 'warn' or self._state['base'] < BASE_PATIENCE):
            return 'skip'
        return policy

    def _act(self, policies: dict[str, str]) -> str:
        """Rest or restore as the strictest policy demands; returns what is done, in words."""
        policy = max(policies.values(), key=POLICIES.index)
        if 'floor' in policies:
            self._state['floor'] = 0
        if policy == 'warn':
            return 'nothing is done about it'
        done = [] if self.teacher_usable else ['no loss looks at the teacher in this iteration']
        if self._snapshot is not None:
            if policies.keys() - {'base'}:
                self._state['strikes'] = min(self._state['strikes'] + 1, MOST_STRIKES)
                self._state['rest'] = 2 ** (self._state['strikes'] - 1) - 1
            next_ones = f' and in the next {self._state["rest"]}' if self.resting else ''
            done.append(f'no mutual information in this iteration{next_ones}')
        if policy == 'restore' and self._snapshot is not None:
            self._snapshot.put_back()
            done.append('the critic is back at its last good state')
        return ', '.join(done) or 'it may recover'

    def _sentence(self, name: str, value: float) -> str:
        trip, text, remedy = SYMPTOMS[name]
        numbers = dict(value=value, patience=self._limits['patience'], **self._numbers())
        return f'distill.guard.{trip}: {text}; {remedy}'.format(**numbers)

    def _warn(self, trip: str, sentence: str) -> None:
        count = self._counts[trip] = self._counts.get(trip, 0) + 1
        if count & (count - 1) == 0:  # the 1st, 2nd, 4th, 8th ...: the log stays readable
            times = f', trip {count}' if count > 1 else ''
            print_log(f'{sentence}{times}', logger='current', level=logging.WARNING)

    # ---- state: a resumed run must judge as the uninterrupted one would have --------------------

    def state_dict(self) -> dict:
        """Signs of other processes that wait for the next verdict are not in it."""
        return dict(
            state=dict(self._state),
            counts=dict(self._counts),
            signs=self._signs.noted,
            snapshot=self._snapshot and self._snapshot.state,
        )

    def load_state_dict(self, state: dict | None, device: torch.device) -> None:
        if state is None:  # from a run without a guard's state
            return
        self._state, self._counts = dict(state['state']), dict(state['counts'])
        self._signs.noted = {name: sign.to(device) for name, sign in state['signs'].items()}
        if self._snapshot is not None:
            self._snapshot.state = state['snapshot']


def _all_finite(*tensors: Tensor) -> Tensor:
    return torch.stack([tensor.detach().isfinite().all() for tensor in tensors]).all()


def _outside(image: Tensor) -> Tensor:
    """How far each value is from the range of images."""
    return image.detach().abs().sub(1).clamp(min=0)
