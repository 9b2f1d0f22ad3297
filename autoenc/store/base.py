"""The contract of every store: points with named vectors and a payload, searched by cosine similarity."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from autoenc.errors import ArgumentError, PointNotFoundError, StoreMismatchError, VectorError
from autoenc.store.backend import Backend, canonical, floats
from autoenc.store.records import (
    FIELD_KINDS,
    FieldKind,
    Filter,
    Hit,
    Record,
    Scalar,
    VectorSpec,
    canonical_id,
    check_new_vector,
    listed,
)
from autoenc.vectors import Vectors

WRITE_BATCH = 500
"""Points handed to an engine at a time, however many the caller gives."""

MOST = 1_000_000
"""Of the points, or values, that one answer of an engine may be asked for."""


class Store(Backend):
    """One collection of points. Open it with `autoenc.open_store`; close it, or use it as a context manager.

    The public methods check what they are given; an engine writes the underscored ones of `Backend`.

    Attributes:
        location: where the store is: `:memory:`, a folder or a server's URL.
        collection: the collection's name.
        info: what the store remembers of its encoders, sources and filterable fields.
    """

    # ---- what the store remembers -------------------------------------------------------------

    def add_vector(self, name: str, spec: VectorSpec) -> None:
        """Make room for a named vector; nothing happens if it is there with the same encoder.

        Raises:
            StoreMismatchError: the name is taken by another encoder, dimension or preprocessing.
            ArgumentError: a name or dimension that the engines do not take.
        """
        check_new_vector(name, spec)
        known = self.info.vectors.get(name)
        if known is not None:
            self.check_vector(name, spec)
        if known != spec:
            self._remember(replace(self.info, vectors={**self.info.vectors, name: spec}))
        if known is None:
            self._create_vector(name, spec.dim)

    def check_vector(self, name: str, spec: VectorSpec) -> None:
        """Raise StoreMismatchError unless the named vector belongs to this very encoder."""
        known = self.info.vectors.get(name)
        if known is None:
            raise StoreMismatchError(
                f"Collection '{self.collection}' holds no vector '{name}'; it holds {listed(self.info.vectors)}. "
                f"Index with --encoders {name} to add it."
            )
        if not known.same_encoder(spec):
            raise StoreMismatchError(
                f"Collection '{self.collection}' holds {_described(name, known)}; this one is "
                f"{_described(name, spec)}. Index into a new collection with --collection, or use the "
                f"encoder{f' in {known.bundle}' if known.bundle else ''} that it was built with."
            )

    def add_source(self, name: str, root: str) -> None:
        """Remember where a source's images lie; a source that has moved gets its new root."""
        if self.info.sources.get(name) != root:
            self._remember(replace(self.info, sources={**self.info.sources, name: root}))

    def add_field(self, name: str, kind: FieldKind) -> None:
        """Make a payload field filterable, with an index; nothing happens if it already is.

        Raises:
            StoreMismatchError: the field is filterable already, with values of another kind.
            ArgumentError: no such kind, or an empty name.
        """
        if not name or kind not in FIELD_KINDS:
            raise ArgumentError(
                f"A filterable field has a name and a kind of {listed(FIELD_KINDS)}; got {name!r} of kind {kind!r}."
            )
        known = self.info.fields.get(name)
        if known is None:
            self._remember(replace(self.info, fields={**self.info.fields, name: kind}))
            self._create_index(name, kind)
        elif known != kind:
            raise StoreMismatchError(
                f"Field '{name}' of collection '{self.collection}' holds {known} values, not "
                f"{kind}. Use another name for it, or index into a new collection."
            )

    # ---- writing ------------------------------------------------------------------------------

    def upsert(self, ids: Sequence[str], vectors: Mapping[str, Vectors], payloads: Sequence[Mapping[str, Any]]) -> None:
        """Insert points, replacing those of the same id whole, other vectors included.

        Args:
            ids: N UUIDs.
            vectors: vector name -> (N, dim) float32.
            payloads: N payloads of what JSON can hold.

        Raises:
            VectorError: unknown name, wrong shape, NaN or infinity. Nothing is written then.
            ArgumentError: an id that is no UUID, or not one payload a point (nothing is written then);
                or a payload that JSON cannot hold.
        """
        ids, checked = self._checked(ids, vectors)
        if len(payloads) != len(ids):
            raise ArgumentError(f"Expected one payload a point: {len(ids)} ids, {len(payloads)} payloads.")
        for part in _parts(len(ids)):
            self._upsert(ids[part], {name: matrix[part] for name, matrix in checked.items()}, payloads[part])

    def update_vectors(self, ids: Sequence[str], vectors: Mapping[str, Vectors]) -> None:
        """Set the named vectors of points that are there, leaving their other vectors and payload as they are.

        Raises:
            PointNotFoundError: a point is not there. Nothing is written then.
            VectorError, ArgumentError: as for `upsert`.
        """
        ids, checked = self._checked(ids, vectors)
        self._checked_there(ids)
        for part in _parts(len(ids)):
            self._update_vectors(ids[part], {name: matrix[part] for name, matrix in checked.items()})

    def set_payload(self, id: str, payload: Mapping[str, Any]) -> None:
        """Merge fields into the payload of one point, leaving its vectors as they are.

        Raises:
            PointNotFoundError: the point is not there.
        """
        id = canonical_id(id) or id
        self._checked_there([id])
        if payload:
            self._set_payload(id, payload)

    def delete(self, ids: Sequence[str]) -> None:
        """Delete points; an id that is not there is no error."""
        if known := canonical(ids):
            self._delete(known)

    @abstractmethod
    def optimize(self) -> None:
        """After a bulk load: build the ANN index where the collection is large enough to gain by it."""

    @abstractmethod
    def flush(self) -> None:
        """Return once everything written so far is on disk."""

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
        """The k points nearest to a vector by cosine similarity, best first, equal scores by id.

        Args:
            vector: (dim,) numbers. Zeros have no direction: their similarity to everything is 0.
            using: name of the vector to compare with.
            k: how many at most, 1 to 1,000,000.
            where: only points whose payload matches.
            min_score: only points at least this similar.
            exclude: ids to leave out.

        Raises:
            VectorError: unknown name, wrong length, NaN or infinity.
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
    ) -> list[list[Hit]]:
        """`search` for every row of (Q, dim) `vectors`, in one call to the engine."""
        _check_number("k", k)
        if min_score is not None and not np.isfinite(min_score):
            raise ArgumentError(f"The minimum score must be a number from -1 to 1; got {min_score}.")
        matrix = self._checked_matrix(using, vectors)
        conditions = self._conditions(where)
        if len(matrix) == 0:
            return []
        results = self._search_batch(matrix, using, k, conditions, min_score, canonical(exclude))
        return [sorted(hits, key=lambda hit: (-hit.score, hit.id)) for hits in results]

    def search_by_id(
        self, id: str, *, using: str, k: int = 5, where: Filter | None = None, min_score: float | None = None
    ) -> list[Hit]:
        """The neighbors of a stored point, itself left out.

        Raises:
            PointNotFoundError: no such point, or it has no vector of that name.
        """
        self._checked_name(using)
        found = self.retrieve([id], vectors=[using])
        if not found or using not in found[0].vectors:
            lacking = f"holds no vector '{using}' for point" if found else "has no point"
            raise PointNotFoundError(f"Collection '{self.collection}' {lacking} {id}. Index the image first.")
        return self.search(found[0].vectors[using], using=using, k=k, where=where, min_score=min_score, exclude=[id])

    def retrieve(self, ids: Sequence[str], *, vectors: Sequence[str] = ()) -> list[Record]:
        """The points of those ids that are there, in the order of `ids`."""
        for name in vectors:
            self._checked_name(name)
        known = canonical(ids)
        by_id = {record.id: record for record in self._retrieve(known, list(vectors))} if known else {}
        return [by_id[id] for id in known if id in by_id]

    def having_vectors(self, ids: Sequence[str], names: Sequence[str]) -> set[str]:
        """Those of `ids` whose points are there with every vector of `names`; no vector data is moved."""
        for name in names:
            self._checked_name(name)
        known = canonical(ids)
        return self._having_vectors(known, list(names)) if known else set()

    def count(self, where: Filter | None = None) -> int:
        """How many points match; all of them without a filter."""
        return self._count(self._conditions(where))

    def scroll(
        self, where: Filter | None = None, *, vectors: Sequence[str] = (), batch: int = 1000
    ) -> Iterator[Record]:
        """Every matching point, ordered by id, read `batch` at a time."""
        for name in vectors:
            self._checked_name(name)
        _check_number("batch", batch)
        return self._scroll(self._conditions(where), list(vectors), batch)

    def facets(self, field: str, *, where: Filter | None = None, limit: int = 100) -> dict[Scalar, int]:
        """The most frequent values of a filterable field with their counts, largest first, then by value."""
        self._checked_fields([field])
        _check_number("limit", limit)
        counts = self._facets(field, self._conditions(where), limit)
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    @abstractmethod
    def close(self) -> None:
        """Flush and let go of the store. A second call does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.location} collection '{self.collection}'>"


def _parts(count: int) -> Iterator[slice]:
    return (slice(start, start + WRITE_BATCH) for start in range(0, count, WRITE_BATCH))


def _check_number(name: str, value: int) -> None:
    if not 1 <= value <= MOST:
        raise ArgumentError(f"{name} must be from 1 to {MOST:,}; got {value}.")


def _described(name: str, spec: VectorSpec) -> str:
    return f"{spec.dim}-d vectors of encoder '{name}' ({spec.fingerprint[:12]}, preprocessing {spec.preprocessing})"
