"""Mutual information in training: the critics and what trains them, and the order chain, critic step, bound."""

from collections.abc import Sequence
from functools import partial

import torch
from mmengine.registry import MODELS
from mmengine.runner import Runner
from torch import Tensor, nn

from ..guard import DivergenceGuard
from ..host.learner import build_optimiser, update
from ..host.schedule import Schedule
from ..host.taps import admitted
from ..objectives import MIDistillLoss
from ..objectives.energy.chain_record import ChainRecord
from ..objectives.energy.critic import frozen
from ..objectives.energy.langevin import STARTS, STEP_SIZE, langevin
from ..utils.errors import ConfigError
from .pair import Pair


class MutualInformation:
    """One critic for each pair, their optimiser and its schedule; called once for each update of the student.

    Args:
        runner: builds the schedule.
        pairs: all pairs that will ever be given.
        loss: the bound.
        critic: config of :class:`EnergyCritic`.
        optim_wrapper: config of the critics' optimiser wrapper, and ``param_scheduler`` of its schedules.
        sampler: ``start``, a name in :data:`mmagic_mikd.langevin.STARTS`, and arguments of :func:`langevin`.
        noise: source of the chain's noise.
        guard: told what happens, and asked whether to go on.
        log: gets the values of the iteration, by name.
        key: where these configs stand, for messages.
    """

    def __init__(
        self,
        runner: Runner,
        pairs: Sequence[Pair],
        loss: MIDistillLoss,
        critic: dict,
        optim_wrapper: dict,
        param_scheduler: dict | Sequence[dict] | None,
        sampler: dict,
        noise: torch.Generator,
        guard: DivergenceGuard,
        log: dict[str, Tensor],
        key: str,
    ) -> None:
        self.loss, self._noise = loss, noise
        self._sampler = dict(sampler)
        start = self._sampler.pop('start', 'student')
        if start == 'shuffled' and runner.train_dataloader.batch_size == 1:
            raise ConfigError(
                f'{key}.sampler.start={start!r} takes the image of another sample of the batch, and '
                "train_dataloader.batch_size is 1: set it to 2 or more, or start='student'"
            )
        self._start_name, self._start = STARTS[start]
        self._guard, self._log, self._key = guard, log, key
        self.critics = nn.ModuleDict({pair.name: MODELS.build(critic) for pair in pairs}).to(noise.device)
        self.optim_wrapper = build_optimiser(
            f'{key}.optim_wrapper', self.critics, optim_wrapper, name='critic_clipped_norm'
        )
        self.schedule = Schedule(runner, f'{key}.param_scheduler', param_scheduler, self.optim_wrapper)
        step_size = sampler.get('step_size', STEP_SIZE)
        guard.protect(self.critics, self.optim_wrapper, loss.loss_weight, step_size)
        self.records: dict[str, ChainRecord] = {}  # of the chains that someone wants to see, by pair

    def __call__(self, pairs: Sequence[Pair]) -> Tensor | float:
        """Chain, critic step, then the bound with the updated critic and the same samples.

        Returns:
            The bound's part of the student's loss, differentiable in the students' images only; 0 where
            its weight is 0 or the guard forbids it.
        """
        samples, critic_losses = [], []
        for pair in pairs:
            critic = self.critics[pair.name]
            t = pair.to_unit(pair.target(self.loss.target))
            s = self._watched(pair, t)
            start = self._start(t, s).detach()
            with frozen(critic):
                record = self.records.get(pair.name)
                energy = critic.given(s.detach())
                energy = record.watching(energy, self._start_name) if record else energy
                watch = partial(self._guard.watch_chain, start)
                t_neg = langevin(energy, start, generator=self._noise, watch=watch, **self._sampler)
            critic_loss, energies = self.loss.critic_loss(critic, t, s, t_neg)
            self._guard.watch_critic(critic_loss, energies, self.loss.critic_floor)
            if record:
                record.end(t_neg, t, energies)
            samples.append((critic, t, s, t_neg))
            critic_losses.append(critic_loss)
            self._record(
                pair,
                energy_t=energies.t,
                energy_neg=energies.t_neg,
                energy_gap=energies.t_neg - energies.t,
                chain_drift=(t_neg - start).abs(),
                distance=(t - s).abs(),
                loss_critic=critic_loss,
            )
        self._update_critics(sum(critic_losses))
        if not self._guard.goes_on or self.loss.loss_weight == 0:
            return 0.0
        with frozen(self.critics):
            loss_mi = sum(self.loss(*sample) for sample in samples)
        self._log['loss_mi'] = loss_mi.detach()
        return loss_mi

    def _update_critics(self, loss: Tensor) -> None:
        """Unless the guard, whose signs travel with the gradients, forbids it."""
        signs = self._guard.signs(loss.device)
        judge = partial(self._guard.judge, signs)
        norm = update(self.optim_wrapper, self.critics.parameters(), loss, [signs], judge)
        if norm is not None:
            self._log['critic_grad_norm'] = norm
        elif not judge():  # between two steps: what has been accumulated holds the fault
            self.optim_wrapper.zero_grad()

    def _watched(self, pair: Pair, t: Tensor) -> Tensor:
        """The student's image as the bound sees it, in [-1, 1]; the log gets weight and way of its gradient."""
        if self.loss.loss_weight == 0:
            return pair.to_unit(pair.s)

        def admits(part: Tensor, rest: Tensor) -> Tensor:
            self._record(pair, mi_grad_ratio=part / rest)
            return self._guard.admits(part, rest)

        image = pair.to_unit(admitted(pair.s, admits))
        s = image.view_as(image)  # hooks of its own: those of `admitted` withhold the gradient
        way = (t - s).detach().flatten(1)

        def note(gradient: Tensor) -> None:
            self._record(pair, mi_towards=torch.cosine_similarity(-gradient.flatten(1), way))

        s.register_hook(note)
        return s

    def _record(self, pair: Pair, **values: Tensor) -> None:
        suffix = f'_{pair.name}' if len(self.critics) > 1 else ''
        self._log.update({k + suffix: value.detach().mean() for k, value in values.items()})

    def state_dict(self) -> dict:
        return dict(
            critics=self.critics.state_dict(),
            optim_wrapper=self.optim_wrapper.state_dict(),
            inner_count=self.optim_wrapper.inner_count,
            param_schedulers=self.schedule.state_dict(),
        )

    def load_state_dict(self, state: dict) -> None:
        """Go on where another run was.

        Raises:
            ConfigError: it had another critic, optimiser or schedule.
        """
        try:
            self.critics.load_state_dict(state['critics'])
            self.optim_wrapper.load_state_dict(state['optim_wrapper'])
        except (RuntimeError, ValueError, KeyError) as error:
            raise ConfigError(
                f'the checkpoint to resume was trained with another {self._key}.critic or optim_wrapper '
                f'({str(error).strip().splitlines()[-1].strip()}); give them the settings of the run that '
                'wrote it'
            ) from error
        self.optim_wrapper._inner_count = state.get('inner_count', 0)
        self.schedule.load_state_dict(state.get('param_schedulers', []))
