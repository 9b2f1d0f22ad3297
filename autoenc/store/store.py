"""The store: points with named vectors and a payload, searched by cosine similarity."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np

from autoenc.errors import ArgumentError, PointNotFoundError, VectorError
from autoenc.store.checks import canonical, check_payloads, jsonable, parts
from autoenc.store.filters import EVERYTHING, OWN, SCANNED, AnyOf, Conditions, check_field_name
from autoenc.store.hybrid import HybridSearch
from autoenc.store.kinds import COUNTED, RANGED
from autoenc.store.points import Record, canonical_id
from autoenc.store.status import StoreStatus, VectorBytes
from autoenc.vectors import Vectors

_FREQUENT = 5
"""How many of a field's values `status` names."""


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

    # ---- the store as a whole -----------------------------------------------------------------

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
