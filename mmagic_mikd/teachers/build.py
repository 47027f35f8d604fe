"""From a config and a checkpoint to one frozen network that runs on the student's inputs."""

from collections.abc import Mapping
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import MODELS
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..host.locate import PASSED_ON, passed_on
from ..host.train_mode import evaluates_in_train_mode
from ..utils.checks import quoted, require_kind, require_known, require_range, require_switch
from ..utils.errors import ConfigError
from .foreign import ForeignTeacher
from .weights import KEY, load_network

OF_OTHERS = ('resize', 'cache')  # settings that somebody else reads
IMAGE_SIZES = ('out_size', 'output_scale')  # of generators from noise, as the toolbox calls them


def build_teacher(
    cfg: nn.Module | dict,
    path: str,
    preprocessor: nn.Module | None = None,
    student: nn.Module | None = None,
    students_range: tuple[float, float] | None = None,
) -> nn.Module:
    """Build the frozen teacher for the student's generator at ``path``, and nothing else of its model.

    Args:
        cfg: a ready module; or ``dict(model=<MMagic model config>, checkpoint=<file or URL>)``; or
            ``config=<config file>`` in place of ``model``; or ``dict(type=..., ...)``, any registered
            module, with ``checkpoint`` if that is to be loaded here, and ``value_range`` and
            ``bgr2rgb`` (see :class:`ForeignTeacher`) if its images are not the student's. ``entry`` says
            where in the checkpoint the weights are, such as 'params'; by default what fits, averages first.
            ``mode`` is 'eval' or 'train' (batch statistics and dropout, with the running statistics
            kept); by default it is what the toolbox's own evaluation of that model uses, which is
            'train' for Pix2Pix and CycleGAN. ``resize`` is for whoever asks it, see :func:`require_match`, and
            ``cache`` is for who keeps its images, see :class:`mmagic_mikd.teachers.image_cache.ImageCache`.
        path: module path in the teacher's model, such as 'generator' or 'generators.photo'.
        preprocessor: of the student's model.
        student: the student's generator; its own checkpoint is no teacher.
        students_range: black and white in its images, in place of what the preprocessor says.

    Raises:
        ConfigError: the description is incomplete, or the checkpoint does not hold this network.
    """
    if isinstance(cfg, nn.Module):
        return freeze(_submodule(cfg, path), 'eval')
    cfg = {key: value for key, value in cfg.items() if key not in OF_OTHERS}
    if 'type' in cfg:
        return _build_foreign(cfg, path, preprocessor, students_range)
    model = _model_config(cfg)
    if not cfg.get('checkpoint'):
        raise ConfigError(f'{KEY}.checkpoint is missing: set it to the file with the trained weights')
    network = _build_network(model, path)
    load_network(network, cfg['checkpoint'], path, student, cfg.get('entry'))
    mode = cfg.get('mode') or ('train' if evaluates_in_train_mode(model) else 'eval')
    return freeze(network, mode)


def build_part(cfg: nn.Module | Mapping | None, path: str) -> nn.Module:
    """Another trained network of the teacher's model, frozen, such as its discriminator.

    Args:
        cfg: of the teacher, see :func:`build_teacher`.
        path: of the network within the model.

    Raises:
        ConfigError: the teacher is a network alone, or its model or its checkpoint lacks this one.
    """
    if isinstance(cfg, nn.Module) and path in dict(cfg.named_modules()):
        return freeze(cfg.get_submodule(path))
    if not isinstance(cfg, Mapping) or 'type' in cfg or not cfg.get('checkpoint'):
        raise ConfigError(f'{KEY} is a network, not the `model` of a MMagic config with its `checkpoint`')
    network = _build_network(_model_config(cfg), path)
    load_network(network, cfg['checkpoint'], path)
    return freeze(network)


def check_preprocessing(cfg: dict, student: nn.Module) -> None:
    """Teacher and student must see the same numbers for the same picture.

    Raises:
        ConfigError: mean, std or channel order of their data preprocessors differ.
    """
    if 'type' in cfg or 'online' in cfg:
        return
    teacher_cfg = dict(_model_config(cfg).get('data_preprocessor') or {})
    if not teacher_cfg:
        return
    teacher = MODELS.build(dict(type='DataPreprocessor') | teacher_cfg)
    for name in ('mean', 'std', 'output_channel_order'):
        theirs, ours = getattr(teacher, name, None), getattr(student.data_preprocessor, name, None)
        if isinstance(theirs, Tensor) and isinstance(ours, Tensor):
            theirs, ours = theirs.flatten().tolist(), ours.flatten().tolist()
        if theirs != ours:
            raise ConfigError(
                f'{KEY}.model.data_preprocessor.{name} is {theirs}, the student has {ours}; '
                'train the student with the preprocessing of its teacher'
            )


