"""Size and cost of the generators of MMagic configs, without their discriminators and losses."""

import argparse

from . import Parser

LEGEND = """\
params: of one generator. MACs: multiply-accumulates performed for one image of the given input shape, with
transposed convolutions at input resolution, as MMEngine counts. MACs (paper): with transposed convolutions
at output resolution, as the papers on compressing Pix2Pix and CycleGAN count; never compare the two."""


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__, epilog=LEGEND, allow_abbrev=False)
    parser.add_argument('configs', nargs='+', metavar='CONFIG', help='config files')
    parser.add_argument(
        '--input-shape',
        type=int,
        nargs='+',
        help='of one input without batch, such as 3 256 256; by default as the configs say',
    )
    parser.add_argument('--device', help='by default cuda where there is one')
    return parser.parse_args(argv)
