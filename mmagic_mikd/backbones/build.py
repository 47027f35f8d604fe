"""From `backbone` of an objective to one network for each pair."""

from collections.abc import Mapping
from typing import Any, Protocol

from mmengine.registry import MODELS
from torch import nn

from ..host.taps import resolve
from ..teachers.build import build_part, freeze
from ..utils.checks import proposal, quoted, require_known
from ..utils.errors import ConfigError
from .backbone import Backbone
from .random_features import RandomFeatures
from .weights import load_backbone

NAMED = ('discriminator', 'student_discriminator', 'generator', 'random')


class OfPair(Protocol):
    """What is known of a pair of networks."""

    path: str
    teacher: nn.Module | None


def build_backbone(
    cfg: str | Mapping[str, Any],
    pair: OfPair,
    model: nn.Module,
    teacher: nn.Module | Mapping | None,
    key: str,
) -> Backbone:
    """The network through which one pair's images are seen.

    Args:
        cfg: a name in :data:`NAMED`, or a dict of ``type``, such a name or any registered network, of
            ``layers`` and ``checkpoint``, a local file, and of the network's own settings:

            - 'discriminator' is that of the teacher, from the teacher's checkpoint; of one that is trained in
              the same run, as it is in each step;
            - 'student_discriminator' is the one that is trained beside the student, as it is in each step;
            - 'generator' is the teacher itself, as a network of images: for super-resolution and restoration;
            - 'random' is a :class:`RandomFeatures`.
        model: the toolbox's model with the student.
        teacher: settings of the teacher.
        key: where ``cfg`` stands.

    Raises:
        ConfigError: there is no such network, or the teacher's checkpoint lacks it.
    """
    cfg = dict(type=cfg) if isinstance(cfg, str) else dict(cfg)
    kind, layers = cfg.pop('type', None), cfg.pop('layers', None)
    if kind == 'random' or kind not in NAMED:
        network = freeze(_registered(RandomFeatures if kind == 'random' else kind, cfg, key))
    else:
        require_known(key, cfg, ())
        find = dict(discriminator=_of_teacher, student_discriminator=_of_student, generator=_itself)
        network = find[kind](pair, model, teacher, key)
    return Backbone(network, layers, key)


def discriminator_path(path: str) -> str:
    """Where the toolbox has the discriminator of the generator at ``path``."""
    domain = path.partition('generators.')[2]
    return f'discriminators.{domain}' if domain else 'discriminator'


def _of_student(pair: OfPair, model: nn.Module, teacher: Any, key: str) -> nn.Module:
    network = resolve(model, discriminator_path(pair.path))
    if network is None:
        raise ConfigError(f"{key}='student_discriminator': the model trains no discriminator; {_OTHER}")
    return network


def _of_teacher(pair: OfPair, model: nn.Module, teacher: Any, key: str) -> nn.Module:
    path = discriminator_path(pair.path)
    if isinstance(teacher, Mapping) and 'online' in teacher:
        return _of_online(model, path, teacher['online'], key)
    try:
        return build_part(teacher, path)
    except ConfigError as error:
        raise ConfigError(
            f"{key}='discriminator': the teacher has none that can be loaded ({error}); {_OTHER}"
        ) from error


def _of_online(model: nn.Module, path: str, teacher: str, key: str) -> nn.Module:
    """The one in training; of several generators' one, with the layers of this teacher."""
    network = resolve(model, f'teacher_{path}')
    if network is None:
        raise ConfigError(f"{key}='discriminator': the model trains no teacher_{path}; {_OTHER}")
    return network.of(teacher.rpartition('.')[2]) if hasattr(network, 'of') else network


def _itself(pair: OfPair, *_: Any) -> nn.Module:
    return pair.teacher


_OTHER = "use backbone='random', 'generator', or dict(type=..., checkpoint=...) of a network of yours"


def _registered(kind: Any, cfg: dict, key: str) -> nn.Module:
    checkpoint = cfg.pop('checkpoint', None)
    if isinstance(kind, str) and MODELS.get(kind) is None:
        raise ConfigError(f'{key}.type={kind!r} is not known: {proposal(kind, NAMED, _OTHER)}')
    try:
        network = MODELS.build(dict(type=kind, **cfg)) if isinstance(kind, str) else kind(**cfg)
    except Exception as error:  # of a constructor, which may be anybody's
        raise ConfigError(f'{key}: {quoted(error)}') from error
    if checkpoint:
        load_backbone(network, checkpoint, f'{key}.checkpoint')
    return network
