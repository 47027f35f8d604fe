"""What happens right after the batches that an interrupted run had used, in both of the toolbox's loops."""

from types import SimpleNamespace

import pytest

from mmagic_mikd.resume.rewind import OldBatches


@pytest.fixture
def said():
    return []


def by_iterations(done):
    return SimpleNamespace(dataloader_iterator=iter(range(5)), iter=done)


def test_after_the_last_old_batch_and_only_then(said):
    loop = by_iterations(2)
    own = loop.dataloader_iterator
    OldBatches(loop, lambda: said.append('now'))
    assert next(loop.dataloader_iterator) == 0 and said == []
    assert next(loop.dataloader_iterator) == 1 and said == ['now']
    assert loop.dataloader_iterator is own and list(own) == [2, 3, 4] and said == ['now']


def test_before_the_first_new_epoch(said):
    loop = type('Loop', (), dict(run_epoch=lambda self: said.append('epoch')))()
    OldBatches(loop, lambda: said.append('now'))
    loop.run_epoch()
    loop.run_epoch()
    assert said == ['now', 'epoch', 'epoch']


@pytest.mark.parametrize('used', [1, 2, 3])
def test_within_an_epoch_old_batches_are_drawn_and_not_used(said, used):
    hooks = SimpleNamespace(call_hook=said.append, model=SimpleNamespace(train=lambda: None))
    loop = type('Loop', (), dict(run_epoch=lambda self: said.append('epoch')))()
    loop.runner, loop.dataloader, loop._epoch = hooks, ['a', 'b', 'c'], 4
    loop.run_iter = lambda index, batch: said.append((index, batch))
    OldBatches(loop, lambda: said.append('now'), used)
    loop.run_epoch()
    loop.run_epoch()
    new = list(enumerate('abc'))[used:]
    assert said == ['before_train_epoch', 'now', *new, 'after_train_epoch', 'epoch'] and loop._epoch == 5


def test_once_where_there_is_no_new_batch(said):
    old = OldBatches(by_iterations(0), lambda: said.append('now'))
    old.end()
    old.end()
    assert said == ['now']


def test_removed_it_leaves_the_loop_alone(said):
    loop = by_iterations(2)
    own = loop.dataloader_iterator
    OldBatches(loop, lambda: said.append('now')).remove()
    assert loop.dataloader_iterator is own and said == []
