"""What is read from a store: the nearest points, points by id and by filter, and the values of their fields."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy.typing as npt

from autoenc.errors import ArgumentError, PointNotFoundError, VectorError
from autoenc.store.checks import BATCH, canonical, check_number, floats, parts
from autoenc.store.filters import OWN, SCANNED, Conditions, HasId, HasVector, check_field_name
from autoenc.store.generations import Generational
from autoenc.store.kinds import COUNTED, RANGED, FieldKind, Scalar, of_kind
from autoenc.store.points import Hit, Record, canonical_id
from autoenc.store.settings import USUAL, SearchSettings
from autoenc.store.where import Filter

_ROUNDING = 1e-6
"""The rounding error of a cosine in float32."""


class Reading(Generational):
    """The part of a store that reads its points."""

    def search(
        self,
        vector: npt.ArrayLike,
        *,
        using: str,
        k: int = 5,
        where: Filter | None = None,
        min_score: float | None = None,
        exclude: Collection[str] = (),
    ) -> list[Hit]:
        """The k points nearest to a vector by cosine similarity, best first; equal scores are ordered by id.

        Args:
            vector: (dim,) numbers. A vector of zeros has no direction: its similarity to every point is 0.
            using: name of the vectors to compare with.
            k: how many points at most, 1 to 1,000,000.
            where: only points whose payload matches: a mapping, a text expression, or And, Or and Not of these.
            min_score: only points at least this similar.
            exclude: ids to leave out.

        Raises:
            VectorError: an unknown name, a wrong length, NaN or infinity.
            UnknownFieldError: `where` names a field that is not filterable.
            ArgumentError: k out of range, or a filter value of the wrong kind.
        """
        matrix = floats(vector)
        if matrix.ndim != 1:
            raise VectorError(f"Expected one vector, a sequence of numbers; got an array of shape {matrix.shape}.")
        return self.search_batch(matrix[None], using=using, k=k, where=where, min_score=min_score, exclude=exclude)[0]

    def search_batch(
        self,
        vectors: npt.ArrayLike,
        *,
        using: str,
        k: int = 5,
        where: Filter | None = None,
        min_score: float | None = None,
        exclude: Collection[str] = (),
        payload: bool = True,
        settings: SearchSettings | None = None,
    ) -> list[list[Hit]]:
        """`search` for every row of (Q, dim) `vectors`, in one call to the engine.

        Without `payload`, hits have an empty one, and many hits are found several times as fast. `settings` take the
        place of those that the store remembers.
        """
        check_number("k", k)
        if min_score is not None and not (isinstance(min_score, (int, float)) and -1 <= min_score <= 1):
            raise ArgumentError(f"min_score= must be a number from -1 to 1; got {min_score}.")
        matrix = self._checked_matrix(using, vectors)
        conditions = self._conditions(where).without(tuple(canonical(exclude)))
        if len(matrix) == 0:
            return []
        if min_score is not None:
            min_score -= _ROUNDING  # engines leave out a score that equals their threshold
        settings = settings or self.info.settings.get(using, USUAL)
        results = self._engine.search(matrix, using, k, conditions, min_score, payload, settings)
        return [sorted(hits, key=lambda hit: (-hit.score, hit.id)) for hits in results]

    def search_by_id(
        self, id: str, *, using: str, k: int = 5, where: Filter | None = None, min_score: float | None = None
    ) -> list[Hit]:
        """The neighbors of a stored point, without the point itself.

        Raises:
            PointNotFoundError: the point does not exist or has no vector of that name.
        """
        self._checked_name(using)
        found = self.retrieve([id], vectors=[using])
        if not found or using not in found[0].vectors:
            lacking = f"holds no vector '{using}' for point" if found else "has no point"
            raise PointNotFoundError(f"Collection '{self.collection}' {lacking} {id}. Index the image first.")
        return self.search(found[0].vectors[using], using=using, k=k, where=where, min_score=min_score, exclude=[id])

    def retrieve(self, ids: Sequence[str], *, vectors: Sequence[str] = ()) -> list[Record]:
        """The points with these ids, in the order of `ids`; ids without a point are left out."""
        for name in vectors:
            self._checked_name(name)
        known = canonical(ids)
        found = {r.id: r for part in parts(len(known)) for r in self._engine.retrieve(known[part], list(vectors))}
        return [found[id] for id in known if id in found]

    def having_vectors(self, ids: Sequence[str], names: Sequence[str]) -> set[str]:
        """Those of `ids` whose points exist and have every vector in `names`; no vectors are transferred."""
        for name in names:
            self._checked_name(name)
        known = canonical(ids)
        having = [HasVector(name) for name in names]
        found: set[str] = set()
        for part in parts(len(known)):
            where = Conditions((HasId(tuple(known[part])), *having))
            found |= {record.id for record in self._engine.scroll(where, [], BATCH, fields=[])}
        return found

    def count(self, where: Filter | None = None, *, having: Sequence[str] = ()) -> int:
        """How many points match the filter and have these vectors; without either, how many there are."""
        for name in having:
            self._checked_name(name)
        return self._engine.count(self._conditions(where, having))

    def scroll(
        self,
        where: Filter | None = None,
        *,
        vectors: Sequence[str] = (),
        having: Sequence[str] = (),
        lacking: str | None = None,
        fields: Sequence[str] | None = None,
        batch: int = 1000,
        after: str | None = None,
    ) -> Iterator[Record]:
        """Every matching point, ordered by id, read `batch` at a time.

        Args:
            where: only points whose payload matches.
            vectors: names of the vectors to read.
            having: only points that have each of these vectors.
            lacking: only points without the vector of this name.
            fields: the only fields of the payload to read; by default, all.
            batch: how many points to read at a time.
            after: only points whose ids come after this one, to go on where reading was stopped.

        Raises:
            VectorError: an unknown vector.
            UnknownFieldError, ArgumentError: as for `search`.
        """
        for name in (*vectors, *having, *filter(None, [lacking])):
            self._checked_name(name)
        for field in fields or ():
            if field != OWN:
                check_field_name(field)
        check_number("batch", batch)
        conditions = self._conditions(where, having)
        if lacking is not None:
            conditions = conditions._replace(must_not=(*conditions.must_not, HasVector(lacking)))
        if after is None:
            return self._engine.scroll(conditions, list(vectors), batch, fields)
        start = canonical_id(after)
        if start is None:
            raise ArgumentError(f"after= is the id of a point, a UUID; got {after!r}.")
        there = self._engine.scroll(conditions, list(vectors), batch, fields, start)
        return (record for record in there if record.id != start)

    def bounds(self, field: str, *, where: Filter | None = None) -> tuple[Scalar, Scalar] | None:
        """The least and the greatest value of a filterable field of numbers or of dates; None if no point has one.

        Returns:
            Two numbers; or two dates or times, as text in ISO 8601.

        Raises:
            UnknownFieldError: the field is not filterable.
            ArgumentError: its values have no order, or it has no index.

        Example:
            >>> with autoenc.open_store("store") as store:
            ...     store.add_field("price", "float")
            ...     store.set_payloads([record.id for record in store][:2], [{"price": 12.5}, {"price": 4}])
            ...     store.bounds("price")
            (4.0, 12.5)
        """
        name = self._resolved(field)
        kind = self.info.fields[name]
        if name in SCANNED:
            raise ArgumentError(f"Bounds are those of indexed fields; '{field}' has no index.")
        if kind not in RANGED:
            raise ArgumentError(f"Bounds are those of indexed numbers and dates; '{field}' holds neither.")
        conditions = self._conditions(where)
        found = [self._engine.extreme(name, conditions, greatest=greatest) for greatest in (False, True)]
        least, greatest = (None if record is None else _values(name, kind, record.payload) for record in found)
        if not least or not greatest:
            return None
        return least[min(least)], greatest[max(greatest)]

    def facets(self, field: str, *, where: Filter | None = None, limit: int = 100) -> dict[Scalar, int]:
        """The most frequent values of a filterable field with their counts, most frequent first, then by value.

        Raises:
            UnknownFieldError: the field is not filterable.
            ArgumentError: a field of floats or datetimes, which no engine counts.
        """
        name = self._resolved(field)
        kind = self.info.fields[name]
        if name in SCANNED:
            raise ArgumentError(f"Facets count indexed fields; '{field}' is not one of them. Filter by it instead.")
        if kind not in COUNTED:
            raise ArgumentError(
                f"Facets count the values of {', '.join(COUNTED)} fields; '{field}' holds {kind} values. Filter it by "
                f"{'a range' if kind in RANGED else 'words'} instead."
            )
        check_number("limit", limit)
        counts = self._engine.facets(name, self._conditions(where), limit)
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _values(field: str, kind: FieldKind, payload: Mapping[str, Any]) -> dict[Any, Scalar]:
    """The values of a field that are of its kind, by what they are ordered by, as the payload holds them."""
    held = payload.get(field)
    found: dict[Any, Scalar] = {}
    for value in held if isinstance(held, list) else [held]:
        with suppress(ArgumentError):
            typed = of_kind(field, kind, value)
            found[typed] = str(value) if kind == "datetime" else typed
    return found
