"""A GAN trained on several processes leaves a checkpoint that nobody can load, without an error.

`MMSeparateDistributedDataParallel` wraps each network by itself, and their weights are saved with the
wrapper's name in between, `generator.module.conv.weight`. Loading looks for `generator.conv.weight`, on
one process and on several alike, so that a resumed or tested model keeps its random weights; a line in the
log is all that tells. No upstream thread. Here a wrapper inside a model saves its network's weights
under the network's own names. Delete this file when `Runner.save_checkpoint` does that.
"""

import functools

from . import on_import


def apply(report) -> None:
    on_import.after('mmengine.model.wrappers.distributed', lambda module: report(repair(module)))


def repair(distributed) -> bool:
    """Also for who loads by `load_state_dict` of the model around it."""
    wrapper = distributed.MMDistributedDataParallel
    stock = wrapper._load_from_state_dict

    def state_dict(self, *args, **kwargs):
        return self.module.state_dict(*args, **kwargs)

    @functools.wraps(stock)
    def _load_from_state_dict(self, state_dict, prefix, *args):
        inner = f'{prefix}module.'
        for key in [key for key in state_dict if key.startswith(prefix) and not key.startswith(inner)]:
            state_dict[inner + key[len(prefix) :]] = state_dict.pop(key)
        stock(self, state_dict, prefix, *args)

    wrapper.state_dict, wrapper._load_from_state_dict = state_dict, _load_from_state_dict
    return True
