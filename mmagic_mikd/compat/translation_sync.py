"""On several processes Pix2Pix and CycleGAN train unrelated models, without a word.

`BaseTranslationModel` reaches its networks past their `DistributedDataParallel` wrappers, whose
gradient averaging fires only if they are called. Known from the models' original code too
(junyanz/pytorch-CycleGAN-and-pix2pix#1705); no MMagic thread. Here the gradients of each optimiser
are averaged right before its step, hence before clipping and before the loss scale is taken out,
and only in iterations that step. Parameters stay bit-identical on all processes, and so do running
statistics, which are averaged after each training step. Delete this file when upstream calls its
wrappers.
"""

import functools
from collections import defaultdict
from collections.abc import Iterable, Sequence

from . import on_import


def apply(report) -> None:
    on_import.after('mmagic.models.base_models.base_translation_model', lambda module: report(repair(module)))


def repair(base_translation_model) -> bool:
    """Average in the training step of the wrapper that the toolbox's GAN configs use."""
    from mmengine.model import MMSeparateDistributedDataParallel as Wrapper

    translation_model = base_translation_model.BaseTranslationModel
    stock = Wrapper.train_step

    @functools.wraps(stock)
    def train_step(self, data, optim_wrapper):
        if not isinstance(self.module, translation_model):
            return stock(self, data, optim_wrapper)
        for wrapper in optim_wrapper.values():
            _average_before_step(wrapper)
        outputs = stock(self, data, optim_wrapper)
        for alike in _by_dtype(b for b in self.module.buffers() if b.is_floating_point()):
            average(alike)
        return outputs

    Wrapper.train_step = train_step
    return True


def _average_before_step(wrapper) -> None:
    """Replace `wrapper.step`, once. `update_params` calls it only when accumulated gradients are due.

    A learning rate schedule has replaced it before us, so that being replaced tells nothing.
    """
    if hasattr(wrapper, 'averages_gradients'):
        return
    wrapper.averages_gradients = True
    stock = wrapper.step

    def step(**kwargs):
        groups = wrapper.optimizer.param_groups
        average_gradients(p for group in groups for p in group['params'])
        stock(**kwargs)

    wrapper.step = step


def average_gradients(parameters: Iterable) -> None:
    """Replace every `.grad` by its mean over all processes, in one collective for each precision.

    As under `DistributedDataParallel`, a gradient that some processes lack counts as zero there, and one that
    no process has stays None.
    """
    import torch

    for alike in _by_dtype(parameters):
        missing = [p.grad is None for p in alike]
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in alike]
        present = grads[0].new_tensor([not lacks for lacks in missing])
        average([*grads, present])
        if any(missing):  # only then is it worth waiting for the device
            for p, grad, share in zip(alike, grads, present.tolist(), strict=True):
                p.grad = grad if share > 0 else None


def average(tensors: Sequence) -> None:
    """Replace tensors of one precision by their means over all processes, in one collective."""
    import torch
    from mmengine.dist import all_reduce

    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    all_reduce(flat, 'mean')
    for tensor, mean in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        tensor.copy_(mean.view_as(tensor))


def _by_dtype(tensors: Iterable) -> list[list]:
    """Groups of one precision, in an order that is the same on every process."""
    groups = defaultdict(list)
    for tensor in tensors:
        groups[str(tensor.dtype)].append(tensor)
    return [groups[name] for name in sorted(groups)]
