"""The size of the input that a config trains on, as its pipelines tell."""

from collections.abc import Iterator, Sequence

from mmengine.config import Config

from ..utils.names import type_name

Size = tuple[int, int]  # height and width


def trained_size(cfg: Config) -> tuple[Size | None, int | None]:
    """Size that the training pipeline leaves, else the test pipeline, and what it is still to be divided by.

    That is 1 for a size of the input, and None where only the ground truth has a size and no scale is told.
    """
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        images = Images()
        for step in flat(pipeline_of(cfg.get(loader))):
            images.pass_through(step)
        if images.sizes:
            return images.of_input
    return None, None


def pipeline_of(loader: object) -> Sequence[dict]:
    dataset = loader.get('dataset') if isinstance(loader, dict) else None
    while dataset and 'pipeline' not in dataset:  # inside a repeating or concatenating one
        dataset = dataset.get('dataset') or next(iter(dataset.get('datasets') or ()), None)
    return (dataset or {}).get('pipeline') or ()


def flat(steps: Sequence) -> Iterator[dict]:
    """The transforms, with those inside a wrapping one in its place."""
    for step in steps:
        inner = step if isinstance(step, list | tuple) else step.get('transforms')
        if inner:
            yield from flat(inner if isinstance(inner, list | tuple) else [inner])
        else:
            yield step


class Images:
    """Sizes of the images in a pipeline by key, in the order in which they were set.

    Super-resolution has two of them, the input and the ground truth, and may crop either.
    """

    def __init__(self) -> None:
        self.sizes: dict[str, Size] = {}
        self.scale: int | None = None  # of the ground truth to the input

    @property
    def of_input(self) -> tuple[Size, int | None]:
        """The last size of an input, with 1; without any, that of the ground truth, with the scale."""
        inputs = [key for key in self.sizes if not is_truth(key)]
        images = [key for key in inputs if key.startswith('img')]  # before a mask, or a reference
        key = (images or inputs or [*self.sizes])[-1]
        return self.sizes[key], self.scale if is_truth(key) else 1

    def pass_through(self, step: dict) -> None:
        """What a transform does to the sizes."""
        kind = type_name(step['type'])
        if kind == 'SetValues':
            self.scale = step.get('dictionary', {}).get('scale', self.scale)
        elif kind == 'CopyValues':
            self._copy(step['src_keys'], step['dst_keys'])
        elif kind == 'RandomResize':
            self._degrade(keys_of(step))
        elif kind == 'Resize':
            self._resize(step, step.get('scale'))
        elif kind == 'MATLABLikeResize':
            self._resize(step, float(step['scale']) if step.get('scale') else step.get('output_shape'))
        elif step.get('gt_patch_size'):
            self._crop_pair(step, pair(step['gt_patch_size']))
        elif is_size(step.get('crop_size')):
            self._resize(step, step['crop_size'])

    def _set(self, key: str, size: Size | None) -> None:
        self.sizes.pop(key, None)  # so that it comes last
        if size:
            self.sizes[key] = size

    def _copy(self, sources: Sequence[str], targets: Sequence[str]) -> None:
        for source, target in zip(sources, targets, strict=False):
            # an input made from the ground truth becomes smaller, perhaps by a transform that is not known here
            becomes_small = is_truth(source) and not is_truth(target)
            self._set(target, None if becomes_small else self.sizes.get(source))

    def _degrade(self, keys: list[str]) -> None:
        """By a factor that is drawn: the ground truth then tells more, if it has a size."""
        if any(map(is_truth, self.sizes)):
            for key in keys:
                self._set(key, None)

    def _resize(self, step: dict, to: object) -> None:
        """To a size or, as floats are, by a factor."""
        keys = keys_of(step)
        for key, target in zip(keys, step.get('output_keys') or keys, strict=False):
            if is_size(to):
                self._set(target, pair(to))
            elif isinstance(to, float):
                height, width = self.sizes.get(key, (0, 0))
                self._set(target, (round(height * to), round(width * to)) if height else None)

    def _crop_pair(self, step: dict, size: Size) -> None:
        self._set(step.get('gt_key', 'gt'), size)
        self._set(step.get('lq_key', 'img'), divided(size, self.scale) if self.scale else None)


def is_truth(key: str) -> bool:
    return key.startswith('gt')


def keys_of(step: dict) -> list[str]:
    keys = step.get('keys') or 'img'
    return [keys] if isinstance(keys, str) else list(keys)


def is_size(value: object) -> bool:
    return isinstance(value, int | tuple | list)


def pair(size: int | Sequence[int]) -> Size:
    return (size, size) if isinstance(size, int) else tuple(size)[-2:]


def divided(size: Size, scale: float) -> Size:
    height, width = size
    return (int(height // scale), int(width // scale))
