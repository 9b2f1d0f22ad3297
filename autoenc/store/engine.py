"""The interface of an engine: the primitives that `Store` is built on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from autoenc.store.blending import Blend
from autoenc.store.filters import Conditions
from autoenc.store.kinds import FieldKind, Scalar
from autoenc.store.points import Hit, Record
from autoenc.store.settings import USUAL, Quantization, SearchSettings
from autoenc.store.status import VectorBytes
from autoenc.vectors import Vectors


class Generations(Protocol):
    """The generations of an open collection: they lie beside one another, and one of them answers to its name.

    Attributes:
        number: of the one that is open; None for a collection that has no generations (on a server, one that was made
            before there were any, or that another program's alias leads to).
    """

    number: int | None

    def current(self) -> int | None:
        """The number of the one that answers to the collection's name."""

    def records(self) -> dict[int, Any]:
        """The record of each one, by its number; None where it cannot be read."""

    def disk_bytes(self, number: int) -> int | None:
        """Bytes of this computer's disk that one takes; None where it lies elsewhere."""

    def open(self, number: int, create: bool) -> Engine:
        """Open one, or make it; the open one stays open."""

    def switch(self, number: int) -> None:
        """Let another one answer to the collection's name, durably and at once."""

    def drop(self, number: int) -> None:
        """Remove one that is not open."""


class Engine(Protocol):
    """One open collection.

    An engine may trust its arguments, because `Store` has checked them. There are 1 to 500 ids, and all of them are
    canonical UUIDs. Matrices are finite float32 of the right width, and their rows have length 1 (or 0). Vectors are
    known, fields are filterable, and the values in a filter are of the field's kind.

    Attributes:
        location, collection: as for `Store`.
        generations: of the collection.
    """

    location: str
    collection: str
    generations: Generations

    def read_record(self) -> Any:
        """The record as it was written, in any version of the format; None for a new and empty collection."""

    def merge_record(self, changes: Mapping[str, Any]) -> None:
        """Durably change parts of the record (see `records.merged`), and keep what others wrote to the rest of it."""

    def create_vector(self, name: str, dim: int) -> None:
        """Add a named vector to the collection; do nothing if it exists."""

    def quantize(self, kinds: Mapping[str, Quantization | None]) -> None:
        """Keep short copies of the vectors of these names, or keep none; `optimize` makes them. Nobody else may use the
        engine meanwhile. An engine that compares vectors in memory has no use for them, and does nothing.
        """

    def drop_vector(self, name: str) -> None:
        """Remove a named vector from every point."""

    def create_field(self, field: str, kind: FieldKind) -> None:
        """Make a payload field filterable; do nothing if it already is."""

    def drop_field(self, field: str) -> None:
        """Remove the index of a field; the payload stays."""

    def upsert(self, ids: Sequence[str], vectors: Mapping[str, Vectors], payloads: Sequence[Mapping[str, Any]]) -> None:
        """Insert points, or replace existing ones completely."""

    def update_vectors(self, ids: Sequence[str], vectors: Mapping[str, Vectors]) -> None:
        """Set some vectors of existing points."""

    def set_payloads(self, ids: Sequence[str], payloads: Sequence[Mapping[str, Any]], key: str | None) -> None:
        """Merge fields into the payload of each point, at the top level or under a key."""

    def delete_fields(self, ids: Sequence[str], fields: Sequence[str]) -> None:
        """Remove fields of the points' payload: at its top level, or autoenc's own."""

    def delete(self, ids: Sequence[str]) -> None:
        """Remove points."""

    def search(
        self,
        vectors: Vectors,
        using: str,
        k: int,
        where: Conditions,
        min_score: float | None,
        payload: bool = True,
        settings: SearchSettings = USUAL,
    ) -> list[list[Hit]]:
        """The k nearest points of each row; without `payload`, that of each hit is empty."""

    def blend(self, blends: Sequence[Blend]) -> list[list[Hit]]:
        """The best points of each hybrid search, with scores that are not cosines."""

    def retrieve(self, ids: Sequence[str], vectors: Sequence[str]) -> list[Record]:
        """The points that exist, in any order."""

    def scroll(
        self,
        where: Conditions,
        vectors: Sequence[str],
        batch: int,
        fields: Sequence[str] | None = None,
        start: str | None = None,
    ) -> Iterator[Record]:
        """Every point that matches, ordered by id, read `batch` at a time.

        Args:
            where: what they match.
            vectors: the vectors to read.
            batch: as above.
            fields: of the payload; None for all.
            start: the least id.
        """

    def extreme(self, field: str, where: Conditions, *, greatest: bool) -> Record | None:
        """A matching point with the least or the greatest value of an indexed field that has an order."""

    def count(self, where: Conditions) -> int:
        """How many points match."""

    def facets(self, field: str, where: Conditions, limit: int) -> dict[Scalar, int]:
        """The most frequent values of a field with their counts."""

    def disk_bytes(self) -> int | None:
        """Bytes of this computer's disk that the collection takes; None where it lies elsewhere."""

    def vector_bytes(self, name: str) -> VectorBytes | None:
        """Bytes that the vectors of one name take on this computer's disk; None where they lie elsewhere."""

    def optimize(self) -> None:
        """After a bulk load, build the ANN index where it helps, and check that nothing written was lost."""

    def flush(self) -> None:
        """Return once everything written so far is on disk."""

    def verify(self) -> bool:
        """Raise StoreError if the files are not what was written; False if nothing tells what was written."""

    def close(self) -> None:
        """Flush and release the collection. A second call does nothing."""

    def drop(self) -> None:
        """Remove the whole collection and release it."""
