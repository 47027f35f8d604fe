"""Repairs of the host toolbox, one defect per file; each is applied only where its defect is present.

`apply()` runs when `mmagic_mikd` is imported and costs nothing by itself: a repair waits for the
module that it repairs. `applied()` names those that have taken effect in this process. To see the
stock behaviour, leave some out: `MIKD_WITHOUT=translation_sync,safe_resume python ...` (or `all`).

Not in the list: `apps.launch.amp`, which `tools/train.py` calls for `--amp`. And the parameter count
of MMagic's `get_flops.py` (it adds a translation model's discriminators) is left as it is: that is
a script, which nothing imports; `mmagic_mikd.cost` counts the generator alone.
"""

import os

from . import (
    adam_betas,
    atomic_save,
    cpu_amp,
    cpu_launch,
    cublas_workspace,
    dcgan_init,
    deep_pictures,
    deferred,
    grid_sample_twice,
    inception_offline,
    keep_until_saved,
    l1_reduce,
    mmcv_ops,
    names_with_blanks,
    numpy_bool8,
    on_import,
    own_configs,
    pipeline_errors,
    pix2pix_test_step,
    placeholders,
    safe_load,
    safe_resume,
    safe_yaml,
    separate_wrappers,
    sqrtm,
    swd_shape,
    translation_init,
    translation_sync,
    unet_sizes,
    whole_checkpoint,
)

__all__ = ['REPAIRS', 'applied', 'apply']

REPAIRS = {
    # so that MMagic can be imported
    'numpy_bool8': numpy_bool8,
    'placeholders': placeholders,
    'mmcv_ops': mmcv_ops,
    'deferred': deferred,
    # so that its translation models train, on one process and on several
    'translation_init': translation_init,
    'translation_sync': translation_sync,
    'l1_reduce': l1_reduce,
    # so that DCGAN's networks, and the StyleGANs, train
    'dcgan_init': dcgan_init,
    'adam_betas': adam_betas,
    'grid_sample_twice': grid_sample_twice,
    # so that runs resume, whenever they were interrupted and whoever wrote the checkpoint
    'safe_resume': safe_resume,
    'safe_load': safe_load,
    'atomic_save': atomic_save,
    'keep_until_saved': keep_until_saved,
    'whole_checkpoint': whole_checkpoint,
    'separate_wrappers': separate_wrappers,
    # so that deterministic runs start on a GPU
    'cublas_workspace': cublas_workspace,
    # so that they test and start without a GPU
    'pix2pix_test_step': pix2pix_test_step,
    'cpu_launch': cpu_launch,
    'cpu_amp': cpu_amp,
    # so that a config holds no program in disguise, and may inherit ours wherever it lies
    'safe_yaml': safe_yaml,
    'own_configs': own_configs,
    # so that pictures are found by their names, and what is wrong with them is said
    'names_with_blanks': names_with_blanks,
    'pipeline_errors': pipeline_errors,
    'unet_sizes': unet_sizes,
    # so that pictures of 16 bits are evaluated and drawn as what they are
    'deep_pictures': deep_pictures,
    # so that FID and IS work offline and with today's SciPy
    'inception_offline': inception_offline,
    'sqrtm': sqrtm,
    # so that a metric says what is wrong with its setting
    'swd_shape': swd_shape,
}

_effect: dict[str, bool] = {}


def apply() -> None:
    """Arm every repair that `MIKD_WITHOUT` does not name; a second call does nothing."""
    on_import.install()
    left_out = _left_out()
    for name, repair in REPAIRS.items():
        if name not in _effect and name not in left_out:
            _effect[name] = False
            repair.apply(_reporter(name))


def applied() -> list[str]:
    """The repairs that were needed and have taken effect so far, in the order of `REPAIRS`."""
    return [name for name in REPAIRS if _effect.get(name)]


def _left_out() -> set[str]:
    names = {name.strip() for name in os.environ.get('MIKD_WITHOUT', '').split(',')} - {''}
    if names == {'all'}:
        return set(REPAIRS)
    if unknown := names - set(REPAIRS):
        raise ValueError(f'MIKD_WITHOUT names no repair: {sorted(unknown)}; there are {list(REPAIRS)}')
    return names


def _reporter(name: str):
    def report(took_effect: bool) -> None:
        _effect[name] = _effect[name] or bool(took_effect)

    return report
