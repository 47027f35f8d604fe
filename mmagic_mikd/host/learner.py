"""How a network of ours beside the model, such as the critic, learns: by the toolbox's optimiser wrapper."""

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from mmengine import dist
from mmengine.optim import AmpOptimWrapper, build_optim_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from ..utils.checks import last_line, quoted
from ..utils.errors import ConfigError
from .optimiser_state import unlike
from .schedule import Schedule


class Learner:
    """Optimiser, schedule and last good state of one network; every process starts with equal weights.

    Args:
        runner: builds the schedule.
        key: where the config stands, for messages; ``schedule_key`` that of the schedule, ``network_key``
            that of the network.
        network: what learns.
        cfg: config of an optimiser wrapper, and ``param_scheduler``, one schedule or a list.
        name: of its norms in the log; where it clips, the clipped norm is logged under ``<name>_clipped_norm``.

    Raises:
        ConfigError: the toolbox cannot build it, or it is one of mixed precision.
    """

    def __init__(
        self,
        runner: Runner,
        key: str,
        network: nn.Module,
        cfg: Mapping,
        name: str,
        schedule_key: str | None = None,
        network_key: str = 'the network',
    ) -> None:
        self.key, self.name, self._network = f'{network_key} or {key}', name, network
        cfg = copy.deepcopy(dict(cfg))
        schedule = cfg.pop('param_scheduler', None)
        self.optim_wrapper = build_optim_wrapper(network, cfg)
        if isinstance(self.optim_wrapper, AmpOptimWrapper):
            raise ConfigError(
                f'{key}.type={cfg["type"]!r}: what an objective learns is computed in float32, whatever the '
                "precision of the model, so that it has no loss to scale; set it to 'OptimWrapper'"
            )
        for tensor in network.state_dict().values():
            dist.broadcast(tensor, src=0)
        self.optim_wrapper.grad_name = f'{name}_clipped_norm'
        self.schedule = Schedule(
            runner, schedule_key or f'{key}.param_scheduler', schedule, self.optim_wrapper
        )
        self.take()

    # ---- a step -------------------------------------------------------------------------------

    def backward(self, loss: Tensor) -> bool:
        """Add the gradient of ``loss``, whole or as one part of an accumulated one; whether a step is due."""
        self.optim_wrapper.backward(self.optim_wrapper.scale_loss(loss))
        return self.optim_wrapper.should_update()

    @property
    def gradients(self) -> list[Tensor]:
        return [p.grad for p in self._network.parameters() if p.grad is not None]

    def step(self) -> None:
        self.optim_wrapper.step()

    def zero_grad(self) -> None:
        self.optim_wrapper.zero_grad()

    @property
    def rate(self) -> float:
        """The learning rate that the next step takes."""
        return self.optim_wrapper.param_groups[0]['lr']

    # ---- a state in memory, to go back to -------------------------------------------------------

    def take(self) -> None:
        """Remember what was learned, and what the optimiser has gathered; not the schedule."""
        gathered = self.optim_wrapper.state_dict()['state']
        self.good = copy.deepcopy(dict(network=dict(self._network.state_dict()), gathered=gathered))

    def put_back(self) -> None:
        """To the last state that was remembered; learning rate and the like stay those of now."""
        self._network.load_state_dict(self.good['network'])
        # a copy, because the optimiser goes on in the tensors that it is given
        gathered = copy.deepcopy(self.good['gathered'])
        self.optim_wrapper.load_state_dict({**self.optim_wrapper.state_dict(), 'state': gathered})

    # ---- checkpoint -----------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        return dict(
            network=self._network.state_dict(),
            optim_wrapper=self.optim_wrapper.state_dict(),
            inner_count=self.optim_wrapper.inner_count,
            param_schedulers=self.schedule.state_dict(),
            good=self.good,
        )

    def load_state_dict(self, state: Mapping) -> None:
        """Go on where another run was; states of version 1 and 2 lack the schedules or the last good state.

        Raises:
            ConfigError: it had another network, optimiser or schedule.
        """
        try:
            if problem := unlike(state['optim_wrapper'], self.optim_wrapper.optimizer):
                raise ValueError(problem)
            self._network.load_state_dict(state['network'])
            self.optim_wrapper.load_state_dict(state['optim_wrapper'])
        except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(
                f'the checkpoint to resume was trained with another {self.key} '
                f'({quoted(last_line(error))}); give them the settings of the run that '
                'wrote it'
            ) from error
        self.optim_wrapper._inner_count = state.get('inner_count', 0)
        self.schedule.load_state_dict(state.get('param_schedulers', []))
        if state.get('good'):
            self.good = state['good']
        else:
            self.take()


def step_together(
    losses: Mapping[Learner, Tensor],
    signs: Tensor,
    judge: Callable[[Tensor, dict[Learner, Tensor]], Iterable[Learner]],
) -> dict[Learner, Tensor]:
    """Learn from the losses: one message between the processes, one verdict, then the steps that it allows.

    All processes hold the same weights, so their gradients are averaged right before a step, and only then.

    Args:
        signs: what the verdict is on, averaged in place along with the gradients.
        judge: gets the signs, and the gradients' norms of those that are about to step; says who may go on.

    Returns:
        The norm of each gradient before clipping, of those that were about to step.
    """
    due = [learner for learner, loss in losses.items() if learner.backward(loss)]
    gradients = [gradient for learner in due for gradient in learner.gradients]
    if gradients:
        dist.all_reduce_params([*gradients, signs], op='mean')
    else:
        dist.all_reduce(signs, op='mean')
    norms = {learner: torch.nn.utils.get_total_norm(learner.gradients) for learner in due}
    allowed = set(judge(signs, norms))
    for learner in losses:
        if learner in due and learner in allowed:
            learner.step()
        if learner in due or learner not in allowed:  # what has been accumulated may hold the fault
            learner.zero_grad()
    return norms
