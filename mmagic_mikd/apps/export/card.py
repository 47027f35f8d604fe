"""The card of an exported student: what it takes and makes, where it comes from, and the sums of its files."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from mmengine.config import Config
from torch import nn

from ...deploy.compare import Difference
from ...engine.old_spelling import OLD_KEYS
from ...engine.settings import NEW_KEYS, read
from ...host.hooks import distillation_of
from ...utils import escape

TEXT = """---
pipeline_tag: {pipeline}
library_name: {library}
---
# {name}

A generator of [MMagic](https://github.com/open-mmlab/mmagic), trained and written by mmagic_mikd. This card is
made from the run itself; scores and the licences of teacher and data are for you to add.

| | |
| --- | --- |
{facts}

| file | SHA-256 |
| --- | --- |
{files}

The student knows what its training data show. Pictures of another kind may come out wrong, without a word.
"""
INPUTS = dict(
    latent='`x`, float32, {shape}: a standard normal vector',
    image='`x`, float32, {shape}, {order}, black at {lowest:g} and white at {highest:g}, {sides}',
)


def write_card(network: nn.Module, told: Mapping, cfg: Config, files: list[Path], folder: Path) -> Path:
    """Write ``folder``/student.md; hosts of models read it under the name README.md.

    Args:
        network: the generator, for its size.
        told: what student.json says.
        cfg: of the run.
        files: that the card is about; the first is the student.
    """
    lines = facts(network, told, cfg)
    text = TEXT.format(
        pipeline='unconditional-image-generation' if told['kind'] == 'latent' else 'image-to-image',
        library='onnx' if files[0].suffix == '.onnx' else 'pytorch',
        name=files[0].name,
        facts='\n'.join(f'| {name} | {escape.cell(value)} |' for name, value in lines.items()),
        files='\n'.join(f'| {path.name} | `{sha256(path)}` |' for path in files),
    )
    card = folder / 'student.md'
    card.write_text(text)
    return card


def facts(network: nn.Module, told: Mapping, cfg: Config) -> dict[str, str]:
    """Rows of the first table."""
    count = sum(parameter.numel() for parameter in network.parameters())
    image = told['kind'] == 'image'
    sides = 'this size only'
    if told['dynamic']:
        sides = f'sides in multiples of {told["multiple"]}' if told['multiple'] > 1 else 'any sides'
    shape = (told['shape'][0], 'height', 'width') if told['dynamic'] else told['shape']
    takes = INPUTS[told['kind']].format(
        **{
            **told,
            'shape': f'({", ".join(map(str, ("N" if told["batch"] else 1, *shape)))})',
            'sides': sides,
        }
    )
    at = ', at {1}x{2}'.format(*told['shape']) if image else ''
    return dict(
        network=f'{type(network).__name__}, {count / 1e6:.2f} M parameters, {told["precision"]}',
        input=takes,
        output=f'`image`, {told["output_order"]}, of the same range'
        + (f', {told["scale"]:g} times as large' if image else ''),
        **{'batch normalisation': f'statistics: {told["statistics"]}'},
        **{'against PyTorch': f'{Difference(**told["error"])}{at}'},
        config=f'{told["config"]}, SHA-256 `{told["config_sha256"]}`',
        checkpoint=f'SHA-256 `{told["checkpoint_sha256"]}`',
        distilled=taught(cfg),
    )


def taught(cfg: Config) -> str:
    """From which teacher and by which objectives, as the config says."""
    given = distillation_of(cfg)
    settings = read({key: value for key, value in given.items() if key in (*NEW_KEYS, *OLD_KEYS)})
    by = given.get('recipe') or ', '.join(str(entry['type']) for entry in settings.objectives.values())
    teachers = [teacher for teacher in settings.teachers.values() if isinstance(teacher, Mapping)]
    if not teachers or not by:
        return 'no'
    weights = [Path(teacher['checkpoint']).name for teacher in teachers if teacher.get('checkpoint')]
    return f'by {by}, from ' + (', '.join(weights) or 'teachers of its own run')


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
