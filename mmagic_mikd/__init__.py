"""Mutual-information distillation of MMagic generators. `custom_imports=['mmagic_mikd']` is all the setup.

How a batch flows: the toolbox runs the student, `host.taps` sees it and `engine.pair` runs the teacher on the
same inputs; when the toolbox updates the generator, `engine.iteration` has the `objectives` learn and adds
them to its loss. Then: `engine` is the run, from the hook's settings to its checkpoint; `teachers`,
`students` and `backbones` are the networks, `online` trains teachers in the same run, `guard` watches for
divergence, `resume` lets an interrupted run go on, `compat` repairs the toolbox, `cost`, `evaluation`,
`datasets` and `visualization` say what they are, `deploy` writes files to ship, and `apps` holds the command
line tools.
"""

from mmengine.registry import HOOKS, MODELS

from . import compat

compat.apply()  # before anything that imports the host

from . import evaluation, objectives, online, students  # noqa: E402  register their modules
from .backbones.vgg16 import VGG16  # noqa: E402
from .datasets import clip_to_depth  # noqa: E402, F401  for the pipeline of configs/_base_/sr_x4.py
from .engine.hook import DistillRunner  # noqa: E402
from .objectives import *  # noqa: E402, F403  each loss by its name
from .objectives.energy.critic import EnergyCritic  # noqa: E402
from .objectives.energy.feature_critic import FeatureCritic  # noqa: E402
from .objectives.energy.langevin import langevin  # noqa: E402
from .version import __version__  # noqa: E402
from .visualization.pictures import DistillPictures  # noqa: E402

# In MMEngine's own registries: bare names resolve from the scope of any OpenMMLab toolbox.
for _module in (
    EnergyCritic,
    FeatureCritic,
    VGG16,
    *(getattr(objectives, name) for name in objectives.__all__),
):
    MODELS.register_module(module=_module)
HOOKS.register_module(module=DistillRunner)
HOOKS.register_module(name=['DistillPictures', 'ChainPictures'], module=DistillPictures)  # the old name, too

__all__ = [
    'DistillPictures',
    'DistillRunner',
    'EnergyCritic',
    'VGG16',
    'FeatureCritic',
    '__version__',
    'compat',
    'evaluation',
    'langevin',
    'objectives',
    'online',
    'students',
    *objectives.__all__,
]
