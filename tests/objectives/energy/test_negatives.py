"""Images that are not the pair of s."""

import torch

from mmagic_mikd.objectives.energy.langevin import STARTS
from mmagic_mikd.objectives.energy.negatives import NEGATIVES, Drawing


def images(count=2, side=12):
    return torch.arange(count * 3.0 * side * side).reshape(count, 3, side, side)


def draw(kind, t, frames=1, seed=0):
    return NEGATIVES[kind](Drawing(t, t, frames, None, torch.Generator().manual_seed(seed)))


def test_shuffled_is_another_sample():
    t = images()
    assert torch.equal(draw('shuffled', t), t[[1, 0]])


def test_shuffled_is_another_clip_and_not_another_frame():
    t = images(6)
    other = t[[3, 4, 5, 0, 1, 2]]
    assert torch.equal(draw('shuffled', t, frames=3), other)
    assert torch.equal(STARTS['shuffled'][1](t, t, 3), other)


def moves(kind, t, times):
    """Of the pixel in the middle, in many draws."""
    generator, found, middle = torch.Generator().manual_seed(0), set(), t.shape[-1] // 2
    for _ in range(times):
        made = NEGATIVES[kind](Drawing(t, t, 1, None, generator))
        assert made.shape == t.shape and not any(torch.equal(a, b) for a, b in zip(made, t, strict=True))
        for image, original in zip(made, t, strict=True):
            where = (original[0] == image[0, middle, middle]).nonzero()
            found.add(tuple((where[0] - middle).tolist()))
    return found


def test_moved_is_the_same_picture_in_another_place():
    found = moves('moved', images(), 200)
    # mirrored borders fold some of the 288 moves of up to eight pixels onto others
    assert len(found) > 80 and (0, 0) not in found


def test_patches_are_those_of_far_places():
    """Of 32 pixels a move is by 8 to 16; those of the middle stay within the image, but for one row."""
    found = moves('patches', images(side=32), 200)
    distances = {max(map(abs, move)) for move in found}
    assert min(distances) == 8 and max(distances) in (15, 16) and len(found) > 100


def test_a_picture_of_two_pixels_moves_by_one():
    t = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    for kind in ('moved', 'patches'):
        made = draw(kind, t)
        assert made.shape == t.shape and not torch.equal(made, t)
