"""Hybrid scores: weighted sums of similarities, matching fields and close numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy.typing as npt

from autoenc.store.filters import Between, Conditions, all_of
from autoenc.store.kinds import FieldKind
from autoenc.store.scale import Scale
from autoenc.store.settings import USUAL, SearchSettings
from autoenc.store.where import Filter
from autoenc.vectors import Matrix, Vectors

Weight = TypeVar("Weight", float, Matrix)

# ---- what callers pass -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Similarity:
    """Part of a hybrid score: `weight` times the scaled cosine similarity to a vector.

    A point without the vector is judged by its others: they share three quarters of the weight (see `grown`).

    Attributes:
        using: name of the vectors to compare with.
        vector: (dim,) numbers.
        weight: 0 or more.
        scale: what 0 and 1 mean, see `Scale.scaled`; without one, the cosine itself counts.
    """

    using: str
    vector: npt.ArrayLike
    weight: float = 1.0
    scale: Scale | None = None


@dataclass(frozen=True)
class Match:
    """Part of a hybrid score: `weight` for points that a filter matches, 0 for all others."""

    where: Filter
    weight: float = 1.0


@dataclass(frozen=True)
class Closeness:
    """Part of a hybrid score: `weight` times 0.5 ** (|value - target| / scale).

    A point without a number in the field gets 0, and so does one with several numbers.

    Attributes:
        field: a filterable field of integers or floats.
        target: the number that gets the full weight.
        scale: the distance at which half of the weight is left, above 0.
        weight: 0 or more.
    """

    field: str
    target: float
    scale: float
    weight: float = 1.0


Part = Similarity | Match | Closeness

# ---- what engines receive --------------------------------------------------------------------------


class Nearest(NamedTuple):
    """`weight` * (cosine - zero) / span. For a point without the vector 0; the sum of those by its other vectors grows
    instead, see `grown`.
    """

    using: str
    vector: Vectors
    weight: float
    zero: float
    span: float
    settings: SearchSettings = USUAL


class Matching(NamedTuple):
    """`weight` where the conditions hold, else 0."""

    where: Conditions
    weight: float


class Close(NamedTuple):
    """`weight` * 0.5 ** (|value - target| / scale); 0 for a point without a number there, or with several."""

    field: str
    kind: FieldKind
    target: float
    scale: float
    weight: float

    @property
    def numbers(self) -> Between:
        """The field holds a number."""
        return Between(self.field, self.kind, gte=-_HUGE)

    @property
    def around(self) -> Between:
        """At least half of the weight is left."""
        return Between(self.field, self.kind, gte=self.target - self.scale, lte=self.target + self.scale)

    @property
    def far(self) -> float:
        """A value that is so far from the target that nothing of the weight is left."""
        return self.target + _FAR * self.scale


class Search(NamedTuple):
    """One search for candidates.

    Attributes:
        nearest: what they are near to.
        where: only points that match.
        limit: how many of the nearest.
        keep: of these, how many with the highest sums of this similarity and the `worth` of what else counts; None for
            all of them.
        worth: conditions, and what each adds.
    """

    nearest: Nearest
    where: Conditions
    limit: int
    keep: int | None = None
    worth: tuple[Matching, ...] = ()


class Blend(NamedTuple):
    """One hybrid search: the k best by the sum of the parts, out of the candidates that the parts find.

    Attributes:
        parts: at least one.
        k: how many hits.
        where: only points that match.
        depth: how many candidates a search finds, see `searches`; without an encoder, how many there are.
        payload: whether hits have their payload.
    """

    parts: tuple[Nearest | Matching | Close, ...]
    k: int
    where: Conditions
    depth: int
    payload: bool = True

    @property
    def nearest(self) -> list[Nearest]:
        return [part for part in self.parts if isinstance(part, Nearest)]

    @property
    def searches(self) -> list[Search]:
        """What finds candidates: `depth` of the nearest by each encoder.

        Where other parts can outweigh some similarity: of more of the nearest, by the encoder's weight, the `depth` to
        which these parts add most; and the nearest that all these parts suit, by the encoder that weighs most.
        """
        rest = [part for part in self.parts if not isinstance(part, Nearest)]
        if not rest:
            return [Search(part, self.where, self.depth) for part in self.nearest]
        worth = tuple(
            part if isinstance(part, Matching) else Matching(Conditions((part.around,)), _AROUND * part.weight)
            for part in rest
        )
        suited = all_of((self.where, *(part.where for part in worth)))
        most = max((part.weight for part in self.nearest), default=0.0)
        return [
            *(
                Search(part, self.where, self.depth + round(MORE * (part.weight / (most or 1)) ** 2), self.depth, worth)
                for part in self.nearest
            ),
            *(Search(part, suited, self.depth) for part in self.nearest if part.weight == most),
        ]

    @property
    def some(self) -> Conditions:
        """The candidates without an encoder: the points that any part suits."""
        rest = (
            part.where if isinstance(part, Matching) else part.numbers
            for part in self.parts
            if not isinstance(part, Nearest)
        )
        return all_of((self.where, Conditions(should=tuple(rest))))


MORE = 256
"""By the encoder that weighs most; by another, less by the square of its weight: what is near by that one alone is
seldom among the best. It was chosen with `hybrid.DEPTH` and `scripts/bench_hybrid.py`: recall@10 is .99 for boosts of
.2 to .3."""

_AROUND = 0.75
"""What closeness is worth, on average, where half of its weight is left: a condition takes less time than a decay."""

_HUGE = 1e300
_FAR = 10_000.0  # 0.5 ** 10000 is 0 in double precision


SHARED = 0.75
"""How much of the weight of the vectors that a point lacks goes to those that it has. What is near by one kind of
vectors tends to be near by another kind as well, but less so: with all of it, items without behavior crowd out the
others; with half of it or less, they are hardly ever found. Chosen with `scripts/bench_behavior.py`."""


def grown(every: float, own: Weight) -> Weight:
    """What the similarities of a point are multiplied by, because it lacks some of the vectors.

    Args:
        every: the weight of all vectors.
        own: the weight of those that the point has, above 0.

    Example:
        >>> grown(1.5, 1.5), grown(1.5, 1.0)
        (1.0, 1.375)
    """
    return 1 - SHARED + SHARED * every / own
