"""Schedules of an optimiser that is not the model's, such as the critic's learning rate."""

from mmengine.optim import OptimWrapper
from mmengine.runner import IterBasedTrainLoop, Runner

from ..utils.checks import quoted
from ..utils.errors import ConfigError


class Schedule:
    """The toolbox's parameter schedulers on one optimiser wrapper, moved once per iteration or epoch.

    Args:
        key: where the config stands, for messages.
        cfg: one scheduler or a list of them, as the toolbox's ``param_scheduler``; None for no schedule.

    Raises:
        ConfigError: the toolbox cannot build one, or nothing would ever move it.
    """

    def __init__(
        self, runner: Runner, key: str, cfg: dict | list | None, optim_wrapper: OptimWrapper
    ) -> None:
        self._key = key
        try:
            self._schedulers = runner._build_param_scheduler(cfg or [], optim_wrapper)
        except (AssertionError, KeyError, TypeError, ValueError) as error:
            raise ConfigError(f'{key} is no schedule of the toolbox ({quoted(error)}): correct it') from error
        for scheduler in self._schedulers:
            name = type(scheduler).__name__
            if getattr(scheduler, 'need_val_args', False):
                raise ConfigError(
                    f'{key}: {name} follows a validation score, which it is not given here; take another type'
                )
            if scheduler.by_epoch and isinstance(runner.train_loop, IterBasedTrainLoop):
                raise ConfigError(
                    f'{key}: {name} goes by epochs and this training by iterations, so it would never move; '
                    'set its by_epoch=False'
                )

    def __bool__(self) -> bool:
        return bool(self._schedulers)

    def step(self, by_epoch: bool) -> None:
        """An iteration, or an epoch, has ended."""
        for scheduler in self._schedulers:
            if scheduler.by_epoch == by_epoch:
                scheduler.step()

    def catch_up(self, iterations: int, epochs: int) -> None:
        """So many have ended before there was anything to train."""
        for by_epoch, count in ((False, iterations), (True, epochs)):
            for _ in range(count):
                self.step(by_epoch)

    def state_dict(self) -> list[dict]:
        return [scheduler.state_dict() for scheduler in self._schedulers]

    def load_state_dict(self, states: list[dict]) -> None:
        """Go on where a run of the same config was; the optimiser loads its rate itself.

        Raises:
            ConfigError: that run had another number of schedulers.
        """
        if len(states) != len(self._schedulers):
            raise ConfigError(
                f'{self._key} has {len(self._schedulers)} schedulers, the checkpoint to resume {len(states)}; '
                'resume with the schedule that it was trained with'
            )
        for scheduler, state in zip(self._schedulers, states, strict=True):
            scheduler.load_state_dict(state)
