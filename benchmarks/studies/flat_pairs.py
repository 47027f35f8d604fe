"""Pairs for a study of starts: photographs whose brightest part is white, and label maps in which it is grey.

    python benchmarks/studies/flat_pairs.py

Large flat areas that differ between input and target are what a student that starts as the first channels of
its teacher can be trapped by. Reads sr_bsds200_train and writes {train,val,test} into --out, 50, 20 and 30
pictures of 128 x 64 pixels, the photograph on the left.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

SIDE, COUNTS = 64, dict(train=50, val=20, test=30)
# of the labels, darkest first, as BGR; white in the photograph has the grey one
PALETTE = np.array([[70, 20, 20], [140, 60, 0], [0, 110, 110], [60, 160, 60], [128, 128, 128]], np.uint8)
SHARES = [0.2, 0.4, 0.6, 0.72]  # of the pixels, up to which they have a label


def pair(photograph: np.ndarray) -> np.ndarray:
    """The picture (H, 2 H, 3) of a photograph and its labels."""
    side = min(photograph.shape[:2])
    y, x = ((length - side) // 2 for length in photograph.shape[:2])
    square = photograph[y : y + side, x : x + side]
    image = cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    brightness = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), (0, 0), SIDE / 32)
    labels = np.digitize(brightness, np.quantile(brightness, SHARES))
    image[labels == len(SHARES)] = 255
    return np.concatenate([image, PALETTE[labels]], 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--data', type=Path, default=Path('../shared/data'), help='folder of the data sets')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/flat/flat_pairs'))
    args = parser.parse_args()
    files = iter(sorted((args.data / 'sr_bsds200_train' / 'images').iterdir()))
    for split, count in COUNTS.items():
        (args.out / split).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            photograph = cv2.imread(str(next(files)))
            cv2.imwrite(str(args.out / split / f'{number:03d}.png'), pair(photograph))
    print(args.out)


if __name__ == '__main__':
    main()
