"""Write a trained student as a file that runs without the toolbox, checked against it.

    python tools/export.py CONFIG CHECKPOINT --out DIR

writes DIR/student.onnx, DIR/student.json (range, order of channels, sizes, errors), DIR/run.py, a program of
70 lines that needs neither PyTorch nor this package, and DIR/student.md, a card of the model.
"""

import argparse
import copy
import shutil
from pathlib import Path

import torch.nn.functional as F
from mmengine.config import Config
from torch import Tensor

from mikd.arguments.export import parse_args

from ...deploy import produce
from ...deploy.calls import of_training
from ...deploy.compare import Difference, compare
from ...deploy.form import STATISTICS, Deployed, depends_on_batch
from ...deploy.load import Student, clean_up, load_student
from ...deploy.pixels import write_pixels
from ...deploy.precision import NO_CALIBRATION, Calibration
from ...deploy.spec import Spec
from ...utils import escape
from ...utils.checks import quoted
from ...utils.errors import ConfigError
from ..launch.launch import read_config, require_checkpoint, require_data, user_errors
from .card import write_card
from .folder import keep_inputs, keep_weights, origin_of, outdated, require_own
from .scores import about_batches, scores

LIMITS = dict(fp32=60.0, fp16=45.0, int8=35.0)  # decibels to PyTorch, below which there is no file
EXTRA = 'pip install onnx onnxruntime onnxscript'
KEPT = 4  # test images that lie beside the file
TEMPLATE = Path(__file__).with_name('run_file.py')


@user_errors()
def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    require_packages(args.format)
    cfg = read_config(args.config)
    require_checkpoint('checkpoint', args.checkpoint)
    origin = origin_of(args.config, cfg, args.checkpoint)
    require_own(args.out, origin)
    images = 0 if args.format == 'torch' else args.images  # of bare weights nothing is compared
    if images:
        require_data(cfg, 'test_dataloader')
    from mmagic.utils import register_all_modules

    register_all_modules()
    student = load_student(cfg, args.checkpoint, images, args.generator)
    try:
        origin['generator'] = student.path
        if require_own(args.out, origin):
            say(f'{args.out} holds an export of this student, which is renewed.')
        args.out.mkdir(parents=True, exist_ok=True)
        if args.format == 'torch':
            target = keep_weights(student.generator, origin, args.out)
            say(f'{target}: bare weights, {target.stat().st_size / 1e6:.2f} MB')
            return 0
        network, spec = chosen(student, args)
        require_pictures(args, spec)
        return finish(args, cfg, student, network, spec, origin)
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
    found = {kind: form(student, kind) for kind in kinds if possible(student, kind, len(kinds) > 1)}
    if measured:
        count = len(student.calls.inputs)
        say(f'Statistics of batch normalisation, against what test.py makes of {count} images:')
        for kind, (network, _, difference) in found.items():
            say(f'  {kind}: {difference}{scores(student, network) if args.scores else ""}')
        if args.scores:  # of a copy, whose running statistics a test in training mode may move
            say(f'  test.py itself{scores(student, copy.deepcopy(student.generator))}')
        else:
            say("  (--scores adds the config's own evaluation of each)")
    kind = max(found, key=lambda name: found[name][2].psnr if found[name][2] else 0.0)
    if len(kinds) > 1:
        if sentence := measured and about_batches(student.runner.cfg):
            say(sentence)
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


def possible(student: Student, statistics: str, otherwise: bool) -> bool:
    """Whether the network can be called so; maps of one pixel have no statistics of their own.

    Raises:
        ConfigError: it cannot, and there is no other way.
    """
    try:
        Deployed(student.generator, statistics)(student.calls.inputs[0])
    except Exception as error:  # of networks of others, whose errors are of every class
        if otherwise and statistics == 'image':
            say(f'Statistics of each image are impossible ({quoted(error)}).')
            return False
        raise ConfigError(
            f'{type(student.generator).__name__} cannot be called with one input alone ({quoted(error)}); '
            '--format torch writes its weights'
        ) from error
    return True


