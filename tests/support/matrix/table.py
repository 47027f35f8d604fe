"""The rows of the matrix as docs/families.md."""

from mmagic_mikd.utils.escape import cell

from .case import Case
from .run import Row

HEAD = """# Which generators can be distilled

Every row is a run, written by `python tests/support/family_matrix.py > docs/families.md` and
repeated by `tests/contract/test_family_matrix.py`. It is MMagic's own config, through `mmagic::`,
made tiny for the CPU, with these lines added:

```python
_base_ = ['mmagic::<config>', './_base_/mikd.py']
default_hooks = dict(
    distill=dict(
        _base_.distill,
        recipe='reference',
        teacher=dict(model=_base_.model, checkpoint='teacher.pth')))
```

The energy-based bound, because it asks for most: the range of the images, their channels, a critic
for each generator. Without `recipe` it is the base's pyramid, whose four bands want images of 8
pixels.

"Yes" means four things of this run. The student and its critic moved, and the bound's gradient
reached the student's weights. A teacher with the student's weights made exactly the student's image
in training mode, so it is given the same inputs, noise and random draws. The checkpoint loads
strictly into a plain MMagic model. Whether the small generator gets *better* is a matter of real
trainings.

**{green} of {all} families** can be distilled.

"Start" names the ways in which the narrower student of the run may start from its teacher
([students.md](students.md#starting-from-the-teachers-weights)). Each passes the numerical test: a
teacher whose other channels are zeros makes the images of its student. Means over all channels, as
layer norms take them, are left out of it. `refitted` stands beside `sliced`: on that teacher its
fit has nothing to mend. "Between narrow copies" is of StyleGANs so small that no setting of the
toolbox narrows them. Two copies with a 32nd and a 64th of the channels of every layer take the test
in their place, on the run's latents. For StyleGAN2 `NarrowStyleGAN2Generator` is such a network;
the first layers of MSPIE stay as wide as its encoding. `sliced` is not among these, since it does
not rescale weights with an equalised learning rate. "Of one size" is a run whose teacher is as wide
as its student, so that there is nothing to choose.

| family | config | generator | optimisers | distils | start | further settings of `distill`, notes, why not |
| --- | --- | --- | --- | --- | --- | --- |
"""


def table(cases: list[Case], rows: list[Row]) -> str:
    green = sum(row.problem is None for row in rows)
    return HEAD.replace('{green}', str(green)).replace('{all}', str(len(rows))) + ''.join(
        map(line, cases, rows)
    )


def line(case: Case, row: Row) -> str:
    further = f'`{settings(case.distill)}`' if case.distill else ''
    problem = cell(row.problem) if row.problem else None
    notes = ' '.join(filter(None, (further.replace('|', r'\|'), case.note, problem)))
    answer = 'no' if row.problem else 'yes'
    cells = (row.family, f'`{case.config}`', row.generator, row.optimisers, answer, cell(row.starts), notes)
    return f'| {" | ".join(cells)} |\n'


def settings(values: dict) -> str:
    """As one writes them in a config."""
    items = ((key, f'dict({settings(v)})' if isinstance(v, dict) else listed(v)) for key, v in values.items())
    return ', '.join(f'{key}={value}' for key, value in items)


def listed(value: object) -> str:
    if isinstance(value, list):
        return '[' + ', '.join(f'dict({settings(item)})' for item in value) + ']'
    return repr(value)
