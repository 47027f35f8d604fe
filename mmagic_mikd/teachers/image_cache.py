"""Images of a teacher kept on disk: an input that comes again costs a file in place of a forward pass."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map_only

from ..utils.checks import require_known, require_number, short
from ..utils.errors import ConfigError
from ..utils.rng import RandomState
from .tensor_store import TensorStore, bytes_of

KEY = 'default_hooks.distill.teacher.cache'
GIGABYTES = 4.0
Image = Callable[[tuple, dict], Tensor]  # what the teacher makes of these arguments


class ImageCache:
    """A teacher's images by input and weights, bit-identical to those that it would make again.

    An image is kept for each sample where pairs give the same bits as the whole batch, which is tried once for
    each shape; where not, for each batch. (A sample alone has other bits: torch runs small ones by another
    convolution.) Several processes may share the folder. Files appear whole or not at all, and carry a
    checksum. A full cache keeps what it has and takes nothing more: to evict the oldest would lose every image
    just before its next use, as an epoch asks for all of them in turn.

    Args:
        folder: of the cache.
        gigabytes: that the images of all teachers in it may take.
        network: the teacher, with its weights.
        description: what else decides what it makes of an input.

    Attributes:
        hits, misses: images that were read, and that the teacher had to make.
    """

    def __init__(self, folder: Path, gigabytes: float, network: nn.Module, description: Any) -> None:
        self.store = TensorStore(folder, int(gigabytes * 1e9), KEY)
        self.hits = self.misses = 0
        self._full = False
        self._teacher = fingerprint(network, description)
        self._alike: dict[str, bool] = {}  # whether samples of a batch come out as in pairs, by its shape

    @classmethod
    def from_config(cls, cfg: Mapping, network: nn.Module, description: Any) -> 'ImageCache | None':
        """Of ``teacher.cache``: a folder, or ``dict(folder=..., gigabytes=4)``; None where there is none.

        Raises:
            ConfigError: it is none of these, or the folder cannot be used.
        """
        wanted = cfg.get('cache')
        if wanted is None:
            return None
        wanted = wanted if isinstance(wanted, Mapping) else dict(folder=wanted)
        require_known(KEY, wanted, ('folder', 'gigabytes'))
        folder, key = wanted.get('folder'), f'{KEY}.folder' if isinstance(cfg['cache'], Mapping) else KEY
        if not isinstance(folder, str) or not folder:
            raise ConfigError(f'{key}={short(folder)} must be the name of a folder')
        if network.training:
            raise ConfigError(
                f"{KEY}: a teacher in mode 'train' makes another image of an input in every batch; leave "
                "`cache` out, or set teacher.mode='eval'"
            )
        gigabytes = wanted.get('gigabytes', GIGABYTES)
        require_number(f'{KEY}.gigabytes', gigabytes, above=0)
        told = {k: v for k, v in cfg.items() if k not in ('cache', 'checkpoint', 'entry', 'resize')}
        return cls(Path(folder).expanduser(), gigabytes, network, [told, description])

    def __call__(self, make: Image, args: tuple, kwargs: dict) -> Tensor:
        """What ``make`` makes of the arguments, from the folder where it is there."""
        batch = Batch(args, kwargs)
        if batch.count == 1:
            return self._whole(make, batch)
        if batch.situation not in self._alike:
            return self._first(make, batch)
        return self._of_samples(make, batch) if self._alike[batch.situation] else self._whole(make, batch)

    def _first(self, make: Image, batch: 'Batch') -> Tensor:
        """Of a new shape: the teacher's images, and whether it makes the same of pairs."""
        whole = made(make, batch)
        last = batch.count - 2
        pairs = [[min(at, last), min(at, last) + 1] for at in range(0, batch.count, 2)]
        if batch.count == 2:  # whose only pair is the batch itself
            pairs = [[0, 0], [1, 1]]
        self._alike[batch.situation] = all(
            torch.equal(made(make, batch.of(pair)), whole[pair]) for pair in pairs
        )
        self.misses += batch.count
        if self._alike[batch.situation]:
            self._keep(batch.keys(self._teacher), whole.split(1))
        else:
            self._keep([batch.key(self._teacher)], [whole])
        return whole

    def _of_samples(self, make: Image, batch: 'Batch') -> Tensor:
        """Each from the folder, and those that are not there by the teacher, together."""
        keys = batch.keys(self._teacher)
        found = [self.store.get(key) for key in keys]
        absent = [index for index, image in enumerate(found) if image is None]
        self.hits, self.misses = self.hits + batch.count - len(absent), self.misses + len(absent)
        if absent:
            two = absent * 2 if len(absent) == 1 else absent  # never alone
            images = made(make, batch.of(two)).split(1)[: len(absent)]
            self._keep([keys[index] for index in absent], images)
            for index, image in zip(absent, images, strict=True):
                found[index] = image
        return torch.cat([image.to(batch.device) for image in found])

    def _whole(self, make: Image, batch: 'Batch') -> Tensor:
        """The batch as one thing."""
        key = batch.key(self._teacher)
        kept = self.store.get(key)
        if kept is not None:
            self.hits += batch.count
            return kept.to(batch.device)
        self.misses += batch.count
        image = made(make, batch)
        self._keep([key], [image])
        return image

    def _keep(self, keys: Sequence[str], images: Sequence[Tensor]) -> None:
        if self._full or all([self.store.put(*each) for each in zip(keys, images, strict=True)]):
            return
        self._full = True
        print_log(
            f'{KEY}: {self.store.folder} holds as much as it may, {self.store.most / 1e9:g} GB: other images '
            'are made anew every time (gigabytes= gives it more)',
            'current',
            logging.WARNING,
        )


