"""A teacher that is trained in the same run, as a network of the student's own model."""

from collections.abc import Iterator, Mapping

from torch import nn

from ..host.taps import resolve, unwrap
from ..utils.checks import proposal, require_known, short
from ..utils.errors import ConfigError
from .weights import KEY


def online_teacher(cfg: Mapping, model: nn.Module, student: nn.Module) -> nn.Module:
    """A network of the student's own model, which is trained in the same run and by nobody here.

    Args:
        cfg: ``online``, its module path in ``model``, such as 'teacher_generators.wide'; and ``resize``.

    Raises:
        ConfigError: there is no such network, or it is the student.
    """
    for key in ('checkpoint', 'model', 'config'):
        if key in cfg:
            raise ConfigError(
                f'{KEY}.{key} is for a teacher that was trained before, and `online` names a network that this '
                'run trains: leave one out'
            )
    require_known(KEY, cfg, ('online', 'resize'))
    network = resolve(model, cfg['online']) if isinstance(cfg['online'], str) else None
    if isinstance(network, nn.Module) and cfg['online'] and network is not student:
        return network
    paths = [path for path in _networks(unwrap(model)) if resolve(model, path) is not student]
    others = f'{type(unwrap(model)).__name__} has {", ".join(paths)}'
    problem, remedy = 'no other network of the model', proposal(str(cfg['online']), paths, others)
    if network is student:
        problem, remedy = 'the student itself', others
    raise ConfigError(f'{KEY}.online={short(cfg["online"])} is {problem}: {remedy}')


def _networks(model: nn.Module) -> Iterator[str]:
    """Paths of what a model trains: its children, those of a dict of modules one by one."""
    for name, child in model.named_children():
        inner = unwrap(child)
        parts = [f'{name}.{part}' for part in inner] if isinstance(inner, nn.ModuleDict) else [name]
        yield from parts if any(True for _ in inner.parameters()) else ()
