"""MMagic in an environment without its hundred packages: what fails, and what works instead."""

import importlib
import importlib.util
import os
import sys

import compat_runs
import numpy as np
import pytest
import torch
import torchvision

from mmagic_mikd.compat import deferred, mmcv_ops


def absent(package: str):
    present = importlib.util.find_spec(package) is not None
    return pytest.mark.skipif(present, reason=f'{package} is installed here')


@pytest.fixture(scope='module')
def with_broken_diffusers(tmp_path_factory) -> dict:
    """Registering all modules in a process with a diffusers that is too new for MMagic."""
    diffusers = tmp_path_factory.mktemp('site') / 'diffusers'
    diffusers.mkdir()
    lazy = 'def __dir__(): return ["Net"]\ndef __getattr__(name): raise RuntimeError("no controlnet_xs")\n'
    (diffusers / '__init__.py').write_text(
        'from . import schedulers, models, pipelines\nclass DiffusionPipeline: ...'
    )
    for part in ('schedulers', 'models', 'pipelines'):
        (diffusers / f'{part}.py').write_text('' if part == 'schedulers' else lazy)
    path = os.pathsep.join(filter(None, [str(diffusers.parent), os.environ.get('PYTHONPATH')]))
    return compat_runs.python('register_all.py', PYTHONPATH=path)


@pytest.mark.skipif(hasattr(np, 'bool8'), reason='this NumPy still has bool8')
def test_stock_mmagic_does_not_know_numpy_2(stock_imports):
    assert stock_imports['numpy_bool8'].startswith("AttributeError: module 'numpy' has no attribute 'bool8'")


@pytest.mark.skipif(hasattr(np, 'bool8'), reason='this NumPy still has bool8')
def test_the_alias_exists_only_while_mmagic_reads_it():
    from mmagic.utils import trans_utils

    assert trans_utils.dtype_range[np.bool_] == (False, True)
    assert not hasattr(np, 'bool8')


@absent('albumentations')
def test_stock_mmagic_needs_packages_for_models_nobody_asked_for(stock_imports):
    assert stock_imports['placeholders'] == "ModuleNotFoundError: No module named 'albumentations'"


@absent('mmcv._ext')
def test_stock_mmagic_needs_a_compiled_mmcv(stock_imports):
    assert stock_imports['mmcv_ops'] == "ModuleNotFoundError: No module named 'mmcv._ext'"


@absent('lpips')
def test_a_placeholder_names_the_package_when_it_is_used():
    ppl = importlib.import_module('mmagic.evaluation.metrics.ppl')
    with pytest.raises(ImportError, match=r'needs lpips\.LPIPS.*pip install lpips') as caught:
        ppl.lpips.LPIPS(net='vgg')
    assert caught.value.name == 'lpips'


@absent('diffusers')
def test_a_model_built_on_a_placeholder_says_what_is_missing():
    from mmagic.registry import MODELS

    MODELS.get('EDSRNet')  # registers the others along with it
    with pytest.raises(ImportError, match=r'UNet3DConditionMotionModel needs diffusers'):
        MODELS.build(dict(type='UNet3DConditionMotionModel'))


@absent('transformers')
def test_nobody_else_sees_a_placeholder():
    importlib.import_module('mmagic.models')
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module('transformers')
    assert importlib.util.find_spec('transformers') is None
    assert not {'transformers', 'diffusers', 'lpips'} & {name.split('.')[0] for name in sys.modules}


def test_the_inferencers_can_be_imported():
    assert importlib.import_module('mmagic.apis').MMagicInferencer


@pytest.mark.parametrize('compiled', [True, False])
def test_a_compiled_mmcv_is_left_alone(tmp_path, monkeypatch, compiled):
    (tmp_path / 'mmcv').mkdir()
    (tmp_path / 'mmcv' / '__init__.py').write_text('')
    if compiled:
        (tmp_path / 'mmcv' / '_ext.py').write_text('')
    monkeypatch.delitem(sys.modules, 'mmcv', raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    assert mmcv_ops.is_uncompiled() is not compiled


def test_mmagic_falls_back_where_it_has_a_fallback():
    from mmagic.models.editors.stable_diffusion import clip_wrapper

    installed = importlib.util.find_spec('transformers') is not None
    assert (clip_wrapper.transformers is not None) == installed


def test_a_diffusers_that_mmagic_does_not_know_is_set_aside(with_broken_diffusers):
    assert 'Pix2Pix' in with_broken_diffusers['registered']
    assert 'placeholders' in with_broken_diffusers['applied']
    assert 'diffusers' in with_broken_diffusers['error of UNet3DConditionMotionModel']


def test_every_gan_and_super_resolution_model_is_registered(with_broken_diffusers):
    families = (
        'Pix2Pix CycleGAN StyleGAN1 StyleGAN2 StyleGAN3 DCGAN WGANGP SAGAN BigGAN SRGAN ESRGAN RealESRGAN'
    )
    networks = (
        'EDSRNet MSRResNet RDNNet SRCNNNet SwinIRNet Restormer NAFNet BasicVSRPlusPlusNet EDVRNet TTSRNet'
    )
    assert not {*families.split(), *networks.split()} - set(with_broken_diffusers['registered'])
    assert len(with_broken_diffusers['registered']) > 150


def test_what_is_seldom_used_waits_until_it_is(with_broken_diffusers):
    assert 'deferred' in with_broken_diffusers['applied']
    assert not {'pandas', 'scipy', 'torch._dynamo'} & set(with_broken_diffusers['imported'])


def test_what_waited_works():
    from mmagic.evaluation.metrics import inception_score

    assert inception_score.entropy([0.5, 0.5]) == pytest.approx(np.log(2))
    assert deferred.Deferred('scipy.special').gamma(5) == 24
    box = torch.tensor([[0.0, 0.0, 0.0, 2.0, 2.0]])
    assert torchvision.ops.roi_align(torch.ones(1, 1, 4, 4), box, 2).tolist() == [[[[1, 1], [1, 1]]]]


def test_mmpretrain_imports_and_builds():
    from mmpretrain.registry import MODELS
    from mmpretrain.utils import register_all_modules

    register_all_modules(init_default_scope=False)

    network = MODELS.build(dict(type='mmpretrain.ResNet', depth=18))
    network.eval()
    assert network(torch.zeros(1, 3, 32, 32))[0].shape == (1, 512, 1, 1)
