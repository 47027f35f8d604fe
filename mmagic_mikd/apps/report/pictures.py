"""What input, teacher, student and target look like, on test images or in the last pictures of a training."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from mmagic.evaluation.metrics import psnr, ssim

from ...evaluation.paired import LEAST
from ...utils.errors import ConfigError
from ...utils.names import type_name
from ...visualization.pictures import cut
from .runs import Run

STUDENT, TEACHER, TARGET = 'student', 'teacher', 'target'
SAVED = re.compile(r'distill_(.+)_(\d+)\.png')


class Sample(NamedTuple):
    """Images (H, W, 3) of one input, RGB in [0, 255]: 'input', 'teacher', 'target', and students by name."""

    name: str
    images: dict[str, np.ndarray]

    def distance(self, student: str) -> float:
        """Mean absolute difference to the teacher's image, in grey levels."""
        one, other = (self.images[name].astype(int) for name in (student, TEACHER))
        return float(np.abs(one - other).mean())


class Pictures(NamedTuple):
    """Samples of one generator, and where they come from."""

    generator: str
    samples: list[Sample]
    origin: str


class Ranked(NamedTuple):
    """A sample, which one it is by its distance to the teacher, and that distance in grey levels."""

    rank: str
    sample: Sample
    distance: float


def is_reference(name: str) -> bool:
    """Whether an image is one that students are measured against; several teachers are 'teacher NAME'."""
    return name in (TARGET, TEACHER) or name.startswith(f'{TEACHER} ')


def ranked(samples: Sequence[Sample], student: str) -> list[Ranked]:
    """The best, the median and the worst of them; fewer where there are fewer."""
    samples = [sample for sample in samples if {student, TEACHER} <= sample.images.keys()]
    ordered = sorted(samples, key=lambda sample: sample.distance(student))
    places = {0: 'best', len(ordered) // 2: 'median', len(ordered) - 1: 'worst'} if len(ordered) > 2 else {}
    places = places or dict(zip(range(len(ordered)), ('best', 'worst'), strict=False))
    return [Ranked(rank, ordered[at], ordered[at].distance(student)) for at, rank in places.items()]


def measured(samples: Iterable[Sample], student: str) -> dict[str, float]:
    """Means of PSNR and SSIM to teachers and target, of a teacher to the target, as PairedImageQuality's."""
    found: dict[str, list[float]] = {}
    for sample in samples:
        for other in filter(is_reference, sample.images):
            if student not in sample.images or (is_reference(student) and other != TARGET):
                continue
            a, b = sample.images[other], sample.images[student]
            found.setdefault(f'{other}/psnr', []).append(float(psnr(a, b, input_order='HWC')))
            if min(a.shape[:2]) >= LEAST:
                found.setdefault(f'{other}/ssim', []).append(float(ssim(a, b, input_order='HWC')))
    return {name: sum(values) / len(values) for name, values in found.items()}


def saved_pictures(run: Run) -> list[Pictures]:
    """The last pictures that DistillPictures has drawn of each generator."""
    newest: dict[str, tuple[int, Path]] = {}
    for path in run.folder.rglob('vis_image/distill_*.png'):
        if match := SAVED.fullmatch(path.name):
            name, iteration = match[1], int(match[2])
            newest[name] = max(newest.get(name, (-1, path)), (iteration, path))
    made = []
    for name, (iteration, path) in sorted(newest.items()):
        sheet = cv2.imread(str(path))
        columns = cut(sheet[..., ::-1]) if sheet is not None else None
        if columns:
            samples = [
                Sample(f'row {row}', dict(zip(columns, images, strict=True)))
                for row, images in enumerate(zip(*columns.values(), strict=True), start=1)
            ]
            origin = f'a training batch of iteration {iteration}, drawn by DistillPictures'
            made.append(Pictures(name, without_strangers(samples, run.cfg), origin))
    return made


def without_strangers(samples: list[Sample], cfg: Mapping) -> list[Sample]:
    """No target where inputs and photographs are not of the same places."""
    if not is_unpaired(cfg):
        return samples
    return [s._replace(images={k: v for k, v in s.images.items() if k != TARGET}) for s in samples]


def is_unpaired(cfg: Mapping) -> bool:
    dataset = (cfg.get('train_dataloader') or {}).get('dataset')
    while dataset and 'dataset' in dataset:  # inside a repeating one
        dataset = dataset['dataset']
    return bool(dataset) and type_name(dataset.get('type')).startswith('Unpaired')


def beside(pictures: Sequence[tuple[str, Pictures]]) -> list[Pictures]:
    """Students of several runs on the same input in one sample, each by the name of its run.

    Raises:
        ConfigError: nothing; generators whose inputs differ stay apart.
    """
    joined: list[Pictures] = []
    for name, found in pictures:
        renamed = [
            Sample(s.name, {name if key == STUDENT else key: image for key, image in s.images.items()})
            for s in found.samples
        ]
        match = next(
            (i for i, other in enumerate(joined) if _same_inputs(other.samples, found.samples)), None
        )
        if match is None:
            joined.append(found._replace(samples=renamed))
            continue
        both = zip(joined[match].samples, renamed, strict=True)
        samples = [Sample(a.name, _ordered({**a.images, **b.images, **a.images})) for a, b in both]
        joined[match] = joined[match]._replace(samples=samples)
    return joined


def _ordered(images: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    first = [name for name in images if name == 'input' or (is_reference(name) and name != TARGET)]
    last = [name for name in (TARGET,) if name in images]
    return {name: images[name] for name in (*first, *(n for n in images if n not in first + last), *last)}


def _same_inputs(one: Sequence[Sample], other: Sequence[Sample]) -> bool:
    def same(a: Sample, b: Sample) -> bool:
        shown = [name for name in ('input', TARGET) if name in a.images and name in b.images]
        return a.name == b.name and all(np.array_equal(a.images[n], b.images[n]) for n in shown)

    return len(one) == len(other) and all(map(same, one, other))


def encoded(image: np.ndarray) -> tuple[str, bytes]:
    """Kind and bytes of a file that a browser shows: without loss, up to a size where nobody sees one.

    Raises:
        ConfigError: OpenCV was built without both.
    """
    small = image.shape[0] * image.shape[1] <= 512 * 512
    options = [] if small else [cv2.IMWRITE_WEBP_QUALITY, 95]
    kind = 'png' if small else 'webp'
    done, data = cv2.imencode(f'.{kind}', np.ascontiguousarray(image[..., ::-1]), options)
    if not done:
        raise ConfigError(f'this OpenCV writes no {kind.upper()}: install opencv-python-headless')
    return kind, data.tobytes()
