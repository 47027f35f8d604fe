"""One term of the student's loss: a bound or a distance, what it learns, and where it looks."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from torch import Tensor, nn

from .calls import alike, comparing, frozen, require_one_shape
from .content_mask import ContentMask

Gate = Callable[['Objective', str, Tensor, Tensor, Callable], Tensor]


class Place(NamedTuple):
    """What an objective compares.

    Attributes:
        layer: paths of a layer within the student and within the teacher; None for their images.
        target: what the student's image is compared with, 'teacher' or 'ground_truth'.
        range: what black and white are in the images that it is given; None leaves them as the networks
            make them.
        key: where ``target`` stands in the config, for messages.
        teacher: the name of the only teacher that it looks at; None looks at every one.
        moved: how far the styles of a StyleGAN2 generator are moved for the second half of what it gets; None
            for no such half.
        mask: where the content of the images is, around which both are zero; None for everywhere.
    """

    layer: tuple[str, str] | None = None
    target: str = 'teacher'
    range: tuple[float, float] | None = None
    key: str = 'target'
    teacher: str | None = None
    moved: float | None = None
    mask: ContentMask | None = None

    @property
    def asks_teacher(self) -> bool:
        return self.layer is not None or self.target == 'teacher'

    def sees(self, pair: 'Taught') -> bool:
        """Whether it looks at a student beside that teacher."""
        return self.teacher in (None, pair.taught_by)


class Keys(NamedTuple):
    """Where the settings of an objective stand in the config, for messages."""

    objective: str = 'objective'
    learner: str = 'learner'
    critic: str = 'critic'
    chain: str = 'chain'
    schedule: str = 'learner.param_scheduler'

    @property
    def weight(self) -> str:
        return f'{self.objective}.loss_weight'


# what a frozen network makes of an image, layer by layer, given what the generator was given
Look = Callable[[Tensor, Tensor | None], list[Tensor]]


class Taught(Protocol):
    """A student beside a teacher of this name."""

    taught_by: str


class View(Taught, Protocol):
    """What one pair of networks made in this step."""

    name: str
    x: Tensor | None
    s: Tensor

    def at(self, place: Place, gate: Callable | None = None) -> tuple[Tensor, Tensor]:
        """What the student made, with its graph, and what it is compared with, a constant."""


class Chain(NamedTuple):
    """One Langevin chain and the energies that the critic's step was made of, all constants.

    ``end`` is the last state before its clamp, ``t_neg`` after it; ``floor`` the least that ``loss`` can be.
    """

    start: Tensor
    end: Tensor
    t_neg: Tensor
    energies: tuple[Tensor, Tensor]
    loss: Tensor
    floor: float


class Objective:
    """A module of (student, teacher) -> scalar in training, one term for all pairs.

    One with ``asks_input`` gets what the generator was given, too: (student, teacher, x).

    A module with trainable parameters is a model of the teacher given the student: there is one for each
    pair, it tightens its bound on constants before it is a constant itself for the student. So does an
    adapter, which maps the student's features to those of the teacher. What has nothing to learn is shared.

    Args:
        name: its key in ``objectives``.
        losses: the module of each pair, by the pair's name.
        place: where it looks.
        weight: of what the modules return; 0 learns, and leaves the student alone.
        until: share of the training in (0, 1] at which its weight has fallen, linearly, to nothing.
        make_adapter: builds a module of the student's features, from the channels in student and teacher.
        make_loss: builds the module of a pair for a layer of so many channels, once these are known; None
            where ``losses`` are what they will be.
        keys: where its settings stand.
        ratio: of the norm of its gradient, where the student made what it looks at, to that of all other
            losses, to which its weight is set in every backward pass; None leaves the weight as it is.

    Attributes:
        values: what the last step showed, for the log, by name and pair; constants.
        chains: of the last step, by pair.
        learner: what trains the parameters; set by whoever trains, where there are any.
        built: the sizes that its networks were built for; None while they wait for the first batch.
    """

    waits = False  # whether its gradient waits for that of all other losses, see mmagic_mikd.guard.gate
    step_size = 0.0  # of a chain

    def __init__(
        self,
        name: str,
        losses: Mapping[str, nn.Module],
        place: Place,
        weight: float = 1.0,
        until: float | None = None,
        make_adapter: Callable[..., nn.Module] | None = None,
        keys: Keys = Keys(),  # noqa: B008  a constant
        ratio: float | None = None,
        make_loss: Callable[[int], nn.Module] | None = None,
    ) -> None:
        self.name, self.place, self.weight, self.until, self.keys = name, place, weight, until, keys
        self.ratio = ratio
        self.losses, self.adapters = nn.ModuleDict(losses), nn.ModuleDict()
        self._make_adapter, self._make_loss = make_adapter, make_loss
        waits = make_adapter is not None or make_loss is not None
        self.built: tuple[int, ...] | None = None if waits else ()
        self.learner: Any = None
        self.values: dict[tuple[str, str], Tensor] = {}
        self.chains: dict[str, Chain] = {}

    @property
    def network(self) -> nn.ModuleDict:
        """All that it may train."""
        return nn.ModuleDict(dict(losses=self.losses, adapters=self.adapters))

    @property
    def learns(self) -> bool:
        return self._make_adapter is not None or any(p.requires_grad for p in self.network.parameters())

    @property
    def title(self) -> str:
        """For sentences."""
        return f'objective {self.name!r}'

    @property
    def kind(self) -> str:
        """The class of its module."""
        return type(next(iter(self.losses.values()))).__name__

    @property
    def asks_teacher(self) -> bool:
        return self.place.asks_teacher

    @property
    def learned(self) -> str:
        """What its learner trains, for sentences."""
        return f'what {self.name!r} has learned'

    @property
    def least_batch(self) -> int:
        """The samples that it has to have at once, to compare them with each other."""
        return max((getattr(loss, 'least_batch', 1) for loss in self.losses.values()), default=1)

    @property
    def good_batch(self) -> int:
        """The samples below which it works, and says little."""
        return max((getattr(loss, 'good_batch', 1) for loss in self.losses.values()), default=1)

    def samples(self, view: View) -> int:
        return view.s.shape[0]

    def sizes(self, views: Sequence[View]) -> tuple[int, ...]:
        """What networks that wait are to be built for: the channels of the features in student and teacher."""
        sizes = [[x.shape[1] for x in view.at(self.place)] for view in views]
        return alike(self.keys.objective, sizes, self._made)

    def fits(self, views: Sequence[View]) -> bool:
        """Whether what is built can take these images."""
        return True

    def build(self, *sizes: int) -> None:
        """Make the networks that have waited for the sizes of the first batch."""
        self.built = sizes
        if self._make_adapter is not None:
            self.adapters.update({pair: self._make_adapter(*sizes) for pair in self.losses})
        if self._make_loss is not None and sizes:  # a checkpoint of earlier versions has none
            self.losses.update({pair: self._make_loss(sizes[1]) for pair in self.losses})

    def _made(self, student: int, teacher: int) -> list[nn.Module | None]:
        """An adapter and a module for features of so many channels, where these wait for them."""
        adapter, loss = self._make_adapter, self._make_loss
        return [adapter and adapter(student, teacher), loss and loss(teacher)]

    def fading(self, progress: float) -> float:
        """By what its value is multiplied when this share of the training is over."""
        return 1.0 if self.until is None else max(0.0, 1 - progress / self.until)

    def learning_loss(self, views: Sequence[View]) -> Tensor:
        """What its parameters are to lower, on constants."""
        return sum(
            self._value(view.name, *(x.detach() for x in view.at(self.place)), view.x) for view in views
        )

    def __call__(self, views: Sequence[View], gate: Callable) -> Tensor:
        """The sum over the pairs, differentiable in what the students made only, through the gate."""
        with frozen(self.network):
            return sum(self._value(view.name, *view.at(self.place, gate), view.x) for view in views)

    def _value(self, pair: str, student: Tensor, teacher: Tensor, x: Tensor | None = None) -> Tensor:
        loss = self.losses[pair]
        beside = (x,) if getattr(loss, 'asks_input', False) else ()
        with comparing(self.keys.objective, self.place.layer is not None, student, teacher):
            if pair in self.adapters:
                student = self.adapters[pair](student.float())
            value = scalar(loss(student.float(), teacher.float(), *beside))
            require_one_shape(loss, student, teacher)
            return value

    def note(self, pair: str, **values: Tensor) -> None:
        """Keep the means of these values for the log."""
        self.values.update({(name, pair): value.detach().float().mean() for name, value in values.items()})


def scalar(value: Any) -> Tensor:
    """Perceptual losses of the toolbox return a pair, of which one may be None."""
    if isinstance(value, tuple | list):
        value = sum(part for part in value if part is not None)
    if not isinstance(value, Tensor):
        raise TypeError(f'it returns a {type(value).__name__}')
    if value.numel() != 1:
        raise TypeError(f'it returns a tensor of shape {tuple(value.shape)}')
    return value
