"""The test images on which students of a study are furthest from their teacher, as one picture.

    python tools/study.py run benchmarks/studies/headline_cyclegan.yaml --only student=x16 seed=0
    python benchmarks/worst.py benchmarks/studies/headline_cyclegan.yaml --student x16 \
        --objectives none sliced_pyramid --generator generators.winter --out worst.jpg

The first command leaves the checkpoints, of which the second takes the last. A block is an objective, with the
worst images of its own: the input, what the teacher makes of it, and the student.
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt

from mmagic_mikd.apps.launch.launch import user_errors
from mmagic_mikd.apps.report.pictures import STUDENT, TEACHER, Sample
from mmagic_mikd.apps.report.runs import Run
from mmagic_mikd.apps.report.testing import of_test_set
from mmagic_mikd.apps.study.cells import Study
from mmagic_mikd.utils.errors import ConfigError

ROWS = ('input', TEACHER, STUDENT)


def worst(run: Run, teacher: dict, generator: str | None, images: int, count: int) -> list[Sample]:
    """Those of the first ``images`` test images that are furthest from the teacher's, the furthest first."""
    found = of_test_set(run, teacher, images)
    by_path = {each.generator: each.samples for each in found}
    if generator not in (None, *by_path):
        raise ConfigError(
            f'--generator {generator} is none of those of {run.name}: {", ".join(map(str, by_path))}'
        )
    samples = by_path[generator] if generator else found[0].samples
    return sorted(samples, key=lambda sample: sample.distance(STUDENT), reverse=True)[:count]


def draw(blocks: dict[str, list[Sample]], out: Path) -> None:
    first = next(iter(blocks.values()))
    rows = [name for name in ROWS if name in first[0].images]
    width = sum(map(len, blocks.values()))
    figure, axes = plt.subplots(len(rows), width, figsize=(width * 0.9, len(rows) * 0.9 + 0.3), squeeze=False)
    figure.subplots_adjust(left=0.06, right=1, bottom=0, top=0.91, wspace=0.04, hspace=0.04)
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])
        axis.set_frame_on(False)
    for row, name in enumerate(rows):
        axes[row, 0].set_ylabel(name, fontsize=8)
    place = 0
    for title, samples in blocks.items():
        mean = sum(sample.distance(STUDENT) for sample in samples) / len(samples)
        axes[0, place].set_title(f'{title}: {mean:.0f} grey levels', fontsize=8, loc='left')
        for sample in samples:
            for row, name in enumerate(rows):
                axes[row, place].imshow(sample.images[name], interpolation='nearest')
            place += 1
    figure.savefig(out, dpi=120)


@user_errors()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('study', type=Path)
    parser.add_argument('--student', required=True)
    parser.add_argument('--objectives', nargs='+', required=True)
    parser.add_argument('--titles', nargs='+', help='of the objectives')
    parser.add_argument('--generator', help='path of one of several, such as generators.winter')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--images', type=int, default=50, help='test images that are looked at')
    parser.add_argument('--count', type=int, default=4, help='of an objective')
    parser.add_argument('--out', type=Path, required=True)
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/studies'), help='as of the study')
    parser.add_argument('--data', type=Path)
    args = parser.parse_args()
    titles = args.titles or args.objectives
    if len(titles) != len(args.objectives):
        raise ConfigError(f'--titles has {len(titles)} names for {len(args.objectives)} --objectives')
    study, blocks = Study(args.study, args.work_dir, args.data), {}
    for key, name in [('students', args.student), *(('objectives', each) for each in args.objectives)]:
        if name not in study.spec[key]:
            raise ConfigError(f'{study.path} has no {key}.{name}: {", ".join(study.spec[key])}')
    for title, objective in zip(titles, args.objectives, strict=True):
        run = Run(study.work_dir / study.cell(args.student, objective, args.seed).folder / 'run', title)
        blocks[title] = worst(run, study.teacher_entry, args.generator, args.images, args.count)
    draw(blocks, args.out)
    print(args.out)


if __name__ == '__main__':
    main()