class Batch:
    """What a teacher is given in one call.

    Attributes:
        count: of samples; 1 where that cannot be told, and it is one thing.
        situation: all but the numbers: shapes and kinds of the tensors, other arguments, how it is computed.
    """

    def __init__(self, args: tuple, kwargs: dict) -> None:
        self.args, self.kwargs = args, kwargs
        self._tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        counts = {len(tensor) if tensor.ndim else 0 for tensor in self._tensors}
        self.count = max(1, *counts) if len(counts) == 1 else 1
        self.device = self._tensors[0].device
        self.situation = f'{self.count} {self._kind(0)}'

    def of(self, indices: Sequence[int]) -> 'Batch':
        """Some of its samples."""
        return Batch(*tree_map_only(Tensor, lambda t: t[list(indices)], (self.args, self.kwargs)))

    def key(self, teacher: str) -> str:
        """Of the batch as one thing."""
        return digest(f'{teacher} {self.situation}', self._tensors)

    def keys(self, teacher: str) -> list[str]:
        """Of its samples, among others."""
        told = f'{teacher} {self._kind(1)}'
        return [digest(told, [t[index] for t in self._tensors]) for index in range(self.count)]

    def _kind(self, first: int) -> str:
        """Without the first dimensions."""
        shapes = tree_map_only(
            Tensor, lambda t: (tuple(t.shape[first:]), str(t.dtype)), (self.args, self.kwargs)
        )
        device = self.device.type
        cast = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else None
        return f'{shapes} {device} {cast} {arithmetic()}'


def arithmetic() -> str:
    """Settings of torch under which the same machine makes other bits; a config may change any of them."""
    parts = torch.backends
    matmul, cudnn, mkldnn = parts.cuda.matmul, parts.cudnn, parts.mkldnn
    precision = [each.fp32_precision for each in (matmul, cudnn.conv, mkldnn.matmul, mkldnn.conv)]
    half = matmul.allow_fp16_reduced_precision_reduction, matmul.allow_bf16_reduced_precision_reduction
    kernels = cudnn.enabled, cudnn.benchmark, cudnn.deterministic, mkldnn.enabled
    return f'{precision} {half} {kernels} {torch.are_deterministic_algorithms_enabled()}'


def digest(told: str, tensors: Iterable[Tensor]) -> str:
    sha = hashlib.sha256(told.encode())
    for tensor in tensors:
        sha.update(bytes_of(tensor))
    return sha.hexdigest()


def made(make: Image, batch: Batch) -> Tensor:
    """What the teacher makes, of copies: some networks change their inputs in place.

    Raises:
        ConfigError: it draws random numbers, so that its next image of this input is another.
    """
    before = RandomState.capture(batch.device)
    image = make(*tree_map_only(Tensor, Tensor.clone, (batch.args, batch.kwargs)))
    if not RandomState.capture(batch.device).equals(before):
        raise ConfigError(
            f'{KEY}: the teacher draws random numbers, so that an input has no one image: leave `cache` out'
        )
    return image


def fingerprint(network: nn.Module, description: Any) -> str:
    """Of a network with its weights, and of the machine whose kernels run it."""
    told = hashlib.sha256(f'{type(network)} {network} {json.dumps(description, default=repr)}'.encode())
    cpu = torch.backends.cpu.get_cpu_capability()
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else ''
    told.update(f'{torch.__version__} {cpu} {gpu}'.encode())
    for name, tensor in network.state_dict().items():
        told.update(f'{name} {tensor.dtype} {tuple(tensor.shape)}'.encode())
        told.update(bytes_of(tensor))
    return told.hexdigest()
