"""Made-up outcomes of two models, as good as each other or apart by a chosen step, in the shapes that test sets have."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from datacards.evaluated import Figure
from eval.compare.figures import Floats, Ints, f1_parts, group_parts, ratio_parts
from eval.compare.outcome import Outcome

Pair = tuple[Outcome, Outcome]


@dataclass(frozen=True)
class Shape:
    """A test set: its items by cluster, and how much of what decides an item the models and its cluster share.

    ``shared`` is the variance of what both models meet in an item, ``together`` that of what its cluster adds for
    both, ``own`` what its cluster adds for each model alone; the rest of 1 is chance. ``own_b`` is ``own`` of the
    second model, whose clusters may be less alike although it scores the same. ``step`` is how far apart the models
    are where there is something to find, in standard deviations.
    """

    name: str
    clusters: Ints
    level: float = 0.5  # the share that a model answers rightly
    shared: float = 0.5
    together: float = 0.0
    own: float = 0.0
    own_b: float | None = None
    step: float = 0.3
    figure: Figure = "mean"
    groups: int = 0

    def draw(self, rng: np.random.Generator, *, step: float = 0.0) -> Pair:
        """Return the outcomes of two models, the second ``step`` behind the first."""
        n, number = len(self.clusters), int(self.clusters.max()) + 1
        common = np.sqrt(self.shared) * rng.normal(size=n)
        common += np.sqrt(self.together) * rng.normal(size=number)[self.clusters]
        skills = []
        for own in (self.own, self.own if self.own_b is None else self.own_b):
            rest = 1 - self.shared - self.together - own
            skill = common + np.sqrt(own) * rng.normal(size=number)[self.clusters]
            skills.append(skill + np.sqrt(max(rest, 0.0)) * rng.normal(size=n))
        return MADE[self.figure](self, skills[0], skills[1] - step, rng)

    def outcome(self, parts: Floats, groups: tuple[str, ...] = ()) -> Outcome:
        """Return ``parts`` as the outcome of one model."""
        n = len(self.clusters)
        return Outcome(
            task=self.name, metric=self.figure, figure=self.figure, higher_is_better=True, digest="", ids=("",) * n,
            groups=groups or ("",) * n, clusters=self.clusters, parts=parts,
        )  # fmt: skip


def _right(shape: Shape, a: Floats, b: Floats, rng: np.random.Generator) -> Pair:
    """Right or wrong."""
    del rng
    bar, ones = -ndtri(shape.level), np.ones(len(a))
    first, second = (shape.outcome(ratio_parts((skill > bar).astype(float), ones)) for skill in (a, b))
    return first, second


def _classes(shape: Shape, a: Floats, b: Floats, rng: np.random.Generator) -> Pair:
    """Two classes as in chABSA, 3 % of items with neither; the second class is harder."""
    golds = rng.choice(3, len(a), p=[0.56, 0.406, 0.034])
    bar = -ndtri(np.array([min(shape.level + 0.05, 0.99), shape.level - 0.05, 0.5]))[golds]
    known = np.where(golds == 2, 0, golds)
    told = [np.where(skill > bar, known, 1 - known) for skill in (a, b)]
    golds = np.where(golds == 2, -1, golds)
    first, second = (shape.outcome(f1_parts(golds, one, 2)) for one in told)
    return first, second


def _judged(shape: Shape, a: Floats, b: Floats, rng: np.random.Generator) -> Pair:
    """Whole scores from 1 to 10, many at the top, some answers scored 0 for a failure; categories of equal size."""
    codes = (shape.clusters * shape.groups // (shape.clusters.max() + 1)).astype(np.int64)
    names = tuple(f"{code:02}" for code in codes)
    made = []
    for skill in (a, b):
        scores = np.clip(np.round(8 + 1.5 * skill - 0.4 * (codes % 4)), 1, 10)
        scores[rng.random(len(skill)) < 0.04] = 0
        made.append(shape.outcome(group_parts(scores, codes, shape.groups), names))
    return made[0], made[1]


def _bits(shape: Shape, a: Floats, b: Floats, rng: np.random.Generator) -> Pair:
    """Bits over bytes, documents of very different length, more bits to a byte in some."""
    sizes = np.exp(rng.normal(7, 1.2, len(a)))
    first, second = (shape.outcome(ratio_parts(sizes * np.exp(0.1 * skill - 0.3), sizes)) for skill in (a, b))
    return first, second


MADE: dict[Figure, Callable[[Shape, Floats, Floats, np.random.Generator], Pair]] = {
    "mean": _right,
    "f1": _classes,
    "groups": _judged,
    "ratio": _bits,
}


def even(clusters: int, each: int = 1) -> Ints:
    """Return ``clusters`` clusters of ``each`` items."""
    return np.repeat(np.arange(clusters), each)


def uneven(clusters: int, items: int, spread: float, seed: int = 0) -> Ints:
    """Return clusters whose sizes are lognormal with the given spread, of ``items`` in all, each with one at least."""
    shares = np.exp(np.random.default_rng(seed).normal(0, spread, clusters))
    sizes = 1 + np.floor(shares / shares.sum() * (items - clusters)).astype(np.int64)
    sizes[: items - int(sizes.sum())] += 1
    return np.repeat(np.arange(clusters), sizes)


def shapes() -> list[Shape]:
    """Return the shapes of the tests that are reported here, and of tests that strain the statistics."""
    tight = Shape("cma_basics: 38 questions", even(38), level=0.5, shared=0.6, step=0.6)
    return [
        tight,
        replace(tight, name="security_sales_1: 57 questions", clusters=even(57), step=0.5),
        replace(tight, name="cpa_audit: 398 questions", clusters=even(398), level=0.2, step=0.25),
        replace(tight, name="fp2: 475 questions", clusters=even(475), level=0.36, step=0.2),
        Shape(
            "chabsa: 7,723 opinions in 230 reports, f1", uneven(230, 7723, 0.8), level=0.87, shared=0.45,
            together=0.1, own=0.05, step=0.06, figure="f1",
        ),
        Shape(
            "pfmt: 360 questions of two turns, 12 categories", even(360, 2), shared=0.25, together=0.25, own=0.2,
            step=0.15, figure="groups", groups=12,
        ),
        Shape("perplexity: 60 documents, bits per byte", even(60), shared=0.8, own=0.1, step=0.25, figure="ratio"),
        Shape("few: 8 texts of 25 questions", even(8, 25), shared=0.3, together=0.1, own=0.1, step=0.7),
        Shape("uneven: 12 texts, 300 questions", uneven(12, 300, 1.0), shared=0.3, together=0.1, own=0.1, step=0.7),
        Shape(
            "unlike: 20 texts of 15, one model's alike, the other's not", even(20, 15), shared=0.3, own=0.4,
            own_b=0.0, step=0.7,
        ),
        Shape("ceiling: 40 texts of 10, 97 % right", even(40, 10), level=0.97, shared=0.3, own=0.2, step=0.5),
        Shape("agreeing: 200 texts of 5, hardly an answer differs", even(200, 5), shared=0.98, own=0.01, step=0.1),
    ]  # fmt: skip