def takes(spec: Spec) -> str:
    shape = 'x'.join(map(str, spec.shape))
    if spec.kind == 'latent':
        sizes = f'latents of {shape}'
    else:
        sizes = 'any size' if spec.dynamic else f'inputs of {shape} only'
    return f'{sizes}, {"one or several" if spec.batch else "one"} at a time'


def sized(inputs: list[Tensor], size: list[str] | None) -> list[Tensor]:
    """Inputs of the one size that the file is to take."""
    if size is None:
        return inputs
    return [F.interpolate(x, tuple(map(int, size)), mode='bilinear') for x in inputs]


def calibration(args: argparse.Namespace, student: Student) -> Calibration:
    """Inputs that the file is not judged by, where whole numbers ask for them."""
    if args.precision != 'int8':
        return NO_CALIBRATION
    found = of_training(student.runner, student.generator, args.images)
    return found._replace(inputs=sized(found.inputs, args.size))


def close(
    args: argparse.Namespace, student: Student, network: Deployed, spec: Spec, inputs: list[Tensor]
) -> produce.Made | None:
    """The file, where it is close enough to PyTorch; else none is left."""
    others = calibration(args, student)
    if not args.size and spec.kind == 'image':
        size = ' '.join(str(side) for side in spec.shape[1:])
        say(f'Trying a file that takes any size, which may take minutes: --size {size} is quicker.')
    made = produce.file(network, spec, inputs, args.format, args.precision, not args.size, args.out, others)
    if made.calibrated:
        say(f'Calibrated with {made.calibrated}.')
    least = LIMITS[args.precision]
    if made.difference.psnr >= least:
        return made
    made.path.unlink()
    say(f'Refused: the file differs from PyTorch, {made.difference}; at least {least:g} dB are wanted.')
    return None


def require_pictures(args: argparse.Namespace, spec: Spec) -> None:
    for option, given in (('--uint8', args.uint8), ('--size', args.size)):
        if given and spec.kind != 'image':
            raise ConfigError(f'{option} is for generators that take pictures, and this one takes latents')


def finish(
    args: argparse.Namespace,
    cfg: Config,
    student: Student,
    network: Deployed,
    spec: Spec,
    origin: dict[str, str],
) -> int:
    """Write, compare, and leave either everything or nothing."""
    inputs = sized(student.calls.inputs, args.size)
    made = close(args, student, network, spec, inputs)
    if made is None:
        return 1
    if not made.spec.dynamic:
        inputs = [x for x in inputs if x.shape == inputs[0].shape]
    target, pixels = args.out / f'student.{args.format}', args.out / 'student_uint8.onnx'
    files = [target, *[pixels] * args.uint8]
    old = outdated(args.out, origin, files)
    if args.uint8:
        try:
            write_pixels(network, made.spec, inputs, pixels)
        except ConfigError:
            made.path.unlink()
            raise
    told = made.spec.as_dict() | dict(
        precision=args.precision,
        calibrated=made.calibrated,
        error=made.difference._asdict(),
        **origin,
    )
    for path in old:
        path.unlink()
    produce.publish(made.path, target, told)
    size = f'{target.stat().st_size / 1e6:.2f} MB'
    say(f'{target}: {size}, takes {takes(made.spec)}; against PyTorch: {made.difference}')
    if args.uint8:
        say(f'{pixels}: RGB pictures in and out, {pixels.stat().st_size / 1e6:.2f} MB')
    write_card(student.generator, told, cfg, files, args.out)
    what_next(args, spec, inputs, target)
    return 0


def what_next(args: argparse.Namespace, spec: Spec, inputs: list[Tensor], target: Path) -> None:
    """What runs the file, beside it where that takes pictures; and how."""
    if spec.kind != 'image':
        also = f', or mikd demo {args.out}' if args.format == 'onnx' else ''
        say(f'Next: mikd translate {target} 0-7 {args.out}/seeds{also}')
    elif args.format == 'onnx':
        shutil.copyfile(TEMPLATE, args.out / 'run.py')
        keep_inputs(inputs[:KEPT], spec, args.out / 'inputs')
        say(f'Next: python {args.out}/run.py PICTURE OUT.png, or mikd demo {args.out}')
    else:
        say(f'Next: mikd translate {target} PICTURE OUT.png')
