"""Where a model of the toolbox has its generator: module, settings, optimiser, the image that it returns."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn

from ..utils.errors import ConfigError
from .taps import unwrap

# what BaseGAN passes on to its networks
PASSED_ON = dict(generator=('noise_size', 'num_classes'), discriminator=('num_classes',))


def find_generators(model: nn.Module) -> list[str]:
    """Paths of the generators: 'generators.<domain>' for each domain, 'generator', or the only network.

    Raises:
        ConfigError: none of the three applies.
    """
    inner = unwrap(model)
    if hasattr(inner, 'generators'):
        return [f'generators.{domain}' for domain in unwrap(inner.generators)]
    if hasattr(inner, 'generator'):
        return ['generator']
    networks = [name for name, child in inner.named_children() if _is_trained(child)]
    if len(networks) == 1:
        return networks
    raise ConfigError(
        f'{type(inner).__name__} has no `generator` or `generators` but {" and ".join(networks) or "nothing"} '
        'to train; set default_hooks.distill.pairs=[dict(student=<path of the generator>)]'
    )


def passed_on(model: Mapping, name: str = 'generator') -> dict[str, Any]:
    """Settings in the config of a model that its network gets, too, where its own do not say otherwise."""
    return {key: model[key] for key in PASSED_ON[name] if model.get(key)}


def _is_trained(module: nn.Module) -> bool:
    return any(p.requires_grad for p in module.parameters())


def wrappers_of(optim_wrapper: OptimWrapper | OptimWrapperDict) -> dict[str, OptimWrapper]:
    """A model's optimiser wrappers by name; a single one has none, ''."""
    return dict(optim_wrapper.items()) if isinstance(optim_wrapper, OptimWrapperDict) else {'': optim_wrapper}


def optimisers_of(
    network: nn.Module, path: str, optim_wrapper: OptimWrapper | OptimWrapperDict
) -> list[OptimWrapper]:
    """The optimiser wrapper that updates ``network``, or those that do so one after the other.

    PGGAN and SinGAN have one for each stage of their training, 'generator_4', 'generator_8' and so on.

    Raises:
        ConfigError: nothing updates it, or two do in the same step.
    """
    wrappers = wrappers_of(optim_wrapper)
    weights = {id(p) for p in network.parameters()}
    found = {name: wrapper for name, wrapper in wrappers.items() if weights & _held_by(wrapper)}
    if not found:
        names = ', '.join(filter(None, wrappers)) or 'a single one'
        raise ConfigError(f'optim_wrapper (it has {names}) trains no weight of {path!r}; add it there')
    stages = {re.sub(r'_\d+$', '', name) for name in found}
    if len(stages) > 1:
        raise ConfigError(
            f'{path!r} is updated by two optimisers, optim_wrapper.{" and optim_wrapper.".join(found)}: its '
            'distillation loss can join only one; give the generator one optimiser'
        )
    return list({id(wrapper): wrapper for wrapper in found.values()}.values())


def pairs_of_updates(pairs: Iterable[Any], optim_wrapper: OptimWrapper | OptimWrapperDict) -> list[tuple]:
    """Which updates train which pairs: optimiser wrappers, each with those whose ``student`` it trains."""
    groups: dict[int, tuple[OptimWrapper, list]] = {}
    for pair in pairs:
        for wrapper in optimisers_of(pair.student, pair.path, optim_wrapper):
            groups.setdefault(id(wrapper), (wrapper, []))[1].append(pair)
    return list(groups.values())


def _held_by(optim_wrapper: OptimWrapper) -> set[int]:
    return {id(p) for group in optim_wrapper.param_groups for p in group['params']}


def image_of(output: Any, item: int | str | None = None) -> Tensor:
    """The image in what a generator returns.

    Args:
        item: index or key of the image in it; by default 'fake_img' of a dict, the first of a tuple, the
            last of a list (successive refinements).

    Raises:
        ConfigError: there is no tensor there.
    """
    defaults = ((dict, 'fake_img'), (tuple, 0), (list, -1))
    while not isinstance(output, Tensor):
        default = next((default for kind, default in defaults if isinstance(output, kind)), None)
        try:
            output, item = output[default if item is None else item], None
        except (IndexError, KeyError, TypeError):
            names = f' of {", ".join(map(repr, output))}' if isinstance(output, dict) else ''
            raise ConfigError(
                f'the generator returns a {type(output).__name__}{names}, not an image; set `output` in '
                'default_hooks.distill.pairs to the key or index of its image'
            ) from None
    return output
