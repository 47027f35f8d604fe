"""Where in a file the weights of a network are: every layout that trainers write, under whatever prefix."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..compat.safe_load import unusable

# what stands beside the weights; a critic's are in 'mikd'
NO_WEIGHTS = re.compile(r'(optim\w*|\w*sched\w*|message_hub|mikd|meta|hyper_parameters|callbacks|loops)$')
AVERAGED = re.compile(r'(^|[._])ema($|[._])')
COUNTER = 'num_batches_tracked'  # of no use in evaluation, and absent from old files


class Entry(NamedTuple):
    """Tensors of a file under one prefix: ``name`` as in `teacher.entry`, ``path`` within the model."""

    name: str
    path: str
    tensors: dict[str, Tensor]
    problem: str | None
    matching: int

    @property
    def averaged(self) -> bool:
        # MMEngine's EMAHook writes the averages as `state_dict`, and what it trains as `ema_state_dict`
        return bool(AVERAGED.search(self.name.replace('ema_state_dict', '')))


def dictionaries(content: Any, name: str = '') -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Every dictionary of the file that has tensors, by its keys; 'module' and '_orig_mod' of wrappers go."""
    if not isinstance(content, Mapping):
        return
    named = {key: value for key, value in content.items() if isinstance(key, str)}
    tensors = {re.sub(r'(^|\.)_orig_mod(?=\.)', '', key).lstrip('.'): v for key, v in named.items()}
    tensors = {key: value for key, value in tensors.items() if isinstance(value, Tensor)}
    if tensors:
        yield name, tensors
    for key, value in named.items():
        if isinstance(value, Mapping) and not NO_WEIGHTS.match(key) and name.count('.') < 3:
            yield from dictionaries(value, f'{name}.{key}'.lstrip('.'))


def entries(content: Any, wanted: Mapping[str, Tensor]) -> list[Entry]:
    """All places of a file that have names of ``wanted``, those with most of them first."""
    found = []
    for name, tensors in dictionaries(content):
        prefixes = Counter(
            key[:cut]
            for key in tensors
            for cut in (0, *(match.end() for match in re.finditer(r'\.', key)))
            if key[cut:] in wanted
        )
        for prefix in prefixes:
            part = {key.removeprefix(prefix): v for key, v in tensors.items() if key.startswith(prefix)}
            matching = sum(key in part and part[key].shape == value.shape for key, value in wanted.items())
            whole, own = '.'.join(filter(None, [name, prefix.rstrip('.')])), wanted.keys() & part.keys()
            problem = mismatch(wanted, part)
            found.append(Entry(whole, _path(prefix), {key: part[key] for key in own}, problem, matching))
    return sorted(found, key=lambda entry: -entry.matching)


def choose(found: list[Entry], path: str) -> list[Entry]:
    """Of entries that fit, those with the best right to be the network at ``path``; several if none stands out.

    Its own averages come first, then its own weights, then averages and weights under foreign names; never
    another generator of a model with several.
    """
    fitting = [entry for entry in found if entry.problem is None and not _another(entry, path)]
    ranks = {entry.name: _rank(entry, path) for entry in fitting}
    best = [entry for entry in fitting if ranks[entry.name] == min(ranks.values())]
    return best[:1] if all(_equal(best[0].tensors, each.tensors) for each in best) else best


def named(found: list[Entry], entry: str) -> list[Entry]:
    """Those that the user means; the outer 'state_dict' may be left out."""
    return [each for each in found if entry in (each.name, each.name.removeprefix('state_dict.'))]


def names(content: Any) -> str:
    """What a file holds, for a sentence: its dictionaries, and what their keys begin with."""
    parts = {
        name: ', '.join(dict.fromkeys(key.partition('.')[0] for key in tensors))
        for name, tensors in dictionaries(content)
    }
    said = [f'{name}: {heads}' if name not in ('', 'state_dict') else heads for name, heads in parts.items()]
    text = '; '.join(said) or 'nothing'
    return text if len(text) <= 120 else f'{text[:117]}...'


def mismatch(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> str | None:
    """How tensors differ from those of a network, for a sentence; None if they can be loaded."""
    missing = [key for key in wanted if key not in found and not key.endswith(COUNTER)]
    if missing:
        return f'{len(missing)} of {len(wanted)} weights are missing, the first is {missing[0]!r}'
    for key, tensor in wanted.items():
        other = found.get(key, tensor)
        if tensor.shape != other.shape:
            return f'{key!r} has shape {tuple(other.shape)}, wanted {tuple(tensor.shape)}'
        if kind := unusable(other):
            return f'{key!r} is a {kind} tensor'
        if tensor.is_floating_point() and not other.is_floating_point():
            return f'{key!r} holds whole numbers ({str(other.dtype).removeprefix("torch.")}), no weights'
    more = [key for key in found if _continues(key, wanted)]
    return f'it has {len(more)} more weights, the first is {more[0]!r}' if more else None


def _continues(key: str, wanted: Mapping[str, Tensor]) -> bool:
    """Whether it is of one more block of a kind that the network has: block 6 where that ends with 5."""
    for number in re.finditer(r'(?<=\.)\d+(?=\.)', key):
        head, tail = key[: number.start()], key[number.end() :]
        more = any(name.startswith(f'{head}{number[0]}.') for name in wanted)
        if not more and f'{head}{int(number[0]) - 1}{tail}' in wanted:
            return not key.endswith(COUNTER)
    return False


def _path(prefix: str) -> str:
    """A prefix as a path in a model, without the wrappers."""
    return '.'.join(part for part in prefix.split('.') if part not in ('', 'module'))


def _another(entry: Entry, path: str) -> bool:
    mine, theirs = path.partition('.'), entry.path.partition('.')
    return mine[0] == theirs[0] == 'generators' and mine != theirs


def _rank(entry: Entry, path: str) -> tuple[bool, ...]:
    own = entry.path in (path, f'{path}_ema', '')
    return 'ema_state_dict' in entry.name, not own, not entry.averaged, entry.path == ''


def _equal(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(
        tensor.dtype == other[key].dtype and torch.equal(tensor, other[key]) for key, tensor in one.items()
    )