def require_match(network: nn.Module, student: nn.Module, resize: bool) -> None:
    """Both need latents of one length and, unless the teacher's images are resized, images of one size.

    Raises:
        ConfigError: what both networks say of themselves differs.
    """
    network = network.network if isinstance(network, ForeignTeacher) else network
    for name in ('noise_size', *(() if resize else IMAGE_SIZES)):
        theirs, ours = getattr(network, name, None), getattr(student, name, None)
        if isinstance(theirs, int) and isinstance(ours, int) and theirs != ours:
            remedy = 'make the student with that of its teacher'
            if name in IMAGE_SIZES:
                remedy = f'set {KEY}.resize=True, or {remedy}'
            raise ConfigError(f'{KEY} has {name}={theirs}, the student has {ours}: {remedy}')


def check_place(cfg: dict, work_dir: str) -> None:
    """A run writes iter_*.pth, best_*.pth, ... into its folder and deletes the oldest: no place for a teacher.

    Raises:
        ConfigError: the teacher's checkpoint is such a file.
    """
    file = Path(str(cfg.get('checkpoint') or '')).expanduser()
    of_a_run = file.name.startswith(('iter_', 'epoch_', 'best_', 'last'))
    if of_a_run and file.resolve().parent == Path(work_dir).resolve():
        raise ConfigError(
            f'{KEY}.checkpoint={file} lies in the work_dir of this run, whose checkpoints would replace it; '
            'set work_dir to another folder'
        )


def freeze(network: nn.Module, mode: str = 'eval') -> nn.Module:
    """No gradients, no change of running statistics; 'train' keeps dropout and batch statistics on."""
    if mode not in ('eval', 'train'):
        raise ConfigError(f"{KEY}.mode must be 'eval' or 'train', not {mode!r}")
    network.requires_grad_(False)
    network.train(mode == 'train')
    for module in network.modules():
        if isinstance(module, _BatchNorm) and mode == 'train':
            module.track_running_stats = False  # normalise by the batch and leave the buffers alone
    return network


def _build_foreign(
    cfg: dict, path: str, preprocessor: nn.Module | None, students_range: tuple[float, float] | None
) -> nn.Module:
    mode, checkpoint, entry = (cfg.pop(key, None) for key in ('mode', 'checkpoint', 'entry'))
    images = {key: cfg.pop(key) for key in ('value_range', 'bgr2rgb') if key in cfg}
    require_range(f'{KEY}.value_range', images.get('value_range'))
    require_switch(f'{KEY}.bgr2rgb', images.get('bgr2rgb', False))
    network = _submodule(MODELS.build(cfg), path)
    if checkpoint:
        load_network(network, checkpoint, path, entry=entry)
    if images:
        network = ForeignTeacher(network, preprocessor, **images, students_range=students_range)
    return freeze(network, mode or 'eval')


def _model_config(cfg: dict) -> dict:
    require_known(KEY, cfg, ('model', 'config', 'checkpoint', 'entry', 'mode', *OF_OTHERS))
    require_kind(f'{KEY}.model', cfg.get('model'), dict, 'the `model` of a MMagic config')
    if cfg.get('model') and cfg.get('config'):
        raise ConfigError(f'{KEY} has both `model` and `config`: leave one out')
    if cfg.get('model'):
        return cfg['model']
    if not cfg.get('config'):
        raise ConfigError(f'{KEY} names no network: set its `model`, `config` or `type`')
    try:
        return Config.fromfile(cfg['config']).model
    except (Exception, SystemExit) as error:  # a config is a program of the user's
        raise ConfigError(
            f'{KEY}.config={cfg["config"]} gives no `model` ({type(error).__name__}: '
            f'{quoted(error)}): correct the file or its name'
        ) from error


def _submodule(model: nn.Module, path: str) -> nn.Module:
    """The network at ``path`` where the module has one, else the module itself."""
    try:
        return model.get_submodule(path)
    except AttributeError:
        return model


def _build_network(model: dict, path: str) -> nn.Module:
    """Build only this network where the config has one: translation models build it for every domain."""
    name = path.partition('s.')[0] if path.startswith(('generators.', 'discriminators.')) else path
    name = 'generator' if name == 'generator_ema.module' else name
    if name not in PASSED_ON or name not in model:
        return _network_of(MODELS.build(model), path)
    return MODELS.build(model[name], default_args=passed_on(model, name))


def _network_of(model: nn.Module, path: str) -> nn.Module:
    try:
        return model.get_submodule(path)
    except AttributeError:
        names = ', '.join(name for name, _ in model.named_children())
        raise ConfigError(
            f'{KEY}.model, a {type(model).__name__}, has no network {path!r} (it has {names}); set `teacher` '
            'in default_hooks.distill.pairs to the path of its generator'
        ) from None
