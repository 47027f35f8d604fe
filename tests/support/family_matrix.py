"""Run MMagic's families and print the table: python tests/support/family_matrix.py > docs/families.md."""

import contextlib
import sys

import mmengine.config.config
from matrix import CASES, distil, table


def main() -> None:
    mmengine.config.config.FormatCode = lambda text, **_: (
        text,
        True,
    )  # formatting takes longer than training
    rows = []
    for case in CASES:
        with contextlib.redirect_stdout(sys.stderr):
            rows.append(distil(case))
            print(f'{case.family}: {rows[-1].problem or "yes"}')
    print(table(CASES, rows), end='')


if __name__ == '__main__':
    main()
