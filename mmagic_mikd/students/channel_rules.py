"""What a function does with channels: the units of what it makes from those of what it is given."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map_only

# name of the function -> rule(tracer, function, args, kwargs, tensors it made) -> their units
Ids = list[Tensor | None]
NOTHING = -1  # what belongs to no layer, as the channels of the network's input


def moved(tracer: Any, function: Callable, args: tuple, kwargs: dict, made: list[Tensor]) -> Ids:
    """It moves elements: so do their numbers."""
    first, *rest = args
    ids = tracer.ids_of(first)
    if ids is None:
        return [None] * len(made)
    # contiguous, since a view of numbers that are stretched over places may not exist
    found = function(ids.contiguous(), *rest, **kwargs)
    return [leaf for leaf in tree_leaves(found) if isinstance(leaf, Tensor)]


def fresh(tracer: Any, function: Callable, args: tuple, kwargs: dict, made: list[Tensor]) -> Ids:
    """It asks a tensor for no more than its size or type."""
    return [None] * len(made)


def same(tracer: Any, function: Callable, args: tuple, kwargs: dict, made: list[Tensor]) -> Ids:
    """The same tensor, in another form."""
    ids = tracer.ids_of(args[0])
    return [ids if ids is not None and ids.shape == x.shape else None for x in made]


def looked_up(tracer: Any, function: Callable, args: tuple, kwargs: dict, made: list[Tensor]) -> Ids:
    """Rows of a table, as those of a conditional norm are."""
    ids = tracer.ids_of(args[1])
    return [None if ids is None else ids.select(0, 0).expand(made[0].shape)]


def joined(tracer: Any, function: Callable, args: tuple, kwargs: dict, made: list[Tensor]) -> Ids:
    """It puts tensors side by side."""
    args, kwargs = tree_map_only(Tensor, tracer.all_ids_of, (args, kwargs))
    return [function(*args, **kwargs)]


def elementwise(tracer: Any, function: Callable, args: tuple, kwargs: dict, made: list[Tensor]) -> Ids:
    """What meets at one place belongs together; what is the same for all channels belongs to none."""
    shape, result = made[0].shape, None
    for x in tree_leaves((args, kwargs)):
        ids = tracer.ids_of(x)
        if ids is None:
            continue
        ids = ids.reshape([1] * (len(shape) - ids.dim()) + list(ids.shape))
        result = ids if result is None else _meet(tracer.units, result, ids)
    return [result.expand(shape) if result.dim() == len(shape) else None]


def _meet(units: Any, a: Tensor, b: Tensor) -> Tensor:
    for one, other in ((a, b), (b, a)):
        stretched = [d for d in range(a.dim()) if one.shape[d] == 1 < other.shape[d]]
        if any(units.differ(other, dimension) for dimension in stretched):
            return other  # a map of attention, say: one number for all channels
    a, b = torch.broadcast_tensors(a, b)
    units.unite(a, b)
    return torch.maximum(a, b) if NOTHING in (int(a.min()), int(b.min())) else a


def by_channel(tracer: Any, function: Callable, args: tuple, kwargs: dict, made: list[Tensor]) -> Ids:
    """It looks at the places around in each channel."""
    ids = tracer.ids_of(args[0] if args else kwargs['input'])
    if ids is None or made[0].dim() != ids.dim() or made[0].shape[1] != ids.shape[1]:
        return [None] * len(made)
    units = tracer.units.along(ids, 1)
    return [units.reshape(1, -1, *[1] * (x.dim() - 2)).expand(x.shape) for x in made]


def reduced(tracer: Any, function: Callable, args: tuple, kwargs: dict, made: list[Tensor]) -> Ids:
    """A mean, or the like, over some dimensions; over channels it mixes them."""
    ids = tracer.ids_of(args[0])
    if ids is None:
        return [None] * len(made)
    rest = [x for x in args[1:] if isinstance(x, int | tuple | list) and not isinstance(x, bool)]
    dims = kwargs.get('dim', rest[0] if rest else range(ids.dim()))
    for dimension in sorted({d % ids.dim() for d in ([dims] if isinstance(dims, int) else dims)}):
        if tracer.units.differ(ids, dimension):
            tracer.units.mix(ids, f'`{function.__name__}` is over all channels')
        ids = ids.narrow(dimension, 0, 1)
    return [ids.reshape(x.shape) if ids.numel() == x.numel() else None for x in made]


def normalised(tracer: Any, function: Callable, args: tuple, kwargs: dict, made: list[Tensor]) -> Ids:
    """A softmax, or a division by a norm, along one dimension."""
    ids = tracer.ids_of(args[0])
    dimension = kwargs.get('dim', next((x for x in reversed(args[1:]) if isinstance(x, int)), 1))
    if ids is not None and tracer.units.differ(ids, dimension):
        tracer.units.mix(ids, f'`{function.__name__}` is over all channels')
    return [ids]


def product(tracer: Any, function: Callable, args: tuple, kwargs: dict, made: list[Tensor]) -> Ids:
    """A product of matrices: of queries and keys, whose channels are paired, or of weights and values."""
    units, (a, b) = tracer.units, (tracer.all_ids_of(x) for x in args[:2])
    rows, columns = units.differ(a, -2), units.differ(b, -1)
    if units.differ(a, -1) or units.differ(b, -2):  # it sums over channels
        if rows or columns or (a.min() < 0) or (b.min() < 0):
            units.mix(a, 'a product of matrices sums over them')
            units.mix(b, 'a product of matrices sums over them')
            return [None]
        units.unite(a.select(-2, 0), b.select(-1, 0))
        _heads(units, a.select(-2, 0))
        return [None]
    if rows and columns:
        units.mix(a, 'a product makes a matrix of channels')
        units.mix(b, 'a product makes a matrix of channels')
        return [None]
    ids = a[..., :1] if rows else b[..., :1, :]
    _heads(units, ids.flatten(-2))
    return [ids.expand(made[0].shape)]


def _heads(units: Any, ids: Tensor) -> None:
    """Of (..., head, channel): units of different heads are not to be exchanged."""
    if ids.dim() > 1 and units.differ(ids, -2):
        units.divide(ids.reshape(-1, *ids.shape[-2:])[0])


def _table(rule: Callable, names: str) -> dict[str, Callable]:
    return dict.fromkeys(names.split(), rule)


RULES: dict[str, Callable] = {
    **_table(
        moved,
        'view reshape flatten permute transpose unsqueeze squeeze expand expand_as chunk split '
        'unbind narrow select getitem roll pixel_shuffle pixel_unshuffle repeat flip movedim unflatten '
        'index_select t swapaxes view_as reshape_as',
    ),
    **_table(
        fresh,
        'new_empty new_zeros new_ones new_full new_tensor zeros_like ones_like empty_like full_like rand_like '
        'randn_like new',
    ),
    **_table(looked_up, 'embedding'),
    **_table(joined, 'cat concat concatenate stack'),
    **_table(
        elementwise,
        'relu relu6 leaky_relu elu selu celu gelu silu mish hardswish hardsigmoid sigmoid logsigmoid tanh '
        'softplus clamp clip dropout dropout2d dropout3d feature_dropout alpha_dropout neg abs exp sqrt rsqrt '
        'square pow add sub mul div iadd isub imul idiv itruediv radd rsub rmul rtruediv truediv rdiv '
        'addcmul lerp maximum minimum where masked_fill sin cos nan_to_num',
    ),
    **_table(same, 'clone detach to float half double type type_as contiguous get'),
    **_table(
        by_channel,
        'interpolate upsample pad avg_pool2d max_pool2d adaptive_avg_pool2d adaptive_max_pool2d '
        'max_pool2d_with_indices avg_pool3d max_pool3d adaptive_avg_pool3d lp_pool2d grid_sample '
        'instance_norm batch_norm boolean_dispatch fn',
    ),
    **_table(reduced, 'mean sum var std norm amax amin max min'),
    **_table(normalised, 'softmax log_softmax normalize'),
    **_table(product, 'matmul bmm rmatmul'),
}
