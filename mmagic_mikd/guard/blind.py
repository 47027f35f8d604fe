"""Names a critic that is blind: one that tells pairs from negatives always, or by the toss of a coin."""

import logging
from collections.abc import Mapping

from mmengine.logging import print_log

PATIENCE = 500  # iterations in a row
SURE, COIN = 0.995, 0.01  # a share of right answers, and how far one is from a half
WHY = dict(
    sure='tells every pair from its negatives, so it has nothing left to learn from them',
    coin='tells pairs from negatives no better than a coin',
)
REMEDY = dict(
    sure="choose `negatives` that are closer to the pairs, such as 'moved', or lower the rate of its `learner`",
    coin='raise the rate of its `learner`, or leave it out: there may be nothing to tell',
)


class BlindCritics:
    """Watches the accuracies in the log; one line for each critic that stays blind, and no more than that."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, int]] = {}

    def look(self, values: Mapping[str, float]) -> None:
        """Values of one iteration by their names in the log; those of critics end with 'accuracy'."""
        for name, value in values.items():
            if 'accuracy' not in name:
                continue
            kind = 'sure' if value >= SURE else 'coin' if abs(value - 0.5) <= COIN else ''
            before, count = self._seen.get(name, ('', 0))
            count = count + 1 if kind == before else 1
            self._seen[name] = kind, count
            if kind and count == PATIENCE:
                print_log(
                    f'distill: {name} has been {value:.0%} for {PATIENCE} iterations: the critic {WHY[kind]}; '
                    f'{REMEDY[kind]}',
                    logger='current',
                    level=logging.WARNING,
                )
