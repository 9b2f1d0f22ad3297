"""What an engine must do for a store: the primitives that `Store` is built on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from autoenc.store.filters import Conditions, FieldKind, Scalar
from autoenc.store.records import Hit, Record
from autoenc.vectors import Vectors


class Engine(Protocol):
    """One open collection.

    An engine may trust what it gets: ids are canonical UUIDs, 1 to 500 of them; matrices are finite float32 of the
    right width, with rows of length 1 (or 0); vectors are known; fields are filterable, their values of the field's
    kind.

    Attributes:
        location, collection: as of `Store`.
    """

    location: str
    collection: str

    def read_record(self) -> Any:
        """The record as it was written, whatever its version; None in a collection that is new and empty."""

    def merge_record(self, changes: Mapping[str, Any]) -> None:
        """Change parts of the record (see `records.merged`), durably, leaving what others wrote beside them."""

    def create_vector(self, name: str, dim: int) -> None:
        """Make room for a named vector; nothing happens if it is there."""

    def drop_vector(self, name: str) -> None:
        """Remove a named vector from every point."""

    def create_field(self, field: str, kind: FieldKind) -> None:
        """Make a payload field filterable; nothing happens if it is."""

    def drop_field(self, field: str) -> None:
        """Let go of the index of a field; the payload stays."""

    def upsert(self, ids: Sequence[str], vectors: Mapping[str, Vectors], payloads: Sequence[Mapping[str, Any]]) -> None:
        """Insert points or replace them whole."""

    def update_vectors(self, ids: Sequence[str], vectors: Mapping[str, Vectors]) -> None:
        """Set some vectors of points that are there."""

    def set_payloads(self, ids: Sequence[str], payloads: Sequence[Mapping[str, Any]], key: str | None) -> None:
        """Merge fields into the payload of each point, at the top level or below a key."""

    def delete_fields(self, ids: Sequence[str], fields: Sequence[str]) -> None:
        """Remove fields at the top level of the points' payload."""

    def delete(self, ids: Sequence[str]) -> None:
        """Remove points."""

    def search(
        self, vectors: Vectors, using: str, k: int, where: Conditions, min_score: float | None
    ) -> list[list[Hit]]:
        """The k nearest points of each row."""

    def retrieve(self, ids: Sequence[str], vectors: Sequence[str]) -> list[Record]:
        """Those points that are there, in any order."""

    def scroll(self, where: Conditions, vectors: Sequence[str], batch: int, payload: bool = True) -> Iterator[Record]:
        """Every point that matches, ordered by id, so many at a time."""

    def count(self, where: Conditions) -> int:
        """How many points match."""

    def facets(self, field: str, where: Conditions, limit: int) -> dict[Scalar, int]:
        """The most frequent values of a field with their counts."""

    def optimize(self) -> None:
        """After a bulk load: see to it that the ANN index is built where it helps, and that nothing written is lost."""

    def flush(self) -> None:
        """Return once everything written so far is on disk."""

    def close(self) -> None:
        """Flush and let go. A second call does nothing."""

    def drop(self) -> None:
        """Remove the whole collection and let go."""
