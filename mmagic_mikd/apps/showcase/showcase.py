"""Real-ESRGAN made 28 times faster: weights, student, picture, table, ONNX file and page."""

import sys

from mikd.arguments.showcase import parse_args

from ...utils import escape
from ..launch.launch import user_errors
from ..quickstart.steps import carry_out
from .plan import Plan
from .weights import fetch_weights

NEXT = """
Done in {time}. Look at
  {out}/comparison.png    the test photographs, enlarged by each network
  {out}/results.md        distance to the teacher, milliseconds, size (results.json: the same for programs)
  {out}/export            the distilled student as an ONNX file; demo.html runs it in a browser
Next
  {python} tools/translate.py {out}/export/student.onnx PHOTOGRAPH.jpg LARGE.png --tile 256
  {python} tools/report.py {out}/runs/student_alone {out}/runs/student_distilled \
      --out {out}/report.html    both trainings on one page: curves, pictures, settings"""


@user_errors()
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    if args.only_weights:
        for path in fetch_weights(args.weights or args.out / 'weights').values():
            print(escape.line(path))
        return 0
    return carry_out(
        lambda: Plan(args),
        lambda took: NEXT.format(time=took, out=escape.line(args.out), python=sys.executable),
    )
