"""The engine for a store in a folder: Qdrant Edge, which runs in this process.

STORE/<collection>/autoenc.json holds the record of encoders, sources and fields, STORE/<collection>/shard is the
engine's own folder, and STORE/<collection>/autoenc.manifest.json holds the checksums of both while the store is closed.
A lock on the collection's folder protects them, so they are read and written only while the store is open.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep
from typing import Any

import qdrant_edge as qe

from autoenc.errors import StoreError
from autoenc.files import replace_file
from autoenc.store.blending import Blend
from autoenc.store.edge_ann import bytes_of_vector, quantized_config, search_params
from autoenc.store.edge_generations import drop_folder, forget_pointer
from autoenc.store.edge_values import (
    BOOLS,
    SCHEMA_TYPES,
    bools_of,
    copies_of,
    copy_path,
    engine_errors,
    filter_for,
    record_from,
    rows_of,
    with_copies,
    without_copies,
)
from autoenc.store.engine import Generations
from autoenc.store.filters import (
    EVERYTHING,
    OWN,
    Conditions,
    json_path,
)
from autoenc.store.kinds import FieldKind, Scalar
from autoenc.store.lock import unlock
from autoenc.store.manifest import (
    RECORD,
    Files,
    check_manifest,
    remove_manifest,
    replace_manifest,
    write_manifest,
)
from autoenc.store.naming import split_name
from autoenc.store.points import Hit, Record, hit_of, storing
from autoenc.store.records import merged
from autoenc.store.settings import USUAL, Quantization, SearchSettings, quantizations_of
from autoenc.store.space import allocated_bytes, check_space, needed_for_vector
from autoenc.store.status import VectorBytes
from autoenc.vectors import Vectors

SHARD = "shard"
SEGMENTS = f"{SHARD}/segments"
"""Below the collection's folder: the points, as they are searched."""

OPTIMIZED = "*/id_tracker.versions"
"""Below that: a file of each segment that the engine has optimized, and changes by marking points as deleted in it."""

WRITTEN_TWICE = 2
"""To the engine's log, and to the files that are searched."""

BUSY = "Already borrowed"
"""What the engine says when it is to be closed while another thread reads, as one does after Ctrl-C."""

PAYLOAD_BYTES = 4096
"""Room reserved for the payload of a point and its ids."""


