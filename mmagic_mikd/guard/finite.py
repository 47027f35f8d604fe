"""Is what a checkpoint would hold worth keeping: are all its numbers finite?"""

from collections.abc import Iterable, Mapping

import torch
from mmengine import dist
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from ..host.learner import Learner
from ..host.locate import wrappers_of
from ..host.taps import unwrap


def not_finite(runner: Runner, trained: Mapping[str, nn.Module], learners: Iterable[Learner]) -> str | None:
    """What of model, optimisers and all that learns along is not finite, for a sentence; None if nothing is.

    The same in every process, which all have to ask; one device sync.
    """
    wrappers = wrappers_of(runner.optim_wrapper)
    parts = {'the model': _of_module(unwrap(runner.model))}
    parts |= {f'what {name} learns': _of_module(module) for name, module in trained.items()}
    parts |= {f'the optimiser of {learner.key}': _gathered(learner.optim_wrapper) for learner in learners}
    parts |= {f'the optimiser {name}'.strip(): _gathered(each) for name, each in wrappers.items()}
    broken = torch.stack([_any(part, next(runner.model.parameters())) for part in parts.values()])
    dist.all_reduce(broken, op='max')
    return next((name for name, found in zip(parts, broken.tolist(), strict=True) if found), None)


def _of_module(module: nn.Module) -> list[Tensor]:
    """Truth values; a buffer may hold the infinities of a mask."""
    buffers = [buffer.isnan().any() for buffer in module.buffers() if buffer.is_floating_point()]
    return [(~p.detach().isfinite()).any() for p in module.parameters()] + buffers


def _gathered(optim_wrapper: OptimWrapper) -> list[Tensor]:
    states = optim_wrapper.optimizer.state_dict()['state'].values()
    tensors = [value for state in states for value in state.values() if isinstance(value, Tensor)]
    return [(~tensor.isfinite()).any() for tensor in tensors]


def _any(seen: list[Tensor], like: Tensor) -> Tensor:
    return torch.stack([each.to(like.device) for each in seen] or [like.new_zeros(()).bool()]).any().float()
