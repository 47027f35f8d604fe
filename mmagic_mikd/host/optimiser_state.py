"""The saved state of an optimiser: does it belong to this one, and where are its counters to lie?"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor
from torch.optim import Optimizer


def unlike(saved: Any, optimizer: Optimizer) -> str | None:
    """How a saved state differs from that of an optimiser, for a sentence; None if it can be loaded.

    torch takes the state of another type of optimiser without a word.
    Of other settings a version of torch may have more or fewer; another type has some that this one lacks, and
    lacks some of this one.
    """
    if not isinstance(saved, Mapping) or not isinstance(saved.get('state'), Mapping):
        return 'it is no state of an optimiser'
    groups, own = saved.get('param_groups'), optimizer.param_groups
    if not isinstance(groups, list) or not all(isinstance(group, Mapping) for group in groups):
        return 'it has no groups of parameters'
    sizes = [len(group.get('params', ())) for group in groups]
    if sizes != [len(group['params']) for group in own]:
        return f'it is of {sum(sizes)} parameters in {len(groups)} groups'
    ours, theirs = optimizer.defaults.keys(), set().union(*groups) - {'params', 'initial_lr'}
    if ours - theirs and theirs - {*ours, *set().union(*own)}:
        return f'it has {", ".join(sorted(theirs - ours))}, which {type(optimizer).__name__} does not know'
    if not all(isinstance(state, Mapping) for state in saved['state'].values()):
        return 'it has no numbers of its parameters'
    return None


def counters_to_host(saved: Any) -> None:
    """Move the counters of steps in saved states, however deep, to the host; in place.

    The toolbox loads all of a checkpoint onto the GPU. An optimiser that is not fused reads its counters in
    Python, so that each parameter of a resumed run would make every step wait for the GPU. A fused one takes
    them back when it loads them.
    """
    for key, value in saved.items() if isinstance(saved, dict) else ():
        if key == 'step' and isinstance(value, Tensor):
            saved[key] = value.cpu()
        else:
            counters_to_host(value)
