"""The pools of old images that some models draw from, such as CycleGAN's."""

from typing import Any

from torch import nn


def image_pools(model: nn.Module) -> list[tuple[str, Any]]:
    """MMagic's pools of old images anywhere in a model, by name; they are no modules, so it forgets them."""
    from mmagic.models.editors.cyclegan.cyclegan_modules import GANImageBuffer

    found = []
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            parts = value.items() if isinstance(value, dict) else [('', value)]
            pools = [(key, part) for key, part in parts if isinstance(part, GANImageBuffer)]
            found += [('.'.join(filter(None, (path, name, str(key)))), pool) for key, pool in pools]
    return [(name, pool) for name, pool in found if pool.buffer_size > 0]
