"""Batches of the first test set, outside of the toolbox's loop."""

from types import SimpleNamespace

from mmengine.config import Config
from mmengine.runner import Runner

from mmagic_mikd.deploy.calls import batches


def test_a_loader_without_a_sampler_is_one_in_order():
    """MMEngine takes it in a test; here it was a KeyError."""
    loader = dict(
        batch_size=1, num_workers=2, dataset=[dict(x=0), dict(x=1)], collate_fn=dict(type='pseudo_collate')
    ) | dict(prefetch_factor=4, multiprocessing_context='fork')  # of workers, which are not wanted here
    for loaders in (loader, [loader]):
        runner = SimpleNamespace(
            cfg=Config(dict(test_dataloader=loaders)), build_dataloader=Runner.build_dataloader
        )
        assert [batch['x'] for batch in batches(runner)] == [[0], [1]]
