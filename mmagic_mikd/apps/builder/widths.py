"""Which settings of a generator are its width, and how a narrower one of the same kind is written down."""

import inspect
from typing import Any

from mmengine.registry import MODELS

from ...utils.errors import ConfigError
from ...utils.names import type_name

# Generator -> the constructor arguments that are channel counts. The first is the width that is searched, the
# others keep their proportion to it.
WIDTH_KEYS = {
    'UnetGenerator': ('base_channels',),
    'ResnetGenerator': ('base_channels',),
    'MobileResnetGenerator': ('base_channels',),
    'NarrowStyleGAN2Generator': ('width',),
    'DCGANGenerator': ('base_channels',),
    'EDSRNet': ('mid_channels',),
    'MSRResNet': ('mid_channels',),
    'RDNNet': ('mid_channels', 'channel_growth'),
    'RRDBNet': ('mid_channels', 'growth_channels'),
    'NAFNet': ('mid_channels',),
    'NAFNetLocal': ('mid_channels',),
}

# MMagic's own StyleGAN2 cannot narrow its layers below 64 px.
NARROW_TYPES = {
    'StyleGANv2Generator': 'NarrowStyleGAN2Generator',
    'StyleGAN2Generator': 'NarrowStyleGAN2Generator',
}

PRETRAINED = ('Pretrained', 'PretrainedInit')  # its name, and that of its class

# StyleGAN2 mixes styles in training mode only, and the teacher is to mix them at the student's cut.
TEACHER_SETTINGS = {'NarrowStyleGAN2Generator': ["mode='train'"]}


class Narrowing:
    """The narrower versions of one generator.

    Args:
        generator: its config, ``model.generator`` of an MMagic config.

    Attributes:
        key: the setting that is the width.
        full: the generator's own width.
        widths: all smaller ones, ascending.

    Raises:
        ConfigError: the table above does not know this generator, or it is too narrow to be narrowed.
    """

    def __init__(self, generator: dict) -> None:
        self._generator = generator
        own_type = type_name(generator.get('type'))
        self._own_type = own_type
        self.type = NARROW_TYPES.get(own_type, own_type)
        if self.type not in WIDTH_KEYS:
            known = ', '.join(sorted({*WIDTH_KEYS, *NARROW_TYPES}))
            raise ConfigError(
                f'model.generator.type={own_type!r}: its width is unknown to the student builder, '
                f'which knows {known}; write the student config by hand, from the template in '
                'docs/students.md#by-hand'
            )
        self._full = {key: generator.get(key, self._default(key)) for key in WIDTH_KEYS[self.type]}
        self.key = WIDTH_KEYS[self.type][0]
        self.full = self._full[self.key]
        self.widths = range(self._step(), self.full, self._step())
        if not self.widths:
            raise ConfigError(f'{self.type} of width {self.full} cannot be narrowed any further')

    def at(self, factor: float) -> int:
        """The width nearest to ``factor`` times the full one.

        Raises:
            ConfigError: the factor is not between 0 and 1.
        """
        if not 0 < factor < 1:
            raise ConfigError(
                f'--width {factor:g} is no share of the width of a teacher: choose 0 < width < 1'
            )
        return min(self.widths, key=lambda width: abs(width - factor * self.full))

    def changes(self, width: int) -> dict[str, Any]:
        """The settings in which the student's generator differs from the teacher's."""
        changes: dict[str, Any] = {} if self.type == self._own_type else dict(type=self.type)
        for key, full in self._full.items():
            changes[key] = max(1, round(full * width / self.full))
        # weights of the teacher's shapes would be downloaded and then left out as misfits
        for key in ('init_cfg', 'pretrained'):
            if _loads_weights(self._generator.get(key)):
                changes[key] = None
        return changes

    def config(self, width: int) -> dict:
        """The whole config of the student's generator."""
        return {**self._generator, **self.changes(width)}

    def _default(self, key: str) -> int:
        with MODELS.switch_scope_and_registry('mmagic') as registry:
            classes = inspect.getmro(registry.get(self.type))
        signatures = (inspect.signature(cls.__init__).parameters for cls in classes)
        return next(parameters[key].default for parameters in signatures if key in parameters)

    def _step(self) -> int:
        if self.type != 'DCGANGenerator':
            return 1
        # halved at every upsampling but the last
        return self._generator['output_scale'] // self._generator.get('input_scale', 4) // 2


def _loads_weights(setting: dict | list | None) -> bool:
    """Whether this, or one of several, is no drawing of weights but a file of them."""
    settings = setting if isinstance(setting, list | tuple) else [setting or {}]
    return any(type_name(one.get('type')) in PRETRAINED or 'ckpt_path' in one for one in settings)
