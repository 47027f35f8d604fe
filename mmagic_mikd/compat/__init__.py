"""Repairs of the host toolbox, one defect per file; each is applied only where its defect is present.

`apply()` runs when `mmagic_mikd` is imported and costs nothing by itself: a repair waits for the module that it
repairs. `applied()` names those that have taken effect in this process.
"""

from . import (
    mmcv_ops,
    numpy_bool8,
    on_import,
    pix2pix_test_step,
    placeholders,
    safe_resume,
    translation_init,
)
from .train_mode import evaluates_in_train_mode

__all__ = ['REPAIRS', 'applied', 'apply', 'evaluates_in_train_mode']

REPAIRS = {
    'numpy_bool8': numpy_bool8,
    'placeholders': placeholders,
    'mmcv_ops': mmcv_ops,
    'translation_init': translation_init,
    'safe_resume': safe_resume,
    'pix2pix_test_step': pix2pix_test_step,
}

_applied: dict[str, bool] = {}


def apply(*, leave_out: tuple[str, ...] = ()) -> None:
    """Arm every repair once; a second call does nothing."""
    on_import.install()
    for name, repair in REPAIRS.items():
        if name not in _applied and name not in leave_out:
            _applied[name] = False
            repair.apply(_reporter(name))


def applied() -> list[str]:
    """The repairs that were needed and have taken effect so far, in the order of `REPAIRS`."""
    return [name for name in REPAIRS if _applied.get(name)]


def _reporter(name: str):
    def report(took_effect: bool) -> None:
        _applied[name] = _applied[name] or bool(took_effect)

    return report
