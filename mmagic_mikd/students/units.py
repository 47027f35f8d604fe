"""Which channels of which weights belong together, found by following them through one call of a network."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakTensorKeyDictionary

from .channel_rules import NOTHING, RULES
from .layer_rules import Layer, rule_of

Axis = tuple[str, int]  # name of a weight, one of its dimensions


class Units:
    """The channels of a network by what has to be kept or left out together, called units here.

    Attributes:
        axes: dimension of a weight -> the unit of each of its entries, or -1.
        outputs: those of ``axes`` that make channels: the outputs of layers.
        inputs: those that read channels.
        scales: those of affine norms.
        heads: the parts to which a unit belongs: (number of a division, such as that of an attention into
            heads, number of the part in it).
        mixed: units whose number cannot change without changing what the others mean, and why.
    """

    def __init__(self) -> None:
        self.axes: dict[Axis, Tensor] = {}
        self.outputs: set[Axis] = set()
        self.inputs: set[Axis] = set()
        self.scales: set[Axis] = set()
        self.heads: dict[int, set[tuple[int, int]]] = defaultdict(set)
        self.mixed: dict[int, str] = {}
        self._roots = torch.empty(0, dtype=torch.long)
        self._divisions = 0
        self._noted: dict[tuple[int, int], Tensor] = {}

    def new(self, count: int) -> Tensor:
        made = torch.arange(len(self._roots), len(self._roots) + count)
        self._roots = torch.cat([self._roots, made])
        return made

    def roots(self, ids: Tensor) -> Tensor:
        """The same, with one number for what has been found to be one unit."""
        return torch.cat([self._roots, torch.tensor([NOTHING])])[ids]

    def unite(self, a: Tensor, b: Tensor) -> None:
        """What stands at the same place belongs together."""
        a, b, count = self.roots(a), self.roots(b), len(self._roots)
        met = (a != b) & (a >= 0) & (b >= 0)
        for code in (
            a[met] * count + b[met]
        ).unique():  # one number for a pair, since whole pairs sort slowly
            first, second = self.roots(torch.stack([code // count, code % count])).tolist()
            self._roots[self._roots == max(first, second)] = min(first, second)

    def mix(self, ids: Tensor, reason: str) -> None:
        for unit in self.roots(ids).unique().tolist():
            if unit >= 0:
                self.mixed.setdefault(unit, reason)

    def divide(self, parts: Tensor) -> None:
        """Units (part, channel) of which each part keeps as many as the others."""
        self._divisions += 1
        for number, ids in enumerate(parts):
            for unit in self.roots(ids).unique().tolist():
                self.heads[unit].add((self._divisions, number))

    def note(self, axis: Axis, weight: Tensor, ids: Tensor) -> None:
        """The units along a dimension of a weight; of one that is used again, or by two names, the same."""
        self.unite(self._noted.setdefault((id(weight), axis[1]), ids), ids)
        self.axes[axis] = ids

    def differ(self, ids: Tensor, dimension: int) -> bool:
        """Whether units change along a dimension."""
        ids = self.roots(ids)
        return bool((ids != ids.narrow(dimension, 0, 1)).any())

    def along(self, ids: Tensor, dimension: int) -> Tensor:
        """The unit of each channel; what lies within one channel, as after a pixel shuffle, is one unit."""
        rows = ids.movedim(dimension, 0).flatten(1)
        best = rows.max(1).values
        self.unite(rows, best[:, None].expand_as(rows))
        return self.roots(best)

    def finished(self) -> 'Units':
        """With the final number of each unit everywhere."""
        self.axes = {axis: self.roots(ids) for axis, ids in self.axes.items()}
        heads, self.heads = self.heads, defaultdict(set)
        for unit, parts in heads.items():
            self.heads[self._root(unit)] |= parts
        self.mixed = {self._root(unit): reason for unit, reason in self.mixed.items()}
        return self

    def _root(self, unit: int) -> int:
        return int(self.roots(torch.tensor(unit)))


def follow(network: nn.Module, call: Callable[[nn.Module], Any], other: Mapping[str, Tensor]) -> Units:
    """The units of a network.

    Args:
        call: runs it once.
        other: weights of the network with which it will be compared: a weight that no layer of a known kind
            owns has channels where the sizes of the two differ.
    """
    tracer = _Tracer(network, other)
    with torch.no_grad(), tracer.layers(), tracer:
        call(network)
    return tracer.units.finished()


class _Tracer(TorchFunctionMode):
    """Carries, beside each tensor, the unit of each of its elements."""

    def __init__(self, network: nn.Module, other: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.units = Units()
        self._network, self._other = network, other
        self._ids = WeakTensorKeyDictionary()
        self._quiet = 0
        known = {path for path, module in network.named_modules() if rule_of(module)}
        for name, weight in network.named_parameters(remove_duplicate=False):
            if not any(name.startswith(f'{path}.') for path in known):
                self._own(name, weight)

    def _own(self, name: str, weight: Tensor) -> None:
        """A weight that a module adds or multiplies itself: its channels make what they meet."""
        theirs = self._other.get(name)
        if theirs is None or theirs.dim() != weight.dim():
            return
        dims = [
            i for i, sizes in enumerate(zip(weight.shape, theirs.shape, strict=True)) if len({*sizes}) > 1
        ]
        if len(dims) == 1:
            ids = self.units.new(weight.shape[dims[0]])
            self.units.note((name, dims[0]), weight, ids)
            self._ids[weight] = shaped(ids, dims[0], weight.shape)

    def ids_of(self, tensor: Any) -> Tensor | None:
        return self._ids.get(tensor) if isinstance(tensor, Tensor) else None

    def all_ids_of(self, tensor: Tensor) -> Tensor:
        ids = self.ids_of(tensor)
        return torch.full(tensor.shape, NOTHING) if ids is None else ids

    def __torch_function__(self, function: Any, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        before = [self.ids_of(leaf) for leaf in tree_leaves((args, kwargs))]
        out = function(*args, **kwargs)
        made = [leaf for leaf in tree_leaves(out) if isinstance(leaf, Tensor)]
        if self._quiet or not made or all(ids is None for ids in before):
            return out
        for tensor, ids in zip(made, self._made(function, args, kwargs, made), strict=True):
            if ids is not None:
                self._ids[tensor] = ids
            else:
                self._ids.pop(tensor, None)
        return out

    def _made(self, function: Any, args: tuple, kwargs: dict, made: list[Tensor]) -> list[Tensor | None]:
        """The units of what a function has made; those that it was given are mixed where it is not known."""
        name = getattr(function, '__name__', str(function)).strip('_')
        try:
            found = RULES[name](self, function, args, kwargs, made)
            if len(found) == len(made):
                return found
        except KeyError:
            if not made[0].dtype.is_floating_point:
                return [None] * len(made)
        except (RuntimeError, IndexError, TypeError, ValueError, AttributeError):
            pass  # called in a way that its rule does not foresee
        for leaf in tree_leaves((args, kwargs)):
            if (ids := self.ids_of(leaf)) is not None:
                self.units.mix(ids, f'`{name}` is not known to keep channels apart')
        return [None] * len(made)

    # ---- layers of known kinds ------------------------------------------------------------------

    @contextmanager
    def layers(self) -> Iterator[None]:
        """Let each layer of a known kind say itself what its weights do with channels."""
        with ExitStack() as undo:
            for path, module in self._network.named_modules():
                if rule := rule_of(module):
                    vars(module)['forward'] = partial(self._layer, rule, path, module)
                    undo.callback(vars(module).pop, 'forward')
            yield

    def _layer(self, rule: Callable, path: str, module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        self._quiet += 1
        try:
            out = type(module).forward(module, *args, **kwargs)
            inputs = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
            ids, dimension = rule(Layer(self.units, path, module), *map(self.all_ids_of, inputs))
            self._ids[out] = shaped(ids, dimension, out.shape)
        finally:
            self._quiet -= 1
        return out


def shaped(ids: Tensor, dimension: int, shape: torch.Size) -> Tensor:
    """One number for each channel, as large as the tensor that has these channels."""
    view = [1] * len(shape)
    view[dimension] = -1
    return ids.reshape(view).expand(shape)
