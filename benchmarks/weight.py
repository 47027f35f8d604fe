"""The plot of docs/weight.md: an objective at several weights, its gradient and the distance to the teacher.

    python benchmarks/weight.py WORK_DIR ... [--objective pyramid] [--out weight.png]

Each folder is the work_dir of a run; it is the label of its curve.
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt

from mmagic_mikd.apps.analysis.plot_run import read

OUT = Path(__file__).parents[1] / 'docs' / 'images' / 'weight.png'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('work_dirs', type=Path, nargs='+')
    parser.add_argument('--objective', default='pyramid')
    parser.add_argument('--out', type=Path, default=OUT)
    args = parser.parse_args()
    figure, (ratio, distance) = plt.subplots(1, 2, figsize=(10, 3.4), layout='constrained')
    for folder in args.work_dirs:
        series = read(folder)
        for axis, name in ((ratio, f'{args.objective}_grad_ratio'), (distance, 'distance')):
            steps = sorted(series[name])
            axis.plot(steps, [series[name][step] for step in steps], label=folder.name)
            axis.set(title=name, xlabel='iteration', yscale='log')
    for value in (0.01, 1):
        ratio.axhline(value, color='grey', linestyle='--', linewidth=1)
    ratio.legend()
    figure.savefig(args.out, dpi=100)
    print(args.out)


if __name__ == '__main__':
    main()
