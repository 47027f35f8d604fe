"""Write a trained student as a file that runs without the toolbox, checked against it.

    python tools/export.py CONFIG CHECKPOINT --out DIR

writes DIR/student.onnx, DIR/student.json (range, order of channels, sizes, errors), DIR/run.py, a program of
60 lines that needs neither PyTorch nor this package, and DIR/student.md, a card of the model.
"""

import argparse
import hashlib
import shutil
from pathlib import Path

import cv2
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.hooks import Hook
from torch import Tensor

from ...deploy import produce
from ...deploy.compare import Difference, compare
from ...deploy.form import STATISTICS, Deployed, depends_on_batch
from ...deploy.load import Student, clean_up, load_student
from ...deploy.picture import to_picture
from ...deploy.pixels import write_pixels
from ...deploy.spec import Spec
from ...host.taps import unwrap
from ...utils import escape
from ...utils.errors import ConfigError
from ..launch.launch import Parser, read_config, require_checkpoint, require_data, user_errors
from .card import sha256, write_card

FORMATS = ('onnx', 'pt2', 'torch')
LIMITS = dict(fp32=60.0, fp16=45.0, int8=35.0)  # decibels to PyTorch, below which there is no file
EXTRA = 'pip install onnx onnxruntime onnxscript'
KEPT = 4  # test images that lie beside the file
TEMPLATE = Path(__file__).with_name('run_file.py')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='config that the student was trained with')
    parser.add_argument('checkpoint', help='its checkpoint')
    parser.add_argument('--out', type=Path, help='folder; by default export/ beside the checkpoint')
    parser.add_argument('--format', choices=FORMATS, default='onnx')
    parser.add_argument(
        '--statistics',
        choices=('auto', *STATISTICS),
        default='auto',
        help='of batch normalisation: of each image, or frozen; by default what is closer to test.py',
    )
    parser.add_argument('--precision', choices=tuple(LIMITS), default='fp32')
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
        raise ConfigError(f"--size {' '.join(args.size)} must be 'dynamic', or height and width in pixels")
    if args.precision != 'fp32' and args.format != 'onnx':
        raise ConfigError(f'--precision {args.precision} is for --format onnx')
    if args.uint8 and (args.format, args.precision) != ('onnx', 'fp32'):
        raise ConfigError('--uint8 is for --format onnx --precision fp32')
    if '://' in args.checkpoint:
        raise ConfigError(
            f'{args.checkpoint} is an address, and the SHA-256 of a file is kept: download it first'
        )
    if args.images < 1:
        raise ConfigError(f'--images {args.images} must be at least 1')
    args.out = args.out or Path(args.checkpoint).parent / 'export'


@user_errors()
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    require_packages(args.format)
    cfg = read_config(args.config)
    require_checkpoint('checkpoint', args.checkpoint)
    require_data(cfg, 'test_dataloader')
    from mmagic.utils import register_all_modules

    register_all_modules()
    student = load_student(cfg, args.checkpoint, args.images, args.generator)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        if args.format == 'torch':
            target = args.out / 'student.pth'
            produce.weights(student.generator, target)
            say(f'{target}: bare weights, {target.stat().st_size / 1e6:.2f} MB')
            return 0
        network, spec = chosen(student, args)
        return finish(args, cfg, student, network, spec)
    finally:
        clean_up(student)


def say(line: str) -> None:
    print(escape.line(line), flush=True)


def require_packages(form: str) -> None:
    if form != 'onnx':
        return
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ConfigError(f'--format onnx needs {error.name}: {EXTRA}') from error


def chosen(student: Student, args: argparse.Namespace) -> tuple[Deployed, Spec]:
    """The form that ships: with the statistics asked for, or those closest to the toolbox's images."""
    # of latents the toolbox evaluates the frozen statistics, and there is nothing to measure against
    measured = depends_on_batch(student.generator) and bool(student.calls.images)
    kinds = (args.statistics,)
    if args.statistics == 'auto':
        kinds = STATISTICS if measured else ('frozen',)
    found = {kind: form(student, kind) for kind in kinds}
    if measured:
        count = len(student.calls.inputs)
        say(f'Statistics of batch normalisation, against what test.py makes of {count} images:')
        for kind, (network, _, difference) in found.items():
            say(f'  {kind}: {difference}{scores(student, network) if args.scores else ""}')
    kind = max(found, key=lambda name: found[name][2].psnr if found[name][2] else 0.0)
    if len(found) > 1:
        say(f'Chosen: {kind}.')
    return found[kind][:2]


