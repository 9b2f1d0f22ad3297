"""The engine for a store in a folder: Qdrant Edge, which runs in this process.

STORE/<collection>/autoenc.json holds the record of encoders, sources and fields, STORE/<collection>/shard is the
engine's own folder, and STORE/<collection>/autoenc.manifest.json holds the checksums of both while the store is closed.
A lock on the collection's folder protects them, so they are read and written only while the store is open.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import qdrant_edge as qe

from autoenc.errors import StoreError
from autoenc.store.edge_ann import quantized_config
from autoenc.store.edge_holding import SHARD, EdgeHolding
from autoenc.store.edge_values import BOOLS, SCHEMA_TYPES, copies_of, copy_path, rows_of, with_copies
from autoenc.store.filters import EVERYTHING, OWN, json_path
from autoenc.store.kinds import FieldKind
from autoenc.store.points import storing
from autoenc.store.settings import Quantization, quantizations_of
from autoenc.store.space import check_space, needed_for_vector
from autoenc.vectors import Vectors


class EdgeEngine(EdgeHolding):
    """A collection in a folder. Only one process can open it at a time; the threads of that process may share it."""

    # ---- vectors and fields -------------------------------------------------------------------

    def create_vector(self, name: str, dim: int) -> None:
        if self._has_vector(name, dim):  # an operation that changes nothing would make the write-ahead log grow
            return
        check_space(self._folder, needed_for_vector(self._folder / "shard"), "to add a vector to the store")
        with self._engine():
            self._update(qe.UpdateOperation.create_dense_vector(name, dim, qe.Distance.Cosine))

    def _has_vector(self, name: str, dim: int) -> bool:
        """Whether the shard has a vector of that name, which it tells only when it is searched."""
        nothing = qe.Filter(must=[qe.HasIdCondition({str(uuid.UUID(int=0))})])
        query = qe.QueryRequest(limit=1, query=qe.Query.Nearest([0.0] * dim, name), filter=nothing)
        try:
            with self._engine():
                self._shard.query_batch(qe.QueryBatchRequest([query]))
        except StoreError as error:
            if "Not existing vector name" in str(error):
                return False
            raise
        return True

    def quantize(self, kinds: Mapping[str, Quantization | None]) -> None:
        self._begin_writing(0, "to write to the store")
        with self._engine():  # which takes another configuration only when it opens a shard
            config = quantized_config(self._folder / SHARD, {**quantizations_of(self.read_record()), **kinds})
            self._close_shard()
            self._open = qe.EdgeShard.load(str(self._folder / SHARD), config)

    def drop_vector(self, name: str) -> None:
        with self._engine():
            self._update(qe.UpdateOperation.delete_vector_name(name))

    def create_field(self, field: str, kind: FieldKind) -> None:
        with self._engine():
            there = self._shard.info().payload_schema
        indexed = field in there or json_path(field) in there  # the engine does not quote every name that needs it
        if kind == "bool" and not (indexed and field in self._bools):
            self._copy_bools(field)
        if indexed:
            return
        with self._engine():
            self._update(qe.UpdateOperation.create_field_index(json_path(field), SCHEMA_TYPES[kind]))

    def drop_field(self, field: str) -> None:
        with self._engine():
            self._update(qe.UpdateOperation.delete_field_index(json_path(field)))

    def _copy_bools(self, field: str) -> None:
        """Copy the bools of the existing points; from then on, every write keeps the copies up to date."""
        self._bools |= {field}
        with self._engine():
            index = qe.UpdateOperation.create_field_index(copy_path(field), qe.PayloadSchemaType.Keyword)
            self._update(index)
        for record in self.scroll(EVERYTHING, [], 1000):
            if copies := copies_of(record.payload, self._bools):
                with self._engine():
                    self._update(qe.UpdateOperation.set_payload([record.id], copies, f"{OWN}.{BOOLS}"))

    # ---- points -------------------------------------------------------------------------------

    def upsert(self, ids: Sequence[str], vectors: Mapping[str, Vectors], payloads: Sequence[Mapping[str, Any]]) -> None:
        rows = rows_of(vectors, len(ids))
        with storing(self._name), self._engine():
            points = [
                qe.Point(id, row, with_copies(payload, self._bools))
                for id, row, payload in zip(ids, rows, payloads, strict=True)
            ]
            numbers = sum(matrix.size for matrix in vectors.values())
            self._update(qe.UpdateOperation.upsert_points(points), points=len(points), numbers=numbers)

    def update_vectors(self, ids: Sequence[str], vectors: Mapping[str, Vectors]) -> None:
        with self._engine():
            rows = rows_of(vectors, len(ids))
            points = [qe.PointVectors(id, row) for id, row in zip(ids, rows, strict=True)]
            numbers = sum(matrix.size for matrix in vectors.values())
            self._update(qe.UpdateOperation.update_vectors(points), points=len(points), numbers=numbers)

    def set_payloads(self, ids: Sequence[str], payloads: Sequence[Mapping[str, Any]], key: str | None) -> None:
        with storing(self._name), self._engine():
            for id, payload in zip(ids, payloads, strict=True):
                self._update(qe.UpdateOperation.set_payload([id], dict(payload), key))
                if key is None and (copies := copies_of(payload, self._bools)):
                    self._update(qe.UpdateOperation.set_payload([id], copies, f"{OWN}.{BOOLS}"))

    def delete_fields(self, ids: Sequence[str], fields: Sequence[str]) -> None:
        paths = [*map(json_path, fields), *(copy_path(field) for field in fields if field in self._bools)]
        with self._engine():
            self._update(qe.UpdateOperation.delete_payload(list(ids), paths))

    def delete(self, ids: Sequence[str]) -> None:
        self._to_correct = True
        with self._engine():
            self._update(qe.UpdateOperation.delete_points(list(ids)))
