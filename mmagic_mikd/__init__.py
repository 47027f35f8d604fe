"""Distillation of MMagic's image generators. `custom_imports=['mmagic_mikd']` is all the setup.

What a config may name once this is imported, each documented where it is (`help(mmagic_mikd.DistillRunner)`):

    DistillRunner                     the hook that distils: `default_hooks=dict(distill=dict(type=...))`
    DistillPictures                   a hook that draws input, student, teacher and target
    objectives.*                      the losses: PyramidLaplaceLoss, LaplaceLoss, MIDistillLoss and others
    EnergyCritic, FeatureCritic       energies that MIDistillLoss learns; `langevin` is its sampler
    evaluation.*                      metrics that download nothing: PairedImageQuality, SeededEvaluation ...
    students.*                        generators that MMagic does not have, and the student's start

What is in the package:

    engine                            the run: settings, recipes, the hook, the iteration, checkpoint, log
    host                              where the toolbox is touched
    teachers, students, backbones     the networks
    online                            teachers that are trained in the same run (OMGD)
    guard, resume                     divergence; how an interrupted run goes on
    deploy, cost                      files that run without the toolbox; parameters, multiply-accumulates
    datasets, visualization           pipeline steps, pictures
    compat                            repairs of the toolbox; `compat.applied()` names those in effect
    apps                              the tools of the command `mikd`

How a batch flows: the toolbox runs the student, `host.taps` sees it and `engine.pair` runs the teacher on the
same inputs. When the toolbox updates the generator, `engine.iteration` has the objectives learn and adds them
to its loss.
"""

from mmengine.registry import HOOKS, MODELS

from . import compat

compat.apply()  # before anything that imports the host

from . import evaluation, objectives, online, students  # noqa: E402  register their modules
from .backbones.vgg16 import VGG16 as VGG16  # noqa: E402
from .datasets import clip_to_depth  # noqa: E402, F401  for the pipeline of configs/_base_/sr_x4.py
from .engine.hook import DistillRunner as DistillRunner  # noqa: E402
from .objectives import *  # noqa: E402, F403  each loss by its name
from .objectives.energy.critic import EnergyCritic as EnergyCritic  # noqa: E402
from .objectives.energy.feature_critic import FeatureCritic as FeatureCritic  # noqa: E402
from .objectives.energy.langevin import langevin as langevin  # noqa: E402
from .objectives.vid import VIDRegressor as VIDRegressor  # noqa: E402  an adapter
from .version import __version__  # noqa: E402
from .visualization.pictures import DistillPictures as DistillPictures  # noqa: E402

# In MMEngine's own registries: bare names resolve from the scope of any OpenMMLab toolbox.
for _module in (
    EnergyCritic,
    FeatureCritic,
    VGG16,
    VIDRegressor,
    *(getattr(objectives, name) for name in objectives.__all__),
):
    MODELS.register_module(module=_module)
HOOKS.register_module(module=DistillRunner)
HOOKS.register_module(name=['DistillPictures', 'ChainPictures'], module=DistillPictures)  # the old name, too

# Modules, and not the classes that are imported above: `help` prints all that stands here.
__all__ = ['__version__', 'compat', 'evaluation', 'objectives', 'online', 'students']
