"""Statistics of a study: mean and deviation over seeds, paired differences to no distillation."""

from collections.abc import Iterable
from math import isfinite, nan, sqrt
from statistics import fmean, stdev
from typing import NamedTuple

from scipy.stats import t as student_t

from .cells import Cell, Study
from .rows import number
from .study_file import TEACHER

NONE = 'none'  # the objective of the student that is trained alone
MIXED, UNLIKE, WORSE = '‡', '§', '†'  # marks of differences, which `legend` explains


class Difference(NamedTuple):
    """A score minus that of another objective, such as the student alone, seed by seed.

    Attributes:
        mean: over the seeds that both have.
        low, high: 95 % confidence interval of the mean (Student's t); nan for a single seed.
        gap: the share of the way from the other objective to the teacher that is covered; nan without a
            teacher's score, and where that way is not beyond the 95 % interval of the other objective's mean.
        n: number of seeds.
        p: two-sided probability of chance.
        mixed: of how many seeds the two ran on different kinds of processor.
        unlike: of how many seeds the two have not had one teacher, whose scores are those of its row.
    """

    mean: float
    low: float
    high: float
    gap: float
    n: int
    p: float = nan
    mixed: int = 0
    unlike: int = 0

    def verdict(self, better: str, largest: float) -> str:
        """'better' or 'worse' up to the ``largest`` probability of chance that Holm lets stand, else ''."""
        if not self.p <= largest:
            return ''
        return 'better' if (self.mean > 0) == (better == 'higher') else 'worse'


class Compared(NamedTuple):
    """An objective beside another one: a difference of each score, and what it says in its table's company."""

    objective: str
    differences: list[Difference | None]
    verdicts: list[str]

    @property
    def seeds(self) -> str:
        """How many, and how many of them pair two kinds of processor, or two teachers."""
        found = [difference for difference in self.differences if difference]
        marks = {MIXED: max(d.mixed for d in found), UNLIKE: max(d.unlike for d in found)}
        marked = ', '.join(f'{count}{mark}' for mark, count in marks.items() if count)
        return str(max(difference.n for difference in found)) + (f' ({marked})' if marked else '')


def current(rows: Iterable[dict], cells: Iterable[Cell]) -> tuple[list[dict], list[dict]]:
    """The rows of the study as it is now, and the stale ones: of a config that has changed since."""
    hashes = {(cell.student, cell.objective, str(cell.seed)): cell.hash for cell in cells}
    fresh, stale = [], []
    for row in rows:
        place = row['student'], row['objective'], row['seed']
        (fresh if hashes.get(place) == row['config_hash'] else stale).append(row)
    return fresh, stale


class Summary:
    """The rows of a study, looked up by place.

    Args:
        rows: of the CSV, without stale ones.
        which: 'last' or 'best'.
    """

    def __init__(self, rows: Iterable[dict], which: str) -> None:
        self.rows = [row for row in rows if row['which'] == which]

    def values(self, student: str, objective: str, column: str) -> dict[str, float]:
        """Seed to value; what was not measured is left out."""
        return {
            row['seed']: number(row, column)
            for row in self.rows
            if (row['student'], row['objective']) == (student, objective) and row.get(column)
        }

    def mean_sd(self, student: str, objective: str, column: str) -> tuple[float, float, int]:
        """Mean, standard deviation (of a sample; nan for one seed or infinite values), number of seeds."""
        return mean_sd(self.values(student, objective, column).values())

    def difference(
        self, student: str, objective: str, score: str, better: str, against: str = NONE
    ) -> Difference | None:
        """To the student alone or to another objective; None without a common seed.

        ``better`` is 'higher' or 'lower'.
        """
        values, other = (self.values(student, name, score) for name in (objective, against))
        seeds = [seed for seed in values if seed in other]
        if not seeds:
            return None
        differences = [values[seed] - other[seed] for seed in seeds]
        mean, low, high = interval(differences)
        gap = mean / self._way([other[seed] for seed in seeds], score, better)
        places = (student, objective), (student, against)
        kinds, teachers = ([self._texts(*place, column) for place in places] for column in ('cpu', 'teacher'))
        mixed = sum(len({kind[seed] for kind in kinds}) > 1 for seed in seeds)
        own = {*filter(None, self._texts(TEACHER, TEACHER, 'teacher').values())}  # rows of before it was said
        unlike = sum(len({teacher[seed] for teacher in teachers} | own) > 1 for seed in seeds)
        return Difference(mean, low, high, gap, len(seeds), chance(differences), mixed, unlike)

    def _way(self, values: list[float], score: str, better: str) -> float:
        """From the mean of these values to the teacher's; nan where it is none, or smaller than its noise."""
        teacher = self.values(TEACHER, TEACHER, score).values()
        mean, low, _ = interval(values)
        way = fmean(teacher) - mean if teacher else nan
        ahead = way > 0 if better == 'higher' else way < 0
        return way if ahead and abs(way) > mean - low else nan

    def _texts(self, student: str, objective: str, column: str) -> dict[str, str]:
        """Seed to what a column says; nothing where the row is older than it."""
        place = (student, objective)
        own = [row for row in self.rows if (row['student'], row['objective']) == place]
        return {row['seed']: row.get(column) or '' for row in own}


def compared(study: Study, summary: Summary, student: str, against: str = NONE) -> list[Compared]:
    """A table of differences: every objective that has a seed in common with the one to compare with."""
    found = {
        name: [summary.difference(student, name, *score, against) for score in study.scores.items()]
        for name in study.spec['objectives']
        if name != against
    }
    found = {name: each for name, each in found.items() if any(each)}
    largest, made = holm(d.p for each in found.values() for d in each if d), []
    for name, each in found.items():
        both = zip(each, study.scores.values(), strict=True)
        made.append(Compared(name, each, [d.verdict(better, largest) if d else '' for d, better in both]))
    return made


def mean_sd(values: Iterable[float]) -> tuple[float, float, int]:
    values = list(values)
    if not values:
        return nan, nan, 0
    if not all(map(isfinite, values)):  # PSNR of equal images; `statistics` fails on it
        return sum(values) / len(values), nan, len(values)
    return fmean(values), stdev(values) if len(values) > 1 else nan, len(values)


def chance(values: list[float]) -> float:
    """Two-sided probability of a mean so far from 0, by Student's t; nan for a single value."""
    mean, sd, n = mean_sd(values)
    if n < 2:
        return nan
    if sd == 0:  # of no difference at all it is certain, and Holm counts it with the others
        return 1.0 if mean == 0 else 0.0
    return float(2 * student_t.sf(abs(mean) / sd * sqrt(n), n - 1))


def holm(chances: Iterable[float], level: float = 0.05) -> float:
    """The largest of them that is significant in the company of the others; -1 if none is (Holm, 1979)."""
    ordered, largest = sorted(p for p in chances if p == p), -1.0
    for rank, p in enumerate(ordered):
        if p > level / (len(ordered) - rank):
            break
        largest = p
    return largest


def interval(values: list[float]) -> tuple[float, float, float]:
    """Mean and 95 % confidence interval, by Student's t distribution with n - 1 degrees of freedom."""
    mean, sd, n = mean_sd(values)
    half = float(student_t.ppf(0.975, n - 1)) * sd / sqrt(n) if n > 1 else nan
    return mean, mean - half, mean + half
