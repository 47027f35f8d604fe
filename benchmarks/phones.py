"""What a phone makes of the files of `tools/export.py`, as far as onnxruntime can tell without one.

    PYTHONPATH=tests/support python benchmarks/phones.py      writes benchmarks/phones.md, in minutes
    PYTHONPATH=tests/support python benchmarks/phones.py edsr      prints the rows of these families alone

Each family that has a config here, made tiny, exported for one size, and brought into the format that smaller
builds of onnxruntime read. A node is counted as taken where its operator is in onnxruntime's list for the
accelerator's interface; no phone is asked.
"""

import sys
import tempfile
from pathlib import Path

import mmengine.config.config
import numpy as np
import onnxruntime
from onnxruntime.tools.convert_onnx_models_to_ort import OptimizationStyle, convert_onnx_models_to_ort
from onnxruntime.tools.mobile_helpers import usability_checker as checker
from shipped import FAMILIES, LATENT, trained

from mmagic_mikd.apps.export import export

HERE = Path(__file__).resolve().parent
HEAD = f"""# What a phone makes of the files

Written by `PYTHONPATH=tests/support python benchmarks/phones.py`, onnxruntime {onnxruntime.__version__}.
Each family is made tiny and exported for one size. *Taken* are the nodes whose operator onnxruntime
can hand to the accelerator's interface, and in brackets in how many pieces. The others run on the
processor, and each piece costs a copy there and back. `.ort` is what smaller builds for phones
read; its error is the largest difference from ONNX.

| family | nodes | Core ML takes | Android's NNAPI takes | left to the processor | error of `.ort` |
| --- | ---: | ---: | ---: | --- | ---: |
"""
INTERFACES = {
    'Core ML': lambda model: checker.check_coreml_partitions(
        model, False, 'coreml_supported_mlprogram_ops.md'
    ),
    'NNAPI': lambda model: checker.check_nnapi_partitions(model, False),
}


def taken(path: Path, folder: Path) -> dict[str, checker.PartitioningInfo]:
    """By each interface, of the file as onnxruntime optimises it for every processor."""
    optimised = folder / 'optimised.onnx'
    checker.optimize_model(path, optimised, use_external_initializers=True)
    model = checker.ModelProtoWithShapeInfo(optimised).model_with_shape_info
    return {name: check(model) for name, check in INTERFACES.items()}


def converted(path: Path) -> float:
    """Largest difference of the images of the `.ort` file, for an input of noise; of any size, at 32 px."""
    convert_onnx_models_to_ort(path, optimization_styles=[OptimizationStyle.Fixed])
    sessions = [onnxruntime.InferenceSession(file) for file in (path, path.with_suffix('.ort'))]
    (given,) = sessions[0].get_inputs()
    sides = [side if isinstance(side, int) else 32 for side in given.shape]
    x = np.random.default_rng(0).random(sides, dtype=np.float32)
    one, other = (session.run(None, {given.name: x})[0] for session in sessions)
    assert one.std() > 1e-3  # else nothing is compared
    return float(np.abs(one - other).max())


def row(family: str, folder: Path) -> str:
    model = trained(FAMILIES[family](folder / 'run', 2), folder / 'model')
    size = [] if family in LATENT else ['--size', '32', '32']
    if export.main([*model, '--out', str(folder / 'out'), '--images', '2', *size]):
        return f'| {family} | not written | | | | |'
    path = folder / 'out' / 'student.onnx'
    found = taken(path, folder)
    shares = [f'{each.num_supported_nodes} ({each.num_partitions})' for each in found.values()]
    left = '; '.join(
        f'{name}: {", ".join(sorted(op.removeprefix("ai.onnx:") for op in each.unsupported_ops))}'
        for name, each in found.items()
        if each.unsupported_ops
    )
    nodes = found['NNAPI'].num_nodes
    return f'| {family} | {nodes} | {" | ".join(shares)} | {left or "-"} | {converted(path):.0e} |'


def main() -> None:
    mmengine.config.config.FormatCode = lambda text, **_: (text, True)
    from mmagic.utils import register_all_modules

    register_all_modules()
    lines, asked = [], sys.argv[1:]
    if unknown := set(asked) - set(FAMILIES):
        sys.exit(f'there is no family {", ".join(sorted(unknown))}: there are {", ".join(FAMILIES)}')
    for family in asked or FAMILIES:
        with tempfile.TemporaryDirectory() as folder:
            lines.append(row(family, Path(folder)))
    if asked:
        print('\n'.join(lines))
        return
    text = HEAD + '\n'.join(lines) + '\n'
    (HERE / 'phones.md').write_text(text)
    print(text)


if __name__ == '__main__':
    main()
