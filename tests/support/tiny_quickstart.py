"""Settings for `--cfg-options` that make the quickstart's networks tiny."""

TINY = [
    'model.generator.base_channels=2',
    'model.discriminator.base_channels=2',
    'train_dataloader.batch_size=2',
    'train_dataloader.num_workers=0',
    'train_dataloader.persistent_workers=False',
]
TINY_TEACHER = 'default_hooks.distill.teacher.model.generator.base_channels=2'
