"""The pictures of all runs beside each other, as the page holds them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..launch.explain import explain
from . import pictures
from .page import data_uri
from .pictures import Pictures
from .runs import Run


class Seen(NamedTuple):
    """Pictures of all runs, the scores measured on them by network, and why there are no others."""

    pictures: list[Pictures]
    scores: dict[str, dict[str, float]]
    notes: list[str]


def look(runs: Sequence[Run], main: Run, images: int) -> Seen:
    """Test images through all networks; the pictures of the training where that cannot be."""
    found, notes = [], []
    for run in runs:
        seen, note = look_at(run, main.teacher or None, images)
        notes += [note] if note else []
        found += [(run.name, each) for each in seen]
    joined = pictures.beside(found)
    scores: dict[str, dict[str, float]] = {}
    for each in joined:
        prefix = f'{each.generator} ' if len({one.generator for one in joined}) > 1 else ''
        for name in dict.fromkeys(n for s in each.samples for n in s.images):
            if name not in ('input', pictures.TARGET):
                values = pictures.measured(each.samples, name)
                scores.setdefault(name, {}).update({prefix + score: value for score, value in values.items()})
    return Seen(joined, scores, notes)


def look_at(run: Run, teacher: dict | None, images: int) -> tuple[list[Pictures], str]:
    """Pictures of one run, and a sentence where they are not of the test set."""
    note = ''
    if images:
        from .testing import of_test_set

        try:
            return of_test_set(run, run.teacher or teacher, images), ''
        except Exception as error:
            reason = explain(error)
            if reason is None:  # a bug of ours keeps its traceback
                raise
            note = f'The test images of {run.name} could not be shown: {reason}.'
    return pictures.saved_pictures(run), note


def slider(found: Pictures, main: str, runs: Sequence[str]) -> dict[str, Any]:
    """Best, median and worst sample of the main run, as files within the page."""
    names = list(dict.fromkeys(name for sample in found.samples for name in sample.images))
    judged = main if main in names else next((name for name in runs if name in names), '')
    samples = []
    for rank, sample, distance in pictures.ranked(found.samples, judged) or unranked(found.samples):
        shown = {
            name: (data_uri(*pictures.encoded(image)), *image.shape[1::-1])
            for name, image in sample.images.items()
        }
        samples.append(dict(rank=rank, name=sample.name, distance=distance, images=shown))
    left = pictures.TEACHER if pictures.TEACHER in names else names[0]
    chosen = dict(left=left, right=judged or names[-1])
    return dict(found._asdict(), names=names, judged=judged, samples=samples, **chosen)


def unranked(samples: Sequence[pictures.Sample]) -> list[pictures.Ranked]:
    """The first ones, where there is no teacher to be near to."""
    return [pictures.Ranked('', sample, float('nan')) for sample in samples[:3]]
