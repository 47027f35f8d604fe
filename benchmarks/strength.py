"""Two plots of docs/energy.md, from the rows of benchmarks/studies/pix2pix_facades_rivals.csv.

    python benchmarks/strength.py

Left, the textures that objectives of one strength give; right, what the textures gain and the likeness to the
photograph loses. A dot is a seed, a bar the mean.
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
NAMES = dict(
    sliced='the start alone',
    pyramid05='pyramid',
    ssim05='SSIM',
    l105='L1',
    random05='L1 of random features',
    perceptual05='L1 of features',
    feature_nce05='energy of features',
    l105_adversarial='L1, learned critic of pixels',
    l105_adversarial_features='L1, learned critic of features',
)
SWD, SSIM = 'swd/avg', 'target/ssim'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--rows', type=Path, default=HERE / 'studies' / 'pix2pix_facades_rivals.csv')
    parser.add_argument('--out', type=Path, default=HERE.parent / 'docs' / 'images' / 'strength.png')
    args = parser.parse_args()
    found: dict[str, list[dict]] = defaultdict(list)
    with args.rows.open() as file:
        for row in csv.DictReader(file):
            if row['which'] == 'last':
                found[row['objective']].append(row)
    names = [name for name in NAMES if found[name]]
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout='constrained')
    colours = {name: f'C{place}' for place, name in enumerate(names)}
    for place, name in enumerate(names):
        swd, ssim = ([float(row[score]) for row in found[name]] for score in (SWD, SSIM))
        left.barh(place, statistics.mean(swd), color=colours[name], alpha=0.4)
        left.plot(swd, [place] * len(swd), 'o', color=colours[name], markersize=4)
        right.plot(swd, ssim, 'o', color=colours[name], markersize=4, label=NAMES[name])
    (teacher,) = found['teacher']
    left.axvline(float(teacher[SWD]), color='black', linewidth=1, linestyle='--', label='teacher')
    right.plot(float(teacher[SWD]), float(teacher[SSIM]), 'k*', label='teacher')
    left.set_yticks(range(len(names)), [NAMES[name] for name in names])
    left.invert_yaxis()
    left.set_xlim(left=35)
    for axes in (left, right):
        axes.set_xlabel('sliced Wasserstein distance, lower is better')
    right.set_ylabel('SSIM to the photograph, higher is better')
    left.legend()
    right.legend(fontsize=7)
    figure.savefig(args.out, dpi=110)
    print(args.out)


if __name__ == '__main__':
    main()
