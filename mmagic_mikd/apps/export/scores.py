"""The config's own evaluation of a generator, as it is deployed or as it is."""

from mmengine.config import Config
from mmengine.hooks import Hook
from torch import nn

from ...deploy.load import Student
from ...host.taps import unwrap


def scores(student: Student, network: nn.Module) -> str:
    """What the config's own evaluation says of the model with this generator in its place."""
    place, _, name = student.path.rpartition('.')
    owner = unwrap(student.runner.model).get_submodule(place)
    original, kept = owner._modules[name], KeepMetrics()
    student.runner.register_hook(kept)
    try:
        owner._modules[name] = network
        student.runner.test()
    finally:
        owner._modules[name] = original
    return '; ' + ', '.join(f'{key} {value:.4g}' for key, value in kept.metrics.items())


def about_batches(cfg: Config) -> str | None:
    """A sentence where a test normalises images in batches of another size than the training's."""
    loaders = (cfg.get(f'{split}_dataloader') for split in ('train', 'test'))
    trained, tested = (getattr(loader, 'batch_size', None) for loader in loaders)
    if None in (trained, tested) or trained == tested:
        return None
    return (
        f'  test.py normalises each image in a batch of {tested}, the training did in one of {trained}: set '
        f'test_dataloader.batch_size={trained} in the config for the comparison with what was trained'
    )


class KeepMetrics(Hook):
    """What an evaluation has found, which the toolbox's loop does not return."""

    def after_test_epoch(self, runner: object, metrics: dict | None = None) -> None:
        self.metrics = metrics or {}
