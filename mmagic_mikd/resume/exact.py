"""What a run needs, beside the toolbox's checkpoint, to go on as if it had never been interrupted.

That is, of every process: the global random states, the pools of images that a model keeps (CycleGAN's), and
gradients that were accumulated and not yet used; of all together: the order of the data, the count of
each optimiser wrapper, and whether the evaluation that was due had been made.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from mmengine import dist
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner
from torch import nn

from ..host.image_pools import image_pools
from ..host.learner import Learner
from ..host.locate import wrappers_of
from ..host.taps import unwrap
from ..utils.errors import ConfigError
from ..utils.rng import RandomState
from .finite_saves import SAVING, FiniteSaves
from .rewind import OldBatches, batches_of_epoch, same_order, sampler_of
from .sound import require_sound


class ResumeState:
    """Collects this state when a checkpoint is written, and puts it back in a resumed run.

    The random states cannot go back at once: the toolbox first draws, and throws away, the batches that the
    interrupted run had used. They go back right after the last of those, and an evaluation that was due at
    the checkpoint but is not in it is then made, so that scores, best checkpoint and random states are
    those of the uninterrupted run.

    Args:
        runner: its hooks and its training loop are touched, until ``remove``.
        trained: gives what else is trained by then, by a name.
        learners: gives those that train it.
    """

    def __init__(
        self,
        runner: Runner,
        trained: Callable[[], dict[str, nn.Module]] = dict,
        learners: Callable[[], list[Learner]] = list,
    ) -> None:
        self._runner, self._trained = runner, trained
        self._saves = FiniteSaves(runner, trained, learners)
        self._ranks: list[dict] | None = None
        self._evaluated_at: int | None = None
        self._undo: list[Callable[[], Any]] = []
        self._old_batches: OldBatches | None = None
        for hook in runner.hooks:
            if isinstance(hook, CheckpointHook):
                self._gather_before(hook, '_save_checkpoint_with_step')
                self._undo += [self._saves.guard(hook, name) for name in SAVING]

    # ---- saving -------------------------------------------------------------------------------

    def evaluated(self) -> None:
        """An evaluation is complete; what is saved from now on has its result."""
        self._evaluated_at = self._runner.iter

    def state_dict(self, iteration: int, epoch: int) -> dict:
        """Tensors and plain data; to be called on the first process, while it writes a checkpoint.

        Args:
            iteration, epoch: how many of them the checkpoint has behind it.
        """
        ranks = self._ranks
        if ranks is None and dist.get_world_size() == 1:
            ranks = [self._own()]
        sampler = sampler_of(self._runner)
        return dict(
            ranks=ranks or [],  # none: somebody saves on the first process alone, which cannot ask the others
            data_seed=getattr(sampler, 'seed', None),
            updates={
                name: wrapper._inner_count
                for name, wrapper in wrappers_of(self._runner.optim_wrapper).items()
            },
            evaluated=self._evaluated_at == iteration,
            batches=batches_of_epoch(self._runner, iteration, epoch),
        )

    def _gather_before(self, hook: CheckpointHook, name: str) -> None:
        """Ask every process for its state where all of them call the method that saves."""
        save = getattr(hook, name)

        def gather_and_save(*args: Any, **kwargs: Any) -> None:
            self._ranks = dist.all_gather_object(self._own())
            try:
                save(*args, **kwargs)
            finally:
                self._ranks = None

        vars(hook)[name] = gather_and_save
        self._undo.append(lambda: vars(hook).pop(name, None))

    def _own(self) -> dict:
        model = unwrap(self._runner.model)
        return dict(
            random=_to_plain(RandomState.capture(_device(model))),
            pools={
                name: [image.detach().cpu().clone() for image in pool.image_buffer]
                for name, pool in image_pools(model)
            },
            gradients={name: p.grad.cpu() for name, p in self._parameters() if p.grad is not None},
        )

    # ---- resuming -----------------------------------------------------------------------------

    def load_state_dict(self, state: dict) -> None:
        """Put everything back, or say in one warning why the resumed run is not the uninterrupted one."""
        runner, ranks, reasons = self._runner, state.get('ranks', []), []
        if len(ranks) != dist.get_world_size():
            reasons.append(f'the checkpoint has the random states of {len(ranks)} processes')
        else:
            self._restore_own(ranks[dist.get_rank()])
        for name, wrapper in wrappers_of(runner.optim_wrapper).items():
            wrapper._inner_count = state.get('updates', {}).get(name, wrapper._inner_count)
        if not same_order(runner, state.get('data_seed')):
            reasons.append('the data comes in another order')
        loader = runner.train_dataloader
        if hasattr(runner.train_loop, 'run_epoch') and loader.num_workers and loader.persistent_workers:
            reasons.append('persistent workers of a loop over epochs go on drawing from epoch to epoch')
        if reasons:
            runner.logger.warning(f'This resume is not exact: {"; ".join(reasons)}.')
        random = ranks[dist.get_rank()]['random'] if len(ranks) == dist.get_world_size() else None
        batches = state.get('batches', 0)
        evaluated = state.get('evaluated', True) or batches > 0  # the loop evaluates at the end of an epoch
        self._old_batches = OldBatches(runner.train_loop, lambda: self._continue(random, evaluated), batches)

    def finish(self) -> None:
        """The training loop is through; what was to happen before its first new batch happens now."""
        if self._old_batches is not None:
            self._old_batches.end()
        self._saves.finish()

    def remove(self) -> None:
        """Take everything off the toolbox."""
        for undo in reversed(self._undo):
            undo()
        if self._old_batches is not None:
            self._old_batches.remove()
        self._undo, self._old_batches = [], None

    def _restore_own(self, own: dict) -> None:
        model = unwrap(self._runner.model)
        device = _device(model)
        for name, pool in image_pools(model):
            pool.image_buffer = [image.to(device) for image in own['pools'].get(name, [])]
            pool.img_num = len(pool.image_buffer)
        for name, parameter in self._parameters():
            if name in own['gradients']:
                parameter.grad = own['gradients'][name].to(parameter)

    def _parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        for name, module in {'model': self._runner.model, **self._trained()}.items():
            yield from unwrap(module).named_parameters(name)

    def _continue(self, random: dict | None, evaluated: bool) -> None:
        runner = self._runner
        if random is not None:
            _from_plain(random, _device(unwrap(runner.model))).restore()
        if not evaluated and _evaluation_is_due(runner):
            runner.logger.info(
                f'The evaluation at iteration {runner.iter} is not in the checkpoint: repeating it.'
            )
            runner.val_loop.run()


def refuse_another(runner: Runner, checkpoint: dict) -> None:
    """Whether the checkpoint to resume is one that this run can go on from.

    Raises:
        ConfigError: it is of another model, or has no optimiser.
    """
    where = runner._load_from or f'the newest in {runner.work_dir}'
    difference = mismatch(runner.model, checkpoint.get('state_dict', checkpoint))
    if difference:
        raise ConfigError(
            f'the checkpoint to resume ({where}) is of another model ({difference}); resume it with the '
            'config that wrote it, or start from it with load_from in place of resume'
        )
    if 'message_hub' not in checkpoint or 'optimizer' not in checkpoint:
        # beside `resume` the toolbox takes `load_from` for the checkpoint to go on from
        own = '; if the run began with it, add --cfg-options load_from=None' if runner._load_from else ''
        raise ConfigError(
            f'the checkpoint to resume ({where}) has no state of the optimisers, as best_*.pth; resume '
            f'from one that the run wrote to go on, or start from it with load_from in place of resume{own}'
        )
    require_sound(runner, checkpoint)


def mismatch(model: nn.Module, state_dict: dict) -> str | None:
    """How the weights of a checkpoint differ from a model in name or shape, for a sentence; None if nowhere."""
    own = {key: tuple(value.shape) for key, value in unwrap(model).state_dict().items()}
    theirs = {
        key.removeprefix('module.'): tuple(getattr(value, 'shape', ())) for key, value in state_dict.items()
    }
    for key in [*own, *theirs]:
        if own.get(key) != theirs.get(key):
            here, there = (f'is {part[key]}' if key in part else 'is absent' for part in (own, theirs))
            return f'{key} {there} there and {here} here'
    return None


def _evaluation_is_due(runner: Runner) -> bool:
    """Whether the training loop evaluates after what it has done so far; its own condition."""
    loop = runner.train_loop
    if runner.val_loop is None:
        return False
    loop._decide_current_val_interval()
    by_epoch = hasattr(loop, 'run_epoch')
    done, end = (loop.epoch, loop.max_epochs) if by_epoch else (loop.iter, loop.max_iters)
    return done >= loop.val_begin and (done % loop.val_interval == 0 or done == end)


def _device(model: nn.Module) -> torch.device:
    return next(model.parameters()).device


def _to_plain(state: RandomState) -> dict:
    """Tensors and numbers, which load without running code."""
    name, key, *rest = state.numpy
    return dict(
        python=state.python,
        numpy=(name, torch.from_numpy(key.astype(np.int64)), *rest),
        torch=state.torch,
        cuda=state.cuda,
    )


def _from_plain(plain: dict, device: torch.device) -> RandomState:
    """Loading may have moved the states to a GPU, and the toolbox expects them on the CPU."""
    name, key, *rest = plain['numpy']
    numpy = (name, key.cpu().numpy().astype(np.uint32), *rest)
    cuda = None if plain['cuda'] is None or device.type != 'cuda' else plain['cuda'].cpu()
    return RandomState(plain['python'], numpy, plain['torch'].cpu(), cuda, device)