class EdgeEngine:
    """A collection in a folder. Only one process can open it at a time; the threads of that process may share it."""

    def __init__(
        self,
        collection: str,
        folder: Path,
        shard: qe.EdgeShard,
        generations: Generations,
        *,
        lock: int | None = None,
        manifest: Files | None = None,
        verified: bool = False,
        read_only: bool = False,
    ) -> None:
        """Take over an open shard.

        Args:
            collection: the collection's name.
            folder: of the collection, or of its generation that is open; it lies in the store's folder.
            shard: the engine.
            generations: of the collection.
            lock: the descriptor that holds the lock; closing the engine closes it.
            manifest: the manifest as it was at the opening; None if there is none.
            verified: every checksum in it was computed again at the opening.
            read_only: the folder cannot be written to, and the shard is a copy of the one in it.
        """
        self.location = str(folder.parent)
        self.collection = collection
        self.generations = generations
        self._folder = folder
        self._open: qe.EdgeShard | None = shard
        self._lock = lock
        self._manifest = manifest
        self._verified = verified
        self._read_only = read_only
        self._changed = False  # since it was opened
        self._whole = True  # no write has failed: else the engine may finish it when it is opened again
        self._written = False  # since the last flush
        record = self.read_record()
        self._bools = bools_of(record)
        self._optimized = self._any_optimized()
        # The engine corrects the versions of deleted points when it opens their segment the next time. So it does after
        # a kill, with what it took from its log.
        self._to_correct = manifest is None and record is not None

    def _any_optimized(self) -> bool:
        return next((self._folder / SEGMENTS).glob(OPTIMIZED), None) is not None

    @property
    def _shard(self) -> qe.EdgeShard:
        if self._open is None:
            raise StoreError(f"The store {self.location} has been closed. Open it again.")
        return self._open

    def _begin_writing(self, needed: int, doing: str) -> None:
        """To be called before anything is written: `needed` is an estimate of the bytes that it takes."""
        self._check_writable(needed, doing)
        if self._manifest is not None:
            self.verify()  # the next manifest must not vouch for what is damaged now
            with self._writing_files():
                remove_manifest(self._folder)
            self._manifest = None
        self._changed = self._written = True

    def _check_writable(self, needed: int, doing: str) -> None:
        _ = self._shard  # raises if the store is closed
        if self._read_only:
            raise self._refusal()
        check_space(self._folder, needed, doing)

    def _update(self, operation: qe.UpdateOperation, *, points: int = 1, numbers: int = 0) -> None:
        """Write; `points` of them, with this many `numbers` in their vectors."""
        self._begin_writing(WRITTEN_TWICE * (points * PAYLOAD_BYTES + 4 * numbers), "to write to the store")
        self._to_correct |= self._optimized
        try:
            self._shard.update(operation)
        except BaseException:
            self._whole = False
            raise
        self._written = True  # again: another thread may have flushed meanwhile

    def optimize(self) -> None:
        with self._engine():  # a segment is copied as it is optimized
            self._begin_writing(allocated_bytes(self._folder / SEGMENTS), "to optimize the store")
            try:
                self._shard.optimize()
            except BaseException:
                self._whole = False
                raise
            finally:
                self._optimized = self._any_optimized()
        self._written = True

    def flush(self) -> None:
        if self._written:
            self._written = False  # reset first, so that what another thread writes meanwhile is flushed next time
            try:
                with self._engine():
                    self._shard.flush()
            except BaseException:
                self._written = True
                raise

    def close(self) -> None:
        try:
            if self._open is None:  # closed already, or it failed to open again (see `quantize`)
                return
            self._close_shard()
            if (self._changed and self._whole) or (self._manifest is not None and not self._read_only):
                with suppress(OSError, StoreError):  # a store without a manifest is opened as after a kill
                    if self._changed and self._to_correct:
                        self._correct()
                    write_manifest(self._folder, self._manifest)
        finally:
            self._unlock()

    def _correct(self) -> None:
        """Let the engine correct its files now: if it did so at the next opening, the checksums would not hold."""
        with self._engine():
            qe.EdgeShard.load(str(self._folder / SHARD)).close()

    def verify(self) -> bool:
        if self._changed or self._manifest is None:
            return False
        if not self._verified:
            check_manifest(self._folder, thorough=True)
        return True

    def disk_bytes(self) -> int | None:
        return allocated_bytes(self._folder)

    def vector_bytes(self, name: str) -> VectorBytes | None:
        return bytes_of_vector(self._folder / SEGMENTS, name)

    def _close_shard(self) -> None:
        try:
            self.flush()
        finally:
            shard, self._open = self._shard, None
            with self._engine():
                while True:
                    try:
                        shard.close()
                        break
                    except RuntimeError as error:
                        if str(error) != BUSY:
                            raise
                        sleep(0.01)  # what another thread reads is soon done, and it can begin nothing new

    def _refusal(self) -> StoreError:
        return StoreError(f"The store {self.location} is read-only. Copy it to a folder that you may write to.")

    def _unlock(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            unlock(lock)

    def drop(self) -> None:
        if self._read_only:
            raise self._refusal()
        try:
            self._close_shard()
            drop_folder(self._folder)
            forget_pointer(self._folder.parent, split_name(self.collection)[0], self.generations.number)
        finally:
            self._unlock()

    # ---- the record ---------------------------------------------------------------------------

    def read_record(self) -> Any:
        path = self._folder / RECORD
        if not path.exists() and self.count(EVERYTHING) == 0:
            return None  # a new shard, or one whose creation was interrupted before the record was written
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise StoreError(
                f"The record {path} of this collection is missing or damaged ({error}). Restore it from a backup, or "
                f"index into a new collection."
            ) from error

    def merge_record(self, changes: Mapping[str, Any]) -> None:
        record = merged(self.read_record() or {}, changes)
        self._check_writable(PAYLOAD_BYTES, "to write to the store")
        with self._writing_files():
            if self._manifest is None:
                self._changed = True  # a new one is written at the end
            else:
                self._manifest = replace_manifest(self._folder, self._manifest, without=RECORD)
            replace_file(self._folder / RECORD, (json.dumps(record, indent=2) + "\n").encode(), durable=True)
        self._bools = bools_of(record)

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

    # ---- writing ------------------------------------------------------------------------------

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

    # ---- reading ------------------------------------------------------------------------------

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
        with self._engine():
            params = self._params(settings, vectors.shape[1], where)
            kept = filter_for(where)
            requests = [
                qe.QueryRequest(
                    limit=k,
                    query=qe.Query.Nearest(vector, using),
                    filter=kept,
                    score_threshold=min_score,
                    with_payload=payload,
                    params=params,
                )
                for vector in vectors.tolist()
            ]
            results = self._shard.query_batch(qe.QueryBatchRequest(requests))
            return [[hit_of(hit.id, hit.score, without_copies(hit.payload)) for hit in hits] for hits in results]

    def blend(self, blends: Sequence[Blend]) -> list[list[Hit]]:
        from autoenc.store.edge_blend import blend_request, candidate_requests  # most queries can do without

        with self._engine():
            requests = []
            for blend in blends:
                searches = self._shard.query_batch(qe.QueryBatchRequest(candidate_requests(blend, self._params)))
                requests.append(blend_request(blend, {hit.id for hits in searches for hit in hits}))
            results = self._shard.query_batch(qe.QueryBatchRequest(requests))
            return [[_blended(hit) for hit in hits] for hits in results]

    def _params(self, settings: SearchSettings, dim: int, where: Conditions) -> qe.SearchParams:
        return search_params(settings, self._shard.info().points_count, dim, where.narrows)

    def retrieve(self, ids: Sequence[str], vectors: Sequence[str]) -> list[Record]:
        with self._engine():
            return [record_from(record) for record in self._shard.retrieve(list(ids), True, list(vectors) or False)]

    def count(self, where: Conditions) -> int:
        with self._engine():
            return self._shard.count(qe.CountRequest(exact=True, filter=filter_for(where)))

    def scroll(
        self,
        where: Conditions,
        vectors: Sequence[str],
        batch: int,
        fields: Sequence[str] | None = None,
        start: str | None = None,
    ) -> Iterator[Record]:
        payload = True if fields is None else bool(fields) and qe.PayloadSelector.Include([*map(json_path, fields)])
        offset: qe.PointId | None = start
        while True:
            with self._engine():
                found, offset = self._shard.scroll(
                    qe.ScrollRequest(
                        offset=offset,
                        limit=batch,
                        filter=filter_for(where),
                        with_payload=payload,
                        with_vector=list(vectors) or False,
                    )
                )
                records = [record_from(record) for record in found]
            yield from records
            if offset is None:
                return

    def extreme(self, field: str, where: Conditions, *, greatest: bool) -> Record | None:
        with self._engine():
            order = qe.OrderBy(json_path(field), qe.Direction.Desc if greatest else qe.Direction.Asc)
            request = qe.ScrollRequest(limit=1, filter=filter_for(where), with_payload=True, order_by=order)
            found, _ = self._shard.scroll(request)
            return record_from(found[0]) if found else None

    def facets(self, field: str, where: Conditions, limit: int) -> dict[Scalar, int]:
        with self._engine():
            request = qe.FacetRequest(json_path(field), limit=limit, exact=True, filter=filter_for(where))
            # The engine also lists values that no point has any more, with a count of 0.
            return {hit.value: hit.count for hit in self._shard.facet(request).hits if hit.count}

    # ---- copies of bools ----------------------------------------------------------------------

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

    # ---- what surrounds every call --------------------------------------------------------------

    @contextmanager
    def _writing_files(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(f"Cannot write to {self._folder}: {error}. Nothing was changed.") from error

    @contextmanager
    def _engine(self) -> Iterator[None]:
        with engine_errors(self._name):
            yield

    @property
    def _name(self) -> str:
        return f"collection '{self.collection}' in {self.location}"


def _blended(hit: qe.ScoredPoint) -> Hit:
    return Hit(str(hit.id), hit.score, without_copies(hit.payload) or {})
