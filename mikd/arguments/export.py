"""Write a trained student as a file that runs without the toolbox, checked against it."""

import argparse
from pathlib import Path

from ..refusal import refuse
from . import Parser

FORMATS = ('onnx', 'pt2', 'torch')
STATISTICS = ('auto', 'image', 'frozen')  # 'auto', and those of mmagic_mikd.deploy.form
PRECISIONS = ('fp32', 'fp16', 'int8')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument('config', help='config that the student was trained with')
    parser.add_argument('checkpoint', help='its checkpoint')
    parser.add_argument('--out', type=Path, help='folder; by default export/ beside the checkpoint')
    parser.add_argument('--format', choices=FORMATS, default='onnx')
    parser.add_argument(
        '--statistics',
        choices=STATISTICS,
        default='auto',
        help='of batch normalisation: of each image, or frozen; by default what is closer to test.py',
    )
    parser.add_argument('--precision', choices=PRECISIONS, default='fp32')
    parser.add_argument(
        '--uint8',
        action='store_true',
        help='also DIR/student_uint8.onnx, which takes and makes RGB pictures (1, H, W, 3) of whole numbers',
    )
    parser.add_argument('--size', nargs='+', default=['dynamic'], help="'dynamic', or height and width")
    parser.add_argument('--generator', help='path of the generator in the model')
    parser.add_argument('--images', type=int, default=16, help='of the test set, for the comparison')
    parser.add_argument('--scores', action='store_true', help="also the config's own evaluation of each form")
    args = parser.parse_args(argv)
    check_args(args)
    return args


def check_args(args: argparse.Namespace) -> None:
    """What can be told before anything is loaded."""
    args.size = None if args.size == ['dynamic'] else args.size
    if args.size is not None and not (len(args.size) == 2 and all(s.isdigit() and int(s) for s in args.size)):
        refuse(f"--size {' '.join(args.size)} must be 'dynamic', or height and width in pixels")
    if args.precision != 'fp32' and args.format != 'onnx':
        refuse(f'--precision {args.precision} is for --format onnx')
    if args.uint8 and (args.format, args.precision) != ('onnx', 'fp32'):
        refuse('--uint8 is for --format onnx --precision fp32')
    if '://' in args.checkpoint:
        refuse(f'{args.checkpoint} is an address, and the SHA-256 of a file is kept: download it first')
    if args.images < 1:
        refuse(f'--images {args.images} must be at least 1')
    args.out = args.out or Path(args.checkpoint).parent / 'export'
