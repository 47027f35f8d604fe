"""Losses of (student, teacher) beside mutual information; one with parameters of its own learns them."""

from collections.abc import Sequence

import torch
from mmengine.registry import MODELS
from torch import Tensor, nn

from ..host.learner import build_optimiser, update
from ..objectives.energy.critic import frozen
from ..utils.checks import require_number
from ..utils.errors import ConfigError
from .pair import Pair

OWN_KEYS = ('layer', 'optim_wrapper', 'until')  # of an entry of `terms`; the rest is the module's config


class Term:
    """One entry of ``default_hooks.distill.terms``: a registered module of (student, teacher) -> scalar.

    A module with trainable parameters is, like the critic, a model of the teacher given the student: there
    is one for each pair, it takes a step of its own on constants, and it is frozen while the student's
    loss is computed with it. A module without is shared by all pairs and only called.

    Args:
        name: its key in ``terms``.
        cfg: the module's config, and ``layer``, whose features it gets in place of the images,
            ``optim_wrapper`` of what it learns, and ``until``, a share of the training in (0, 1]: its weight
            falls linearly, from all of it to none then, and what is left of the training is the student's own.
        optim_cfg: default of ``optim_wrapper``.
    """

    def __init__(
        self, name: str, cfg: dict, optim_cfg: dict, pairs: Sequence[Pair], device: torch.device
    ) -> None:
        key, cfg = f'default_hooks.distill.terms.{name}', dict(cfg)
        self._layer, own_optim_cfg, self._until = (cfg.pop(own, None) for own in OWN_KEYS)
        if self._until is not None:
            require_number(f'{key}.until', self._until, above=0, most=1)
        loss = _build(key, cfg)
        self.learns = any(p.requires_grad for p in loss.parameters())
        if own_optim_cfg and not self.learns:
            raise ConfigError(f'{key}: {cfg["type"]} has nothing to learn; leave `optim_wrapper` out')
        losses = [loss, *(_build(key, cfg) if self.learns else loss for _ in pairs[1:])]
        self.losses = nn.ModuleDict(zip((pair.name for pair in pairs), losses, strict=True)).to(device)
        if self._layer:
            for pair in pairs:
                pair.watch(self._layer)
        if self.learns:
            self._optim_wrapper = build_optimiser(
                f'{key}.optim_wrapper', self.losses, own_optim_cfg or optim_cfg, name=f'{name}_clipped_norm'
            )

    def weight(self, progress: float) -> float:
        """By what its value is multiplied when this share of the training is over."""
        return 1.0 if self._until is None else max(0.0, 1 - progress / self._until)

    def __call__(self, pairs: Sequence[Pair]) -> Tensor:
        """The sum over the pairs, differentiable in the students' images only."""
        made = {pair.name: [x.float() for x in pair.outputs(self._layer)] for pair in pairs}
        if self.learns:
            constants = {name: [x.detach() for x in outputs] for name, outputs in made.items()}
            update(self._optim_wrapper, self.losses.parameters(), self._total(constants))
        with frozen(self.losses):
            return self._total(made)

    def _total(self, made: dict[str, list[Tensor]]) -> Tensor:
        return sum(self.losses[name](*outputs) for name, outputs in made.items())

    def state_dict(self) -> dict:
        """Of one that learns: what it has learned so far, and its optimiser."""
        return dict(
            losses=self.losses.state_dict(),
            optim_wrapper=self._optim_wrapper.state_dict(),
            inner_count=self._optim_wrapper.inner_count,
        )

    def load_state_dict(self, state: dict) -> None:
        self.losses.load_state_dict(state['losses'])
        self._optim_wrapper.load_state_dict(state['optim_wrapper'])
        self._optim_wrapper._inner_count = state['inner_count']


def _build(key: str, cfg: dict) -> nn.Module:
    try:
        return MODELS.build(cfg)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, KeyError) and 'registry' in str(error):
            raise ConfigError(
                f'{key}.type={cfg.get("type")!r} is not known: correct its spelling, or import the module that '
                'has it'
            ) from None
        raise ConfigError(f'{key}: {" ".join(str(error).split())}') from error
