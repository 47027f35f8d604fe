"""How a network of ours beside the model, such as the critic, learns: by a wrapper of the toolbox."""

from collections.abc import Callable, Iterable, Sequence

import torch
from mmengine import dist
from mmengine.optim import AmpOptimWrapper, OptimWrapper, build_optim_wrapper
from torch import Tensor, nn

from ..utils.errors import ConfigError


def build_optimiser(key: str, network: nn.Module, cfg: dict, name: str) -> OptimWrapper:
    """The optimiser wrapper of ``network`` from its config at ``key``; every process starts with equal weights.

    Where it clips, it logs the norm that it clips under ``name``, apart from those of the model's wrappers.

    Raises:
        ConfigError: it is one of mixed precision.
    """
    optim_wrapper = build_optim_wrapper(network, cfg)
    if isinstance(optim_wrapper, AmpOptimWrapper):
        raise ConfigError(
            f'{key}.type={cfg["type"]!r}: the critic computes in float32, whatever the precision of the '
            "model, so that it has no loss to scale; set it to 'OptimWrapper'"
        )
    for tensor in network.state_dict().values():
        dist.broadcast(tensor, src=0)
    optim_wrapper.grad_name = name
    return optim_wrapper


def update(
    optim_wrapper: OptimWrapper,
    parameters: Iterable[Tensor],
    loss: Tensor,
    passengers: Sequence[Tensor] = (),
    may_step: Callable[[Tensor], bool] = lambda norm: True,
) -> Tensor | None:
    """Learn from ``loss``, in a step or as one part of an accumulated one.

    All processes hold the same weights, so their gradients are averaged right before the step, and only then.

    Args:
        passengers: further tensors to be averaged, in place, along with the gradients.
        may_step: gets the norm, once all is averaged; if it says no, the gradients are dropped.

    Returns:
        The norm of the averaged gradient before clipping; None if there was no step.
    """
    optim_wrapper.backward(optim_wrapper.scale_loss(loss))
    if not optim_wrapper.should_update():
        return None
    gradients = [p.grad for p in parameters if p.grad is not None]
    dist.all_reduce_params([*gradients, *passengers], op='mean')
    norm = torch.nn.utils.get_total_norm(gradients)
    if may_step(norm):
        optim_wrapper.step()
    optim_wrapper.zero_grad()
    return norm