def form(student: Student, statistics: str) -> tuple[Deployed, Spec, Difference | None]:
    """The generator with these statistics, its interface, and how far it is from the toolbox's images."""
    calls, network = student.calls, Deployed(student.generator, statistics, student.output)
    first = calls.inputs[0]
    scale = 1.0 if first.ndim == 2 else network(first).shape[-1] / first.shape[-1]
    spec = student.spec(statistics, scale)
    difference = compare(map(network, calls.inputs), calls.images, spec) if calls.images else None
    return network, spec, difference


def scores(student: Student, network: Deployed) -> str:
    """What the config's own evaluation says of the model with this generator in its place."""
    place, _, name = student.path.rpartition('.')
    owner = unwrap(student.runner.model).get_submodule(place)
    original, kept = owner._modules[name], KeepMetrics()
    student.runner.register_hook(kept)
    try:
        owner._modules[name] = network
        student.runner.test()
    finally:
        owner._modules[name] = original
    return '; ' + ', '.join(f'{key} {value:.4g}' for key, value in kept.metrics.items())


class KeepMetrics(Hook):
    """What an evaluation has found, which the toolbox's loop does not return."""

    def after_test_epoch(self, runner: object, metrics: dict | None = None) -> None:
        self.metrics = metrics or {}


def keep_inputs(inputs: list[Tensor], spec: Spec, folder: Path) -> None:
    """Pictures of the test set, to try the file on: what the network gets, such as a label map."""
    folder.mkdir(exist_ok=True)
    for number, x in enumerate(inputs):
        cv2.imwrite(str(folder / f'{number}.png'), to_picture(x, spec).numpy()[..., ::-1])


def sized(inputs: list[Tensor], size: list[str] | None) -> list[Tensor]:
    """Inputs of the one size that the file is to take."""
    if size is None:
        return inputs
    return [F.interpolate(x, tuple(map(int, size)), mode='bilinear') for x in inputs]


def finish(args: argparse.Namespace, cfg: Config, student: Student, network: Deployed, spec: Spec) -> int:
    """Write, compare, and leave either everything or nothing."""
    for option, given in (('--uint8', args.uint8), ('--size', args.size)):
        if given and spec.kind != 'image':
            raise ConfigError(f'{option} is for generators that take pictures, and this one takes latents')
    inputs = sized(student.calls.inputs, args.size)
    made = produce.file(network, spec, inputs, args.format, args.precision, not args.size, args.out)
    least = LIMITS[args.precision]
    if made.difference.psnr < least:
        made.path.unlink()
        say(f'Refused: the file differs from PyTorch, {made.difference}; at least {least:g} dB are wanted.')
        return 1
    if not made.spec.dynamic:
        inputs = [x for x in inputs if x.shape == inputs[0].shape]
    target, pixels = args.out / f'student.{args.format}', args.out / 'student_uint8.onnx'
    if args.uint8:
        try:
            write_pixels(network, made.spec, inputs, pixels)
        except ConfigError:
            made.path.unlink()
            raise
    told = made.spec.as_dict() | dict(
        precision=args.precision,
        error=made.difference._asdict(),
        config=Path(args.config).name,
        config_sha256=hashlib.sha256(cfg.pretty_text.encode()).hexdigest(),
        checkpoint_sha256=sha256(Path(args.checkpoint)),
    )
    produce.publish(made.path, target, told)
    takes = 'any size' if made.spec.dynamic else f'inputs of {"x".join(map(str, made.spec.shape))} only'
    say(f'{target}: {target.stat().st_size / 1e6:.2f} MB, {takes}; against PyTorch: {made.difference}')
    if args.uint8:
        say(f'{pixels}: RGB pictures in and out, {pixels.stat().st_size / 1e6:.2f} MB')
    write_card(student.generator, told, cfg, [target, *[pixels] * args.uint8], args.out)
    what_next(args, spec, inputs, target)
    return 0


def what_next(args: argparse.Namespace, spec: Spec, inputs: list[Tensor], target: Path) -> None:
    """What runs the file, beside it where that takes pictures; and how."""
    if spec.kind != 'image':
        say(f'Next: mikd translate {target} 0-7 OUT')
    elif args.format == 'onnx':
        shutil.copyfile(TEMPLATE, args.out / 'run.py')
        keep_inputs(inputs[:KEPT], spec, args.out / 'inputs')
        say(f'Next: python {args.out}/run.py PICTURE OUT.png, or mikd demo {args.out}')
