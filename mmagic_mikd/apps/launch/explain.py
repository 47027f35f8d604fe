"""What a user can repair, in one sentence, also where the toolbox only raises what Python gave it.

Explained is an error by where it was raised: while MMEngine builds something from the config, or by the
operating system about a file. Everything else is a bug and keeps its traceback; with MIKD_TRACEBACK=1
everything does.
"""

import errno
import inspect
import os
import re
from collections.abc import Iterator
from types import FrameType
from typing import Any, NamedTuple

from mmengine.registry import OPTIMIZERS

from ...utils.checks import proposal, quoted
from ...utils.errors import ConfigError
from .channels import about_channels

# What constructors raise about their arguments; an AttributeError or a NameError there is a bug.
ABOUT_ARGUMENTS = (
    ArithmeticError,
    AssertionError,
    IndexError,
    KeyError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
OFF = ('', '0', 'false', 'no', 'off')  # values of MIKD_TRACEBACK
FULL = 'free some space there, or set work_dir to another disk; --resume goes on from the last checkpoint'
FORBIDDEN = 'give yourself the right to it, or name another place'
REMEDIES = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EFBIG: 'raise the limit (ulimit -f), or set work_dir to another disk',
    errno.EACCES: FORBIDDEN,
    errno.EPERM: FORBIDDEN,
    errno.EROFS: FORBIDDEN,
    errno.ENOENT: 'correct the path',
    errno.ENOTDIR: 'a file is where a folder is needed; name another place',
    errno.EEXIST: 'it is in the way of a folder; name another place',
    errno.EISDIR: 'it is a folder; name a file',
    errno.ENAMETOOLONG: 'choose a shorter name',
    errno.EIO: 'check the disk',
}


class Building(NamedTuple):
    """A call of MMEngine that builds something: from what, and the frame it happens in."""

    cfg: Any
    frame: FrameType


def explain(error: BaseException) -> str | None:
    """One sentence naming the key or the file, and the remedy; None for what nobody but us can repair."""
    if os.environ.get('MIKD_TRACEBACK', '').lower() not in OFF:
        return None
    if isinstance(error, ConfigError):
        return ' '.join(_from_worker(str(error)).split())  # whole: its remedy stands at its end
    frames = list(frames_of(error))
    if frames and frames[-1].f_code.co_name == 'call_hook' and isinstance(error.__context__, TypeError):
        error = error.__context__  # MMEngine raises the TypeErrors of its hooks anew
        frames += frames_of(error)
    if isinstance(error, KeyError) and frames and frames[-1].f_code.co_name == '_save_best_checkpoint':
        return _about_best(frames[-1].f_locals)
    whole = next((f.f_locals['cfg'] for f in frames if _is_config(f.f_locals.get('cfg'))), None)
    if isinstance(error, OSError) and error.errno in REMEDIES:
        return _about_file(error, whole)
    if isinstance(error, ImportError):
        return _about_package(error, frames, whole)
    if not isinstance(error, ABOUT_ARGUMENTS) or type(error).__name__ == 'OutOfMemoryError':
        return None
    if 'empty parameter list' in str(error) and (sentence := _about_optimiser(frames)):
        return sentence
    if sentence := about_channels(error, frames):
        return sentence
    building = _building(frames)
    return building and _about_config(error, building, whole)


# ---- where it happened ------------------------------------------------------------------------


def frames_of(error: BaseException) -> Iterator[FrameType]:
    """From the tool's `main` inwards."""
    traceback = error.__traceback__
    while traceback is not None:
        yield traceback.tb_frame
        traceback = traceback.tb_next


def _is_config(value: object) -> bool:
    return type(value).__name__ == 'Config' and hasattr(value, '_cfg_dict')


def _from_worker(text: str) -> str:
    """The sentence at the end of a data loader worker's traceback, which is all that arrives here."""
    if '\nOriginal Traceback' not in text:
        return text
    return re.split(r'^(?:\w+\.)*ConfigError: ', text, flags=re.MULTILINE)[-1]


def _building(frames: list[FrameType]) -> Building | None:
    """The innermost call that builds from a config."""
    for frame in reversed(frames):
        module, name = frame.f_globals.get('__name__', ''), frame.f_code.co_name
        if module.partition('.')[0] in ('mmengine', 'mmcv') and name.startswith(('build_', 'from_cfg')):
            arguments = frame.f_code.co_varnames[: frame.f_code.co_argcount]
            values = [frame.f_locals.get(argument) for argument in arguments]
            cfg = next((value for value in values if isinstance(value, dict | list) or _is_config(value)), {})
            return Building(cfg, frame)
    return None


def _key(whole: Any, cfg: Any) -> str | None:
    """Where the config has what was built: the place that has most settings in common with it."""
    if whole is None or not isinstance(cfg, dict):
        return None
    built = {key: repr(value) for key, value in cfg.items()}
    best, found = (0, 0), None
    for key, value in _places('', whole._cfg_dict.to_dict()):
        same = sum(built.get(name) == repr(value[name]) for name in value)
        if value.get('type') == cfg.get('type') and (same, -len(value)) > best:
            best, found = (same, -len(value)), key
    return found


