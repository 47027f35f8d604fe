"""Two plots of docs/energy.md, from the rows of benchmarks/studies/pix2pix_facades_features.csv.

    python benchmarks/features.py

Left, what a gradient of one strength does, by what makes it; right, what the textures gain and the likeness to
the photograph loses. A dot is a seed, a bar the mean.
"""

import argparse
import csv
import statistics
from collections import defaultdict
from pathlib import Path

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt

HERE = Path(__file__).parent
EQUAL = dict(  # each adds half the norm of all other gradients to the pyramid's
    pyramid15='pyramid alone',
    pyramid15_pyramid05='+ pyramid',
    pyramid15_nce05='+ energy of pixels',
    pyramid15_features05='+ closed form of features',
    pyramid15_feature_nce05='+ energy of features',
)
WEIGHTS = dict(
    sliced_l1='L1',
    pyramid15='pyramid 15',
    pyramid30='pyramid 30',
    pyramid60='pyramid 60',
    pyramid15_random15='15 + random features',
    pyramid15_student15="15 + student's critic",
    pyramid15_features15='15 + features 15',
    pyramid30_features15='30 + features 15',
    pyramid60_features30='60 + features 30',
)
SWD, SSIM = 'swd/avg', 'target/ssim'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--rows', type=Path, default=HERE / 'studies' / 'pix2pix_facades_features.csv')
    parser.add_argument('--out', type=Path, default=HERE.parent / 'docs' / 'images' / 'features.png')
    args = parser.parse_args()
    found: dict[str, list[dict]] = defaultdict(list)
    with args.rows.open() as file:
        for row in csv.DictReader(file):
            if row['which'] == 'last':
                found[row['objective']].append(row)
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout='constrained')
    strengths(left, found)
    weights(right, found)
    figure.savefig(args.out, dpi=110)
    print(args.out)


def strengths(axes: plt.Axes, found: dict[str, list[dict]]) -> None:
    names = [name for name in EQUAL if found[name]]
    for place, name in enumerate(names):
        values = [float(row[SWD]) for row in found[name]]
        axes.barh(place, statistics.mean(values), color='#9db8d9')
        axes.plot(values, [place] * len(values), 'o', color='#24476e', markersize=4)
    axes.axvline(float(found['teacher'][0][SWD]), color='black', linewidth=1, linestyle='--', label='teacher')
    axes.set_yticks(range(len(names)), [EQUAL[name] for name in names])
    axes.invert_yaxis()
    axes.set_xlim(left=35)
    axes.set_xlabel('sliced Wasserstein distance, lower is better')
    axes.legend()


def weights(axes: plt.Axes, found: dict[str, list[dict]]) -> None:
    for name in filter(found.get, WEIGHTS):
        points = [(float(row[SWD]), float(row[SSIM])) for row in found[name]]
        axes.plot(*zip(*points, strict=True), 'o', markersize=4, label=WEIGHTS[name])
    axes.set_xlabel('sliced Wasserstein distance, lower is better')
    axes.set_ylabel('SSIM to the photograph, higher is better')
    axes.legend(fontsize=7)


if __name__ == '__main__':
    main()
