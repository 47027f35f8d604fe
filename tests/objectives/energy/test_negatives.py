"""Images that are not the pair of s."""

import torch

from mmagic_mikd.objectives.energy.negatives import NEGATIVES


def images():
    return torch.arange(2 * 3 * 12 * 12.0).reshape(2, 3, 12, 12)


def test_shuffled_is_another_sample():
    t = images()
    assert torch.equal(NEGATIVES['shuffled'](t, t, None, None), t[[1, 0]])


def test_moved_is_the_same_picture_in_another_place():
    t, generator = images(), torch.Generator().manual_seed(0)
    moves = set()
    for _ in range(200):
        made = NEGATIVES['moved'](t, t, None, generator)
        assert made.shape == t.shape and not any(torch.equal(a, b) for a, b in zip(made, t, strict=True))
        for image, original in zip(made, t, strict=True):
            # the pixel in the middle says how far
            where = (original[0] == image[0, 6, 6]).nonzero()
            moves.add(tuple((where[0] - 6).tolist()))
    # mirrored borders fold some of the 288 moves of up to eight pixels onto others
    assert len(moves) > 80 and (0, 0) not in moves


def test_a_picture_of_two_pixels_moves_by_one():
    t = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    made = NEGATIVES['moved'](t, t, None, torch.Generator().manual_seed(0))
    assert made.shape == t.shape and not torch.equal(made, t)