def _places(key: str, value: Any) -> Iterator[tuple[str, dict]]:
    if isinstance(value, dict):
        if key:
            yield key, value
        for name, inner in value.items():
            yield from _places(f'{key}.{name}' if key else str(name), inner)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _places(f'{key}[{index}]', inner)


# ---- what to say ------------------------------------------------------------------------------


def _about_file(error: OSError, whole: Any) -> str:
    place = error.filename or (whole and f'work_dir={whole.get("work_dir")}') or 'a file'
    return f'{place}: {error.strerror}; {REMEDIES[error.errno]}'


def _about_best(known: dict[str, Any]) -> str:
    """The toolbox looks for the score of the best checkpoint after the first evaluation only."""
    scores = quoted(', '.join(sorted(known['metrics'])))
    return (
        f'default_hooks.checkpoint.save_best={known["key_indicator"]!r} is none of the scores of '
        f"val_evaluator, which gives {scores}: name one of them, with rule='greater' or "
        "'less', or set save_best=None"
    )


def _about_package(error: ImportError, frames: list[FrameType], whole: Any) -> str | None:
    """Something that the config names asks for a package only when it is used, such as wandb's backend."""
    for frame in reversed(frames):
        kind = type(frame.f_locals.get('self')).__name__
        if key := _key(whole, dict(type=kind)):
            return (
                f'{key} ({kind}) needs a package that is not installed ({quoted(error, 120)}): install it, or '
                'take that out of the config'
            )
    return None


def _about_optimiser(frames: list[FrameType]) -> str | None:
    """Of several, the one whose name is that of no network; the toolbox finds it nothing to train."""
    for values in (frame.f_locals for frame in reversed(frames)):
        if 'module_names' in values and 'key' in values:
            name, model = values['key'], values['module']
            networks = [
                path for path, child in model.named_children() if any(True for _ in child.parameters())
            ]
            listed = f'{type(model).__name__} trains {", ".join(networks)}: correct its name or leave it out'
            return f'optim_wrapper.{name} is of no network of the model; {listed}'
    return None


def _about_config(error: BaseException, building: Building, whole: Any) -> str:
    cfg, frame = building
    kind = cfg.get('type') if isinstance(cfg, dict) else None
    name = kind if isinstance(kind, str) else getattr(kind, '__name__', None)
    key = _key(whole, cfg) or (f"dict(type='{name}', ...)" if name else 'the config')
    if isinstance(error, KeyError) and 'registry' in str(error) and name in str(error):
        known = _registered(frame.f_locals.get('registry'))
        return f'{key}.type={name!r} is not known: {_proposal(name, known)}'
    if isinstance(error, KeyError) and 'must contain the key "type"' in str(error):
        return f'{key} has no `type`, so nothing can be made of it: {_siblings(key, whole)}'
    optimiser = cfg.get('optimizer') if isinstance(cfg, dict) else None
    kind = optimiser.get('type') if isinstance(optimiser, dict) else type
    if not inspect.isclass(kind) and kind not in (known := _registered(OPTIMIZERS)):
        return f'{key}.optimizer.type={kind!r} is not known: {_proposal(str(kind), known)}'
    unexpected = re.search(r"(\w+)?[\w.]*\(\) got an unexpected keyword argument '(\w+)'", str(error))
    if unexpected and unexpected[2] in cfg:
        built = frame.f_locals.get('obj_cls') or frame.f_globals.get(unexpected[1])
        of = f' ({name})' if name else ''
        if unexpected[2] == '_delete_':
            return f'{key}{of} still has `_delete_`, which stays where the base has no such dict: take it out'
        return f'{key}{of} has no setting {unexpected[2]!r}: {_proposal(unexpected[2], _settings(built))}'
    reason = quoted(f'{type(error).__name__}: {error}', 180)
    return f'{key} cannot be used ({reason}): correct it there; MIKD_TRACEBACK=1 shows where it fails'


def _proposal(word: str, known: set[str]) -> str:
    said = proposal(word, sorted(known)) if known else 'correct or remove it'
    return said if len(said) < 200 else 'correct its spelling, or import the module that has it'


def _registered(registry: Any) -> set[str]:
    """Names in a registry and in those that it falls back on."""
    names: set[str] = set()
    while registry is not None:
        names |= set(registry.module_dict)
        registry = registry.parent
    return names


def _settings(built: Any) -> set[str]:
    """Arguments of a class, and of those that it hands its further ones on to."""
    constructors = [
        vars(base)['__init__'] for base in getattr(built, '__mro__', ()) if '__init__' in vars(base)
    ]
    names: set[str] = set()
    for constructor in constructors[:-1]:
        parameters = inspect.signature(constructor).parameters.values()
        names |= {p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)} - {'self'}
        if all(p.kind != p.VAR_KEYWORD for p in parameters):
            break
    return names


def _siblings(key: str, whole: Any) -> str:
    """A neighbour in the config whose name is similar."""
    parent, _, name = key.rpartition('.')
    siblings = (whole.get(parent) if whole and parent and '.' not in parent else None) or {}
    others = [other for other in siblings if other != name and 'type' in (siblings[other] or {})]
    return proposal(name, others) if others else 'add its type'
