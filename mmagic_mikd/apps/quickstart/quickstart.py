"""From image pairs to a distilled Pix2Pix, one picture and one table."""

import sys

from mikd.arguments.quickstart import parse_args

from ...utils import escape
from ..launch.launch import user_errors
from .plan import Plan
from .steps import carry_out

NEXT = """
Done in {time}. Look at
  {out}/comparison.png    what each generator draws
  {out}/results.md        size, cost and scores (results.json: the same for programs)
  {out}/checkpoints       the three models, for any MMagic
Next
  your own pairs:    bash tools/quickstart.sh --data DIR --out work_dirs/mine
  another setting:   copy {out}/configs/student_distilled.py beside itself, edit the copy, then
                     {python} tools/train.py COPY
  a file to ship:    {python} tools/export.py {out}/configs/student_distilled.py \\
                     {out}/checkpoints/student_distilled.pth
  the real size:     tools/dist_train.sh configs/mikd_pix2pix.py 8"""


@user_errors()
def main() -> int:
    args = parse_args()
    return carry_out(
        lambda: Plan(args),
        lambda took: NEXT.format(time=took, out=escape.line(args.out), python=sys.executable),
    )


if __name__ == '__main__':
    sys.exit(main())
