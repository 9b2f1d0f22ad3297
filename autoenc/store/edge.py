"""Qdrant Edge: the engine in this process, a store in a folder.

On disk: STORE/<collection>/autoenc.json, the record of encoders, sources and fields, beside STORE/<collection>/shard,
the engine's own folder. The engine's lock on the shard guards both, so the record is only read and written under it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import qdrant_edge as qe

from autoenc.errors import AutoencError, StoreError, StoreLockedError
from autoenc.files import replace_file
from autoenc.store.ann import is_exact, search_ef
from autoenc.store.base import Store
from autoenc.store.records import FieldKind, Hit, Record, Scalar, StoreInfo, any_of, hit_of, record_of, storing
from autoenc.vectors import Vectors

RECORD = "autoenc.json"
INDEX_TYPES: dict[FieldKind, qe.PayloadSchemaType] = {
    "keyword": qe.PayloadSchemaType.Keyword,
    "integer": qe.PayloadSchemaType.Integer,
}


class EdgeStore(Store):
    """A collection in a folder. Only one process opens it at a time; threads of that process may share it."""

    def __init__(self, root: Path, collection: str, shard: qe.EdgeShard) -> None:
        self.location = str(root)
        self.collection = collection
        self._folder = root / collection
        self._open: qe.EdgeShard | None = shard
        with self._engine():
            indexed = set(shard.info().payload_schema)
            empty = shard.info().points_count == 0
        self.info = self._read_info(empty)
        self._reconcile(vectors=(), fields=indexed)  # a vector that is there already is made again at no cost

    @property
    def _shard(self) -> qe.EdgeShard:
        if self._open is None:
            raise StoreError(f"The store {self.location} has been closed. Open it again.")
        return self._open

    def optimize(self) -> None:
        with self._engine():
            self._shard.optimize()
            self._shard.flush()

    def flush(self) -> None:
        with self._engine():
            self._shard.flush()

    def close(self) -> None:
        if self._open is not None:
            shard, self._open = self._open, None
            with self._engine():
                try:
                    shard.flush()
                finally:
                    shard.close()

    # ---- the record ---------------------------------------------------------------------------

    def _read_info(self, empty: bool) -> StoreInfo:
        path = self._folder / RECORD
        if not path.exists() and empty:  # a new shard, or one whose making was interrupted before its record
            info = StoreInfo()
            self._save_info(info)
            return info
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise StoreError(
                f"The record {path} of this collection is missing or damaged ({error}). Restore it from a copy, or "
                f"index into a new collection."
            ) from error
        return StoreInfo.from_dict(data, str(self._folder))

    def _save_info(self, info: StoreInfo) -> None:
        try:
            replace_file(self._folder / RECORD, (json.dumps(info.to_dict(), indent=2) + "\n").encode(), durable=True)
        except OSError as error:
            raise StoreError(f"Cannot write {self._folder / RECORD}: {error}. Nothing has changed.") from error

    def _create_vector(self, name: str, dim: int) -> None:
        with self._engine():
            self._shard.update(qe.UpdateOperation.create_dense_vector(name, dim, qe.Distance.Cosine))

    def _create_index(self, name: str, kind: FieldKind) -> None:
        with self._engine():
            self._shard.update(qe.UpdateOperation.create_field_index(name, INDEX_TYPES[kind]))

    # ---- writing ------------------------------------------------------------------------------

    def _upsert(
        self, ids: Sequence[str], vectors: Mapping[str, Vectors], payloads: Sequence[Mapping[str, Any]]
    ) -> None:
        rows = _rows(vectors, len(ids))
        with storing(self._name), self._engine():
            points = [qe.Point(id, row, dict(load)) for id, row, load in zip(ids, rows, payloads, strict=True)]
            self._shard.update(qe.UpdateOperation.upsert_points(points))

    def _update_vectors(self, ids: Sequence[str], vectors: Mapping[str, Vectors]) -> None:
        with self._engine():
            rows = _rows(vectors, len(ids))
            points = [qe.PointVectors(id, row) for id, row in zip(ids, rows, strict=True)]
            self._shard.update(qe.UpdateOperation.update_vectors(points))

    def _set_payload(self, id: str, payload: Mapping[str, Any]) -> None:
        with storing(self._name), self._engine():
            self._shard.update(qe.UpdateOperation.set_payload([id], dict(payload)))

    def _delete(self, ids: Sequence[str]) -> None:
        with self._engine():
            self._shard.update(qe.UpdateOperation.delete_points(list(ids)))

    # ---- reading ------------------------------------------------------------------------------

    def _search_batch(
        self,
        vectors: Vectors,
        using: str,
        k: int,
        conditions: Mapping[str, list[Scalar]],
        min_score: float | None,
        exclude: Collection[str],
    ) -> list[list[Hit]]:
        with self._engine():
            points = self._shard.info().points_count
            if is_exact(points, vectors.shape[1]):
                params = qe.SearchParams(exact=True)
            else:
                acorn = qe.AcornSearchParams(enable=True) if conditions else None
                params = qe.SearchParams(hnsw_ef=search_ef(points), acorn=acorn)
            kept = _filter(conditions, exclude)
            requests = [
                qe.QueryRequest(
                    limit=k,
                    query=qe.Query.Nearest(vector, using),
                    filter=kept,
                    score_threshold=min_score,
                    with_payload=True,
                    params=params,
                )
                for vector in vectors.tolist()
            ]
            results = self._shard.query_batch(qe.QueryBatchRequest(requests))
            return [[hit_of(hit.id, hit.score, hit.payload) for hit in hits] for hits in results]

    def _retrieve(self, ids: Sequence[str], vectors: list[str]) -> list[Record]:
        with self._engine():
            return [_record(record) for record in self._shard.retrieve(list(ids), True, vectors or False)]

    def _having_vectors(self, ids: Sequence[str], names: list[str]) -> set[str]:
        with self._engine():
            must: list[qe.ConditionType] = [qe.HasIdCondition(set(ids))]
            must += [qe.HasVectorCondition(name) for name in names]
            wanted = qe.Filter(must=must)
            found, _ = self._shard.scroll(qe.ScrollRequest(limit=len(ids), filter=wanted, with_payload=False))
            return {str(record.id) for record in found}

    def _count(self, conditions: Mapping[str, list[Scalar]]) -> int:
        with self._engine():
            return self._shard.count(qe.CountRequest(exact=True, filter=_filter(conditions)))

    def _scroll(self, conditions: Mapping[str, list[Scalar]], vectors: list[str], batch: int) -> Iterator[Record]:
        offset: qe.PointId | None = None
        while True:
            with self._engine():
                found, offset = self._shard.scroll(
                    qe.ScrollRequest(
                        offset=offset,
                        limit=batch,
                        filter=_filter(conditions),
                        with_payload=True,
                        with_vector=vectors or False,
                    )
                )
                records = [_record(record) for record in found]
            yield from records
            if offset is None:
                return

    def _facets(self, field: str, conditions: Mapping[str, list[Scalar]], limit: int) -> dict[Scalar, int]:
        with self._engine():
            request = qe.FacetRequest(field, limit=limit, exact=True, filter=_filter(conditions))
            # The engine also lists values that points once had, with a count of 0.
            return {hit.value: hit.count for hit in self._shard.facet(request).hits if hit.count}

    @contextmanager
    def _engine(self) -> Iterator[None]:
        with engine_errors(self._name):
            yield

    @property
    def _name(self) -> str:
        return f"collection '{self.collection}' in {self.location}"


# ---- between Python and the engine ------------------------------------------------------------


def _rows(vectors: Mapping[str, Vectors], count: int) -> list[dict[str, qe.NamedVector]]:
    """One dictionary of vectors a point."""
    if not vectors:
        return [{} for _ in range(count)]
    columns = zip(*(matrix.tolist() for matrix in vectors.values()), strict=True)
    return [dict(zip(vectors, row, strict=True)) for row in columns]


def _record(point: qe.Record) -> Record:
    return record_of(point.id, point.payload, point.vector)


def _filter(conditions: Mapping[str, list[Scalar]], exclude: Collection[str] = ()) -> qe.Filter | None:
    if not conditions and not exclude:
        return None
    must: list[qe.ConditionType] = [
        qe.FieldCondition(name, match=qe.MatchAny(any_of(values))) for name, values in conditions.items()
    ]
    return qe.Filter(must=must, must_not=[qe.HasIdCondition(set(exclude))] if exclude else None)


@contextmanager
def engine_errors(what: str) -> Iterator[None]:
    """Turn what the engine raises into a StoreError. A panic of its Rust side is a bare BaseException.

    A TypeError or ValueError is of the binding, about what it was given: past the checks of `Store` that is a bug of
    ours, or a payload, of which `storing` knows.
    """
    try:
        yield
    except (AutoencError, TypeError, ValueError, KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError):
        raise
    except BaseException as error:
        if "WouldBlock" in str(error):
            raise StoreLockedError(
                f"The {what} is open already, here or in another process; only one at a time can open it. Close it "
                f"there, or use a Qdrant server to share it."
            ) from None
        raise StoreError(
            f"The engine failed on {what}: {error}. If it cannot be opened any more, index into a new store."
        ) from error
