"""A process group of two whose other process does not exist, to count messages without a second GPU."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def pretended_group() -> Iterator[None]:
    """One process of two, without the other; what its collectives return is meaningless."""
    from mmagic.utils import register_all_modules
    from torch.testing._internal.distributed.fake_pg import FakeStore

    register_all_modules()
    os.environ.setdefault('LOCAL_RANK', '0')
    torch.distributed.init_process_group('fake', rank=0, world_size=2, store=FakeStore())
    try:
        yield
    finally:
        torch.distributed.destroy_process_group()
