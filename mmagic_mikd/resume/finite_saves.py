"""A run that diverges does not push its last good checkpoint out: what is not finite is never saved."""

from collections.abc import Callable
from typing import Any

from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner
from torch import nn

from ..guard.finite import not_finite
from ..guard.stop import last_checkpoint
from ..host.learner import Learner
from ..utils.errors import ConfigError

# the best one's may call the other
SAVING = ('_save_checkpoint_with_step', '_save_best_checkpoint')


class FiniteSaves:
    """Stands before the methods of a hook that save, and remove what is older.

    Args:
        trained: gives what is trained beside the model, by a name.
        learners: gives those that train it.
    """

    def __init__(
        self,
        runner: Runner,
        trained: Callable[[], dict[str, nn.Module]],
        learners: Callable[[], list[Learner]],
    ) -> None:
        self._runner, self._trained, self._learners = runner, trained, learners
        self._refused: str | None = None

    def guard(self, hook: CheckpointHook, name: str) -> Callable[[], Any]:
        """Let a method of the hook save only what is finite, until what is returned is called."""
        before, save = vars(hook).get(name), getattr(hook, name)

        def save_finite(*args: Any, **kwargs: Any) -> None:
            if self._fit():
                save(*args, **kwargs)

        vars(hook)[name] = save_finite
        return lambda: vars(hook).pop(name, None) if before is None else vars(hook).update({name: before})

    def finish(self) -> None:
        """The training is through.

        Raises:
            ConfigError: its end is not worth a checkpoint.
        """
        if self._refused:
            raise ConfigError(f'{self._refused}; lower the learning rates or clip the gradients')

    def _fit(self) -> bool:
        broken = not_finite(self._runner, self._trained(), self._learners())
        last = last_checkpoint(self._runner)
        kept = f'the last finite checkpoint is {last}' if last else 'there is no checkpoint before it'
        said = f'{broken} holds numbers that are not finite, so no checkpoint is written: {kept}'
        if broken and not self._refused:
            self._runner.logger.warning(f'{said}.')
        self._refused = said if broken else None
        return broken is None
