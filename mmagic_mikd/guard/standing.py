"""How one objective has fared: what the guard remembers of it from verdict to verdict."""

from collections.abc import Mapping
from typing import Any

from ..objectives.objective import Objective

SNAPSHOT_EVERY = 100
MOST_STRIKES = 30  # after which an objective rests for ever


class Standing:
    """Good iterations, strikes and rest of one objective.

    After k strikes without ``patience`` good iterations between two, it rests for 2^(k-1) - 1 iterations: a
    run that keeps tripping trains its student as without it.
    """

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.good = self.floor = self.strikes = self.rest = 0

    @property
    def resting(self) -> bool:
        return self.rest > 0

    def well(self, patience: int) -> None:
        """An iteration without a symptom."""
        self.good += 1
        if self.good >= patience:
            self.strikes = 0
        if self.good % SNAPSHOT_EVERY == 0 and self.objective.learner is not None:
            self.objective.learner.take()

    def strike(self, restore: bool) -> list[str]:
        """An iteration without the objective, and rest after it; what is done, in words."""
        self.strikes = min(self.strikes + 1, MOST_STRIKES)
        self.rest = 2 ** (self.strikes - 1) - 1
        next_ones = f' and in the next {self.rest}' if self.resting else ''
        done = [f'no {self.objective.title} in this iteration{next_ones}']
        if restore and self.objective.learner is not None:
            self.objective.learner.put_back()
            done.append(f'{self.objective.learned} is back at its last good state')
        return done

    def words(self) -> dict[str, str]:
        """Names and numbers for the sentences about it: the settings to change, and what they are now."""
        objective, keys = self.objective, self.objective.keys
        rate = objective.learner.rate if objective.learner is not None else 0.0
        return dict(
            what=f'the {objective.title}',
            learned=objective.learned,
            weight=f'{keys.weight} (now {objective.weight:g})',
            step=f'{keys.chain}.step_size (now {objective.step_size:g})',
            rate=f'{keys.learner}.optimizer.lr (now {rate:g})',
        )

    def state_dict(self) -> dict[str, int]:
        return dict(good=self.good, floor=self.floor, strikes=self.strikes, rest=self.rest)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        for name in self.state_dict():
            setattr(self, name, state[name])
