"""The store: points with named vectors and a payload, searched by cosine similarity."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from autoenc.errors import ArgumentError, PointNotFoundError, VectorError
from autoenc.store.checks import BATCH, canonical, check_number, check_payloads, floats, jsonable, parts
from autoenc.store.filters import (
    EVERYTHING,
    OWN,
    SCANNED,
    AnyOf,
    Conditions,
    HasId,
    HasVector,
    check_field_name,
)
from autoenc.store.hybrid import HybridSearch
from autoenc.store.kinds import COUNTED, RANGED, FieldKind, Scalar, of_kind
from autoenc.store.points import Hit, Record, canonical_id
from autoenc.store.settings import USUAL, SearchSettings
from autoenc.store.status import StoreStatus, VectorBytes
from autoenc.store.where import Filter
from autoenc.vectors import Vectors

_FREQUENT = 5
"""How many of a field's values `status` names."""

_ROUNDING = 1e-6
"""The rounding error of a cosine in float32."""


class Store(HybridSearch):
    """One collection of points. Open it with `autoenc.open_store`; close it, or use it as a context manager.

    Iterating over a store yields its points; `len` counts them. The fields of a payload belong to the user, except for
    the key `_autoenc`, which holds what autoenc keeps about the image. Filters reach autoenc's fields by their short
    names (source, folder, path, width, height), or as `_autoenc.folder` if the user has a filterable field of that
    name. Several threads may share a store.

    Attributes:
        location: where the store is: `:memory:`, a folder or a server's URL.
        collection: the collection's name.
        info: what the store remembers about its encoders, sources and filterable fields.
    """

    def status(self) -> StoreStatus:
        """What the collection holds, and what it remembers of its encoders, sources and fields."""
        source = f"{OWN}.source"
        counted = [
            name for name, kind in self.info.fields.items() if kind in COUNTED and name not in SCANNED | {source}
        ]
        ranged = [name for name, kind in self.info.fields.items() if kind in RANGED and name not in SCANNED]
        return StoreStatus(
            location=self.location,
            collection=self.collection,
            points=len(self),
            encoders=dict(self.info.vectors),
            having={name: self.count(having=[name]) for name in self.info.vectors},
            sources=dict(self.info.sources),
            points_of={
                name: self._engine.count(Conditions((AnyOf(source, "keyword", (name,)),))) for name in self.info.sources
            },
            fields=dict(self.info.fields),
            values={name: self.facets(name, limit=_FREQUENT) for name in counted},
            bounds={name: bounds for name in ranged if (bounds := self.bounds(name)) is not None},
            better=dict(self.info.better),
            product=self.info.product,
            copy_of=self.info.copy_of,
            runs=dict(self.info.runs),
            settings=dict(self.info.settings),
            disk_bytes=self.disk_bytes(),
            generation=self.generation,
            others=tuple(each for each in self.generations() if each.number != self.generation),
        )

    # ---- writing ------------------------------------------------------------------------------

    def upsert(self, ids: Sequence[str], vectors: Mapping[str, Vectors], payloads: Sequence[Mapping[str, Any]]) -> None:
        """Insert points. A point with the same id is replaced completely, with its other vectors and its payload.

        Args:
            ids: N UUIDs.
            vectors: vector name -> (N, dim) float32.
            payloads: N payloads that JSON can hold; dates and datetimes are stored as ISO 8601 text.

        Raises:
            VectorError: an unknown name, a wrong shape, NaN or infinity. Nothing is written.
            ArgumentError: an id that is not a UUID, or not one payload per point (nothing is written); or a payload
                that JSON cannot hold.
        """
        self._check_no_copy()
        ids, checked = self._checked(ids, vectors)
        check_payloads(ids, payloads)
        for part in parts(len(ids)):
            rows = {name: matrix[part] for name, matrix in checked.items()}
            self._engine.upsert(ids[part], rows, [jsonable(payload) for payload in payloads[part]])

    def upsert_records(self, records: Sequence[Record]) -> None:
        """Insert points as another store of the same encoders returned them, their vectors bit for bit.

        Args:
            records: points with all the vectors that they have. A point with the same id is replaced completely.
        """
        self._check_no_copy()
        alike: dict[tuple[str, ...], list[Record]] = defaultdict(list)
        for record in records:
            alike[tuple(sorted(record.vectors))].append(record)
        for names, group in alike.items():
            for part in parts(len(group)):
                rows = {name: np.stack([record.vectors[name] for record in group[part]]) for name in names}
                ids, payloads = [record.id for record in group[part]], [record.payload for record in group[part]]
                self._engine.upsert(ids, rows, payloads)

    def update_vectors(self, ids: Sequence[str], vectors: Mapping[str, Vectors]) -> None:
        """Set named vectors of existing points; their other vectors and their payloads stay as they are.

        Raises:
            PointNotFoundError: a point does not exist. Nothing is written.
            VectorError, ArgumentError: as for `upsert`.
        """
        if not vectors:
            return
        self._check_no_copy()
        ids, checked = self._checked(ids, vectors)
        self._checked_there(ids)
        for part in parts(len(ids)):
            self._engine.update_vectors(ids[part], {name: matrix[part] for name, matrix in checked.items()})

    def set_payload(self, id: str, payload: Mapping[str, Any]) -> None:
        """Merge fields into the payload of one point; its vectors stay as they are.

        Raises:
            PointNotFoundError: the point does not exist.
        """
        self.set_payloads([id], [payload])

    def set_payloads(
        self, ids: Sequence[str], payloads: Sequence[Mapping[str, Any]], *, key: str | None = None
    ) -> None:
        """Merge fields into the payloads of several points, one mapping per point.

        Args:
            ids: N UUIDs.
            payloads: N mappings to merge.
            key: the field under which to merge; by default, the top level.

        Raises:
            PointNotFoundError: a point does not exist. Nothing is written.
            ArgumentError: not one payload per point.
        """
        self._check_no_copy()
        ids = [canonical_id(id) or id for id in ids]
        check_payloads(ids, payloads)
        if key is None and any(OWN in payload for payload in payloads):
            raise ArgumentError(f"The field '{OWN}' is autoenc's own; give your field another name.")
        self._checked_there(ids)
        for part in parts(len(ids)):
            self._engine.set_payloads(ids[part], [jsonable(payload) for payload in payloads[part]], key)

    def delete_fields(self, ids: Sequence[str], fields: Sequence[str], *, key: str | None = None) -> None:
        """Remove fields from the payloads of several points; a field that a point does not have is ignored.

        Args:
            ids: N UUIDs.
            fields: names of fields.
            key: `_autoenc`, the field that holds autoenc's own; by default, fields of yours at the top level.

        Raises:
            PointNotFoundError: a point does not exist. Nothing is removed.
            ArgumentError: a field of autoenc's own without its key, or an invalid name.
        """
        self._check_no_copy()
        if key is None and any(name.startswith(f"{OWN}.") for name in fields):
            raise ArgumentError(f"The fields below '{OWN}' are autoenc's own; they cannot be removed.")
        paths = [name if key is None else f"{key}.{name}" for name in fields]
        for path in paths:
            check_field_name(path)
        ids = [canonical_id(id) or id for id in ids]
        self._checked_there(ids)
        for part in parts(len(ids) if fields else 0):
            self._engine.delete_fields(ids[part], paths)

    def delete(self, ids: Sequence[str]) -> None:
        """Delete points; ids without a point are ignored."""
        self._check_no_copy()
        known = canonical([ids] if isinstance(ids, str) else ids)
        for part in parts(len(known)):
            self._engine.delete(known[part])

    def optimize(self) -> None:
        """After a bulk load, build the ANN index if the collection is large enough to benefit.

        A server builds it by itself. If this store added a vector to existing points, this waits for the server, ten
        minutes at most, and then checks that the points still have that vector.

        Raises:
            StoreError: the server cannot optimize the collection, or has lost vectors that were written.
        """
        self._engine.optimize()

    def flush(self) -> None:
        """Return once everything written so far is on disk."""
        self._engine.flush()

    # ---- reading ------------------------------------------------------------------------------

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
        if kind not in RANGED or name in SCANNED:
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

    def verify(self) -> bool:
        """Compare the checksum of every file of a store in a folder with what was written.

        Returns:
            False where there are no checksums: on a server, and in a folder that was not closed after it was written.

        Raises:
            StoreError: a file has changed.
        """
        return self._engine.verify()

    def disk_bytes(self) -> int | None:
        """What the collection takes on this computer's disk; None for a server."""
        return self._engine.disk_bytes()

    def vector_bytes(self, name: str) -> VectorBytes | None:
        """What the vectors of one encoder take on this computer's disk; None for a server, and in memory.

        Raises:
            VectorError: the store does not hold that encoder.
        """
        self._checked_name(name)
        return self._engine.vector_bytes(name)

    def close(self) -> None:
        """Flush and close the store. A second call does nothing."""
        self._engine.close()

    def __len__(self) -> int:
        return self._engine.count(EVERYTHING)

    def __iter__(self) -> Iterator[Record]:
        return self.scroll()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Store {self.location} collection '{self.collection}'>"

    # ---- checks -------------------------------------------------------------------------------

    def _checked(self, ids: Sequence[str], vectors: Mapping[str, Vectors]) -> tuple[list[str], dict[str, Vectors]]:
        checked = {name: self._checked_matrix(name, matrix) for name, matrix in vectors.items()}
        for name, matrix in checked.items():
            if len(matrix) != len(ids):
                raise VectorError(f"Expected one vector '{name}' for each of {len(ids)} points; got {len(matrix)}.")
        known = canonical(ids)
        if len(known) != len(ids):
            wrong = next(id for id in ids if canonical_id(id) is None)
            raise ArgumentError(f"A point's id is a UUID, as returned by autoenc.store.point_id; got {wrong!r}.")
        return known, checked

    def _checked_there(self, ids: Sequence[str]) -> None:
        missing = sorted(set(ids) - self.having_vectors(ids, []))
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise PointNotFoundError(
                f"Collection '{self.collection}' has no point {missing[0]}{more}. Index the image first."
            )


def _values(field: str, kind: FieldKind, payload: Mapping[str, Any]) -> dict[Any, Scalar]:
    """The values of a field that are of its kind, by what they are ordered by, as the payload holds them."""
    held = payload.get(field)
    found: dict[Any, Scalar] = {}
    for value in held if isinstance(held, list) else [held]:
        with suppress(ArgumentError):
            typed = of_kind(field, kind, value)
            found[typed] = str(value) if kind == "datetime" else typed
    return found
