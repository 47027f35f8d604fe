"""Students whose image does not depend on the rest of the batch: batch normalisation by running statistics."""

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..host.taps import unwrap
from ..utils.checks import require_number
from ..utils.errors import ConfigError

HOOK = 'custom_hooks: FrozenStatistics'


@HOOKS.register_module()
class FrozenStatistics(Hook):
    """From some share of the training on, generators normalise by running statistics, which stay as they are.

    The toolbox trains and evaluates Pix2Pix with the statistics of whatever batch an image is in. A file has
    none (`tools/export.py`), so what ships would be another network than the one that was trained. With this
    hook the last part of the training is that of the network that ships with ``--statistics frozen``, and
    evaluations after ``begin`` are of it, too. A test is always of it. Dropout is left as it is.

    A student that is distilled has it as ``frozen_statistics`` of :class:`mmagic_mikd.DistillRunner`. As a hook
    it is for what is not distilled: a teacher, or the student to compare with.

    Args:
        begin: share of the training, at most 1. Before it statistics are gathered, as ever.
        key: where it stands in the config.

    Raises:
        ConfigError: the model's generators have no batch normalisation with running statistics, or it
            stands in two places.
    """

    def __init__(self, begin: float = 0.5, key: str = HOOK) -> None:
        require_number('FrozenStatistics: begin', begin, least=0, most=1)
        self.begin, self._key = begin, key

    def before_train(self, runner) -> None:
        self._norms(runner)
        if self._key != HOOK and any(isinstance(hook, FrozenStatistics) for hook in runner.hooks):
            raise ConfigError(f'{self._key} and {HOOK} say the same: leave one out')
        self._freeze_from(runner, runner.iter - 1)  # a resumed run may evaluate before its first iteration

    def before_train_iter(self, runner, batch_idx: int, data_batch=None) -> None:
        self._freeze_from(runner, runner.iter)

    def before_test(self, runner) -> None:
        self._freeze(runner)

    def _freeze_from(self, runner, iteration: int) -> None:
        """Freeze if this iteration, which has begun, belongs to the last part."""
        if iteration >= self.begin * runner.max_iters:
            self._freeze(runner)

    def _freeze(self, runner) -> None:
        for norm in self._norms(runner):
            freeze(norm)

    def _norms(self, runner) -> list[_BatchNorm]:
        generators = (m for n, m in unwrap(runner.model).named_children() if n.startswith('generator'))
        norms = [norm for each in generators for norm in each.modules() if isinstance(norm, _BatchNorm)]
        norms = [norm for norm in norms if norm.track_running_stats]
        if not norms:
            raise ConfigError(
                f'{self._key} is for generators with batch normalisation, and this model has none; leave it out'
            )
        return norms


def freeze(norm: _BatchNorm) -> None:
    """Keep it in evaluation mode, whatever mode its model is switched to; copies of it are frozen, too."""
    kind = type(norm)
    if not issubclass(kind, _Frozen):
        norm.__class__ = type(f'Frozen{kind.__name__}', (_Frozen, kind), {})
    norm.train(False)


class _Frozen(nn.Module):
    def train(self, mode: bool = True) -> nn.Module:
        return super().train(False)
