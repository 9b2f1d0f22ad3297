"""Hybrid searches of a store, and what each part adds to a score."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice, product

import numpy as np

from autoenc.errors import ArgumentError
from autoenc.store.blending import Blend, Close, Closeness, Match, Matching, Nearest, Part, Similarity, grown
from autoenc.store.checks import BATCH, canonical, check_number, floats
from autoenc.store.checks import parts as batches
from autoenc.store.filters import Condition, Conditions, HasId, all_of
from autoenc.store.points import Hit
from autoenc.store.reading import Reading
from autoenc.store.settings import USUAL
from autoenc.store.where import Filter

DEPTH = 48
"""The fewest candidates that each search for a hybrid one finds."""

LEVELED = 5
"""Up to this many conditions, every sum of their weights is searched for by itself: 31 sums at most."""

TIED = 4
"""How many times as many points are asked for as before, where the last ones have one score."""


class HybridSearch(Reading):
    """The searches of a store by more than one cosine."""

    def search_hybrid(
        self,
        parts: Sequence[Part],
        *,
        k: int = 5,
        where: Filter | None = None,
        exclude: Collection[str] = (),
        payload: bool = True,
    ) -> list[Hit]:
        """The k points with the highest sums of all parts, best first; equal scores are ordered by id.

        The candidates are the points nearest to each vector, n = max(48, 2 k) of each. If there are other parts, they
        are the n best, by that vector and the other parts, of the n + 256 points nearest to the vector that weighs
        most, and of fewer for a vector that weighs less; and the n nearest to the former that all other parts suit
        (what matches, and what is close enough to get half the weight). Each is scored by every part; one that lacks
        some of the vectors, by the others, which share three quarters of the weight. Without a vector, every point that
        any part suits is a candidate.

        Args:
            parts: what counts: any number of `Similarity`, `Match` and `Closeness`; one of them above weight 0.
            k: how many points at most, 1 to 1,000,000.
            where: only points that match.
            exclude: ids to leave out.
            payload: whether hits by vectors have their payload, or an empty one.

        Returns:
            Hits whose score is the sum of the parts, and no cosine.

        Raises:
            VectorError, UnknownFieldError: as for `search`.
            ArgumentError: no parts, a weight below 0 or none above, two similarities by one vector, or a closeness to
                what is no number.

        Example:
            >>> from autoenc.store.blending import Match
            >>> with autoenc.open_store("store") as store:
            ...     shoes = store.search_hybrid([Match({"folder": "shoe"}, 0.5), Match("width >= 100", 0.25)], k=2)
            >>> [hit.score for hit in shoes]
            [0.75, 0.75]
        """
        check_number("k", k)
        checked = self._checked_parts(parts)
        conditions = self._conditions(where).without(tuple(canonical(exclude)))
        blend = Blend(checked, k, conditions, max(DEPTH, 2 * k), payload)
        if blend.nearest:
            return _ordered(self._engine.blend([blend])[0])
        counting = tuple(part for part in checked if part.weight)
        matching = [part for part in counting if isinstance(part, Matching)]
        if len(matching) == len(counting) <= LEVELED:
            return list(islice(self._by_levels(matching, k, conditions), k))
        return self._by_sums(counting, k, conditions)

    def _by_levels(self, parts: Sequence[Matching], k: int, where: Conditions) -> Iterator[Hit]:
        """The points that meet some conditions, from the highest sum down: of each sum, only as many as are needed."""
        for score, conditions in _levels(parts):
            level = all_of((where, Conditions(should=conditions)))
            for record in self._engine.scroll(level, [], min(k, BATCH)):
                yield Hit(record.id, score, record.payload)

    def _by_sums(self, parts: tuple[Nearest | Matching | Close, ...], k: int, where: Conditions) -> list[Hit]:
        """The same by a formula. An engine gives any of those that share a score: all with the last score are read."""
        blend = Blend(parts, TIED * k, where, 0, payload=False)
        count = self._engine.count(blend.some)
        best: list[Hit] = []
        while count:
            best = _ordered(self._engine.blend([blend._replace(depth=count)])[0])
            if len(best) < blend.k or best[-1].score < best[k - 1].score:
                break
            blend = blend._replace(k=TIED * blend.k)
        ids = [hit.id for hit in best[:k]]
        payloads = {r.id: r.payload for part in batches(len(ids)) for r in self._engine.retrieve(ids[part], [])}
        return [Hit(hit.id, hit.score, payloads[hit.id]) for hit in best[:k] if hit.id in payloads]

    def contributions(self, parts: Mapping[str, Part], ids: Sequence[str]) -> dict[str, dict[str, float]]:
        """What each part of a hybrid score adds, for some points: id -> name of the part -> summand."""
        checked = self._checked_parts(list(parts.values()))
        found: dict[str, dict[str, float]] = {id: dict.fromkeys(parts, 0.0) for id in canonical(ids)}
        if found:
            only = Conditions((HasId(tuple(found)),))
            alone = [Blend((part,), len(found), only, len(found), payload=False) for part in checked]
            there: dict[str, list[str]] = {id: [] for id in found}  # the similarities of vectors that a point has
            for name, part, hits in zip(parts, checked, self._engine.blend(alone), strict=True):
                for hit in hits:
                    found[hit.id][name] = hit.score
                    if isinstance(part, Nearest):
                        there[hit.id].append(name)
            weights = {
                name: each.weight for name, each in zip(parts, checked, strict=True) if isinstance(each, Nearest)
            }
            for id, names in there.items():
                if len(names) < len(weights) and (own := sum(weights[name] for name in names)):
                    for name in names:
                        found[id][name] *= grown(sum(weights.values()), own)
        return found

    def _checked_parts(self, parts: Sequence[Part]) -> tuple[Nearest | Matching | Close, ...]:
        weights = [checked_weight(part.weight) for part in parts]
        if not any(weights):
            raise ArgumentError("A hybrid search needs a part with a weight above 0.")
        names = [part.using for part in parts if isinstance(part, Similarity)]
        if len(names) != len(set(names)):
            raise ArgumentError(f"A hybrid search compares by each encoder once; got {', '.join(names)}.")
        return tuple(map(self._checked_part, parts))

    def _checked_part(self, part: Part) -> Nearest | Matching | Close:
        if isinstance(part, Match):
            return Matching(self._conditions(part.where), part.weight)
        if isinstance(part, Closeness):
            field = self._resolved(part.field)
            kind = self.info.fields[field]
            if kind not in ("integer", "float"):
                raise ArgumentError(f"Field '{part.field}' holds {kind} values; closeness is that of numbers.")
            if not (math.isfinite(part.target) and 0 < part.scale < math.inf):
                raise ArgumentError(
                    f"Closeness to '{part.field}' needs a finite number and a scale above 0; got {part.target} and "
                    f"{part.scale}."
                )
            return Close(field, kind, float(part.target), float(part.scale), part.weight)
        (vector,) = self._checked_matrix(part.using, np.atleast_2d(floats(part.vector)))
        scale = part.scale
        settings = self.info.settings.get(part.using, USUAL)
        if scale is None:
            return Nearest(part.using, vector, part.weight, 0.0, 1.0, settings)
        return Nearest(part.using, vector, part.weight, scale.nearest - scale.span, scale.span, settings)


def checked_weight(weight: float) -> float:
    """The weight itself.

    Raises:
        ArgumentError: it is below 0, or no finite number.
    """
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 <= weight < math.inf:
        raise ArgumentError(f"A weight is a number, 0 or more; got {weight!r}.")
    return weight


def _levels(parts: Sequence[Matching]) -> list[tuple[float, tuple[Condition, ...]]]:
    """Every sum of weights, from the highest down, and the conditions of which a point with that sum meets one."""
    levels: dict[float, list[Condition]] = {}
    for met in product((True, False), repeat=len(parts)):
        if any(met):
            score = round(sum(part.weight for part, holds in zip(parts, met, strict=True) if holds), 9)
            must, must_not = (
                tuple(part.where for part, holds in zip(parts, met, strict=True) if holds is side)
                for side in (True, False)
            )
            levels.setdefault(score, []).append(Conditions(must, must_not))
    return [(score, tuple(levels[score])) for score in sorted(levels, reverse=True)]


def _ordered(hits: list[Hit]) -> list[Hit]:
    return sorted(hits, key=lambda hit: (-hit.score, hit.id))
