"""One row of the matrix: a config of MMagic, and what makes it tiny."""

from dataclasses import dataclass, field

ONE_SIZE = 'Its widths are no settings: here the teacher is as big as the student.'


@dataclass(frozen=True, eq=False)
class Case:
    """What the matrix adds to a config of MMagic.

    Attributes:
        family: the name in the table.
        config: path under MMagic's configs.
        model: what shrinks the model, student and teacher alike; merged into `model`.
        teacher: what makes the teacher wider than the student; merged into the teacher's `model`.
        data: arguments of :class:`TinySamples`.
        side: of the smallest generated image; the critic's `image_size`.
        distill: further lines in `default_hooks.distill`.
        settings: further lines in the config.
        refusal: a pattern of the reason why this family cannot be distilled; None if it can.
        note: what else a reader of the table should know.
    """

    family: str
    config: str
    model: dict
    teacher: dict
    data: dict
    side: int
    batch_size: int = 2
    distill: dict = field(default_factory=dict)
    settings: dict = field(default_factory=dict)
    refusal: str | None = None
    note: str = ''
