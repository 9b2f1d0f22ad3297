"""Hybrid scores: weighted sums of similarities, matching fields and close numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy.typing as npt

from autoenc.store.filters import Between, Condition, Conditions
from autoenc.store.kinds import FieldKind
from autoenc.store.scale import Scale
from autoenc.store.settings import USUAL, SearchSettings
from autoenc.store.where import Filter
from autoenc.vectors import Vectors

# ---- what callers pass -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Similarity:
    """Part of a hybrid score: `weight` times the scaled cosine similarity to a vector. A point without it gets 0.

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
    """`weight` * (cosine - zero) / span; 0 for a point without the vector."""

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
    def searches(self) -> list[tuple[Nearest, Conditions, int]]:
        """What finds candidates, and how many: `depth` of the nearest by each encoder.

        Where other parts can outweigh some similarity, more of the nearest, and the nearest that all those parts suit.
        """
        rest = [part.where if isinstance(part, Matching) else part.around for part in self._rest]
        if not rest:
            return [(part, self.where, self.depth) for part in self.nearest]
        suited = _narrowed(self.where, *rest)
        wide = [(part, self.where, WIDER * self.depth) for part in self.nearest]
        return [*wide, *((part, suited, self.depth) for part in self.nearest)]

    @property
    def some(self) -> Conditions:
        """The candidates without an encoder: the points that any part suits."""
        rest = (part.where if isinstance(part, Matching) else part.numbers for part in self._rest)
        return _narrowed(self.where, Conditions(should=tuple(rest)))

    @property
    def _rest(self) -> list[Matching | Close]:
        return [part for part in self.parts if not isinstance(part, Nearest)]


WIDER = 4
"""With `hybrid.DEPTH`, it was chosen with `scripts/bench_hybrid.py`: recall@10 is .99 for boosts of .2 to .3."""

_HUGE = 1e300
_FAR = 10_000.0  # 0.5 ** 10000 is 0 in double precision


def _narrowed(where: Conditions, *more: Condition) -> Conditions:
    return where._replace(must=(*where.must, *more))
