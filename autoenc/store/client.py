"""Qdrant through its client: a server, or the client's own in-memory mode."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from json import JSONDecodeError
from typing import Any

from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse

from autoenc.errors import StoreError, StoreUnreachableError
from autoenc.store.ann import search_ef
from autoenc.store.filters import AnyOf, Between, Condition, Conditions, FieldKind, HasId, Scalar, json_path
from autoenc.store.records import MEMORY, SECTIONS, Hit, Record, hit_of, record_of, storing
from autoenc.vectors import Vectors

METADATA_KEY = "autoenc"
"""Of a collection's metadata: the record's version, and with `.SECTION.NAME` behind it one key for each entry, so that
indexers of different sources do not overwrite each other: metadata is merged key by key, and nothing compares it."""

KEY_VARIABLE = "QDRANT_API_KEY"
OLDEST_SERVER = "1.18"  # the first that adds a named vector to a collection that is there

_TYPES: dict[FieldKind, models.PayloadSchemaType] = {
    "keyword": models.PayloadSchemaType.KEYWORD,
    "integer": models.PayloadSchemaType.INTEGER,
    "float": models.PayloadSchemaType.FLOAT,
    "datetime": models.PayloadSchemaType.DATETIME,
    "bool": models.PayloadSchemaType.BOOL,
}


class ClientEngine:
    """A collection on a server or in memory. The record is kept in the collection's metadata."""

    def __init__(self, client: QdrantClient, location: str, collection: str) -> None:
        self.location = location
        self.collection = collection
        self._open: QdrantClient | None = client
        self._remote = location != MEMORY
        there = self._info()
        self._points = there.points_count or 0  # near enough to choose the effort of a search by
        vectors = there.config.params.vectors
        self._vectors = set(vectors) if isinstance(vectors, dict) else set()
        self._fields = set(there.payload_schema)

    @property
    def _client(self) -> QdrantClient:
        if self._open is None:
            raise StoreError(f"The store {self.location} has been closed. Open it again.")
        return self._open

    def optimize(self) -> None:
        """Nothing to do: a server builds its index by itself, in memory every search is exact."""

    def flush(self) -> None:
        """Nothing to do: a server answers a write once it is in its log, and memory has no disk."""

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def drop(self) -> None:
        with talking(self.location):
            self._client.delete_collection(self.collection)
        self.close()

    # ---- the record ---------------------------------------------------------------------------

    def read_record(self) -> Any:
        return record_in(self._info())

    def merge_record(self, changes: Mapping[str, Any]) -> None:
        with talking(self.location):
            self._client.update_collection(self.collection, metadata=as_metadata(changes, self.read_record()))

    def create_vector(self, name: str, dim: int) -> None:
        if name in self._vectors:
            return
        dense = models.DenseVectorConfig(size=dim, distance=models.Distance.COSINE)
        with talking(self.location):
            self._client.create_vector_name(self.collection, name, models.DenseVectorNameConfig(dense=dense))
        self._vectors.add(name)

    def drop_vector(self, name: str) -> None:
        with talking(self.location):
            self._client.delete_vector_name(self.collection, name)
        self._vectors.discard(name)

    def create_field(self, field: str, kind: FieldKind) -> None:
        path = json_path(field)
        if self._remote and path not in self._fields:  # in memory an index has no effect, and the client warns of it
            with talking(self.location):
                self._client.create_payload_index(self.collection, path, field_schema=_TYPES[kind], wait=True)
            self._fields.add(path)

    def drop_field(self, field: str) -> None:
        path = json_path(field)
        if self._remote and path in self._fields:
            with talking(self.location):
                self._client.delete_payload_index(self.collection, path, wait=True)
            self._fields.discard(path)

    def _info(self) -> models.CollectionInfo:
        with talking(self.location):
            return self._client.get_collection(self.collection)

    # ---- writing ------------------------------------------------------------------------------

    def upsert(self, ids: Sequence[str], vectors: Mapping[str, Vectors], payloads: Sequence[Mapping[str, Any]]) -> None:
        rows = {name: matrix.tolist() for name, matrix in vectors.items()}
        with storing(self.location), talking(self.location):
            points = models.Batch(ids=list(ids), vectors=rows, payloads=[dict(payload) for payload in payloads])
            self._client.upsert(self.collection, points, wait=True)
        self._points += len(ids)

    def update_vectors(self, ids: Sequence[str], vectors: Mapping[str, Vectors]) -> None:
        columns = zip(*(matrix.tolist() for matrix in vectors.values()), strict=True)
        points = [
            models.PointVectors(id=id, vector=dict(zip(vectors, row, strict=True)))
            for id, row in zip(ids, columns, strict=True)
        ]
        with talking(self.location):
            self._client.update_vectors(self.collection, points, wait=True)

    def set_payloads(self, ids: Sequence[str], payloads: Sequence[Mapping[str, Any]], key: str | None) -> None:
        with storing(self.location), talking(self.location):
            changes = [
                models.SetPayloadOperation(set_payload=models.SetPayload(payload=dict(payload), points=[id], key=key))
                for id, payload in zip(ids, payloads, strict=True)
            ]
            self._client.batch_update_points(self.collection, changes, wait=True)

    def delete_fields(self, ids: Sequence[str], fields: Sequence[str]) -> None:
        with talking(self.location):
            self._client.delete_payload(self.collection, [json_path(field) for field in fields], points=list(ids))

    def delete(self, ids: Sequence[str]) -> None:
        with talking(self.location):
            self._client.delete(self.collection, models.PointIdsList(points=list(ids)), wait=True)

    # ---- reading ------------------------------------------------------------------------------

    def search(
        self, vectors: Vectors, using: str, k: int, where: Conditions, min_score: float | None
    ) -> list[list[Hit]]:
        # In memory every search is exact, and the client warns of parameters.
        acorn = models.AcornSearchParams(enable=True) if where.must else None
        params = models.SearchParams(hnsw_ef=search_ef(self._points), acorn=acorn) if self._remote else None
        kept = _filter(where)
        requests = [
            models.QueryRequest(
                query=vector,
                using=using,
                filter=kept,
                limit=k,
                score_threshold=min_score,
                with_payload=True,
                params=params,
            )
            for vector in vectors.tolist()
        ]
        with talking(self.location):
            answers = self._client.query_batch_points(self.collection, requests)
        return [[hit_of(hit.id, hit.score, hit.payload) for hit in answer.points] for answer in answers]

    def retrieve(self, ids: Sequence[str], vectors: Sequence[str]) -> list[Record]:
        with talking(self.location):
            found = self._client.retrieve(
                self.collection, list(ids), with_payload=True, with_vectors=list(vectors) or False
            )
        return [_record(record) for record in found]

    def count(self, where: Conditions) -> int:
        with talking(self.location):
            return self._client.count(self.collection, count_filter=_filter(where), exact=True).count

    def scroll(self, where: Conditions, vectors: Sequence[str], batch: int, payload: bool = True) -> Iterator[Record]:
        offset: models.ExtendedPointId | None = None
        while True:
            with talking(self.location):
                found, offset = self._client.scroll(
                    self.collection,
                    scroll_filter=_filter(where),
                    limit=batch,
                    offset=offset,
                    with_payload=payload,
                    with_vectors=list(vectors) or False,
                )
            yield from map(_record, found)
            if offset is None:
                return

    def facets(self, field: str, where: Conditions, limit: int) -> dict[Scalar, int]:
        with talking(self.location):
            answer = self._client.facet(
                self.collection, key=json_path(field), facet_filter=_filter(where), limit=limit, exact=True
            )
        return {hit.value: hit.count for hit in answer.hits}


# ---- the record in a collection's metadata ------------------------------------------------------


def record_in(there: models.CollectionInfo) -> Any:
    """The record in a collection's metadata, as `records.merged` makes it; {} in a collection that is not ours."""
    metadata = there.config.metadata or {}
    head = metadata.get(METADATA_KEY)
    if not isinstance(head, dict) or head.get("version") == 1:  # format 1 lay under one key
        return head or {}
    record: dict[str, Any] = {**{section: {} for section in SECTIONS}, **head}
    for section in SECTIONS:
        prefix = f"{METADATA_KEY}.{section}."
        entries = {key.removeprefix(prefix): value for key, value in metadata.items() if key.startswith(prefix)}
        record[section] = {name: entry for name, entry in entries.items() if entry is not None}
    return record


def as_metadata(changes: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """What to merge into a collection's metadata to change a record; `known` is the record as it is."""
    metadata = {
        f"{METADATA_KEY}.{section}.{name}": entry
        for section in SECTIONS
        for name, entry in changes.get(section, {}).items()
    }
    head = {key: value for key, value in changes.items() if key not in SECTIONS}
    if head:
        kept = {key: value for key, value in known.items() if key not in SECTIONS}
        metadata[METADATA_KEY] = {**kept, **head}
    return metadata


# ---- between Python and the client ------------------------------------------------------------


def _record(point: models.Record) -> Record:
    return record_of(point.id, point.payload, point.vector)


def _filter(where: Conditions) -> models.Filter | None:
    if not where:
        return None
    return models.Filter(
        must=[_condition(each) for each in where.must] or None,
        must_not=[_condition(each) for each in where.must_not] or None,
    )


def _condition(condition: Condition) -> models.Condition:
    if isinstance(condition, HasId):
        return models.HasIdCondition(has_id=list(condition.ids))
    if isinstance(condition, Between):
        return _range(condition)
    if isinstance(condition, AnyOf):
        key = json_path(condition.field)
        if condition.kind in ("float", "datetime"):
            either = [Between(condition.field, condition.kind, gte=value, lte=value) for value in condition.values]
            return models.Filter(should=[_range(each) for each in either])
        if condition.kind == "bool":
            matches = [models.MatchValue(value=value) for value in condition.values]
            return models.Filter(should=[models.FieldCondition(key=key, match=match) for match in matches])
        return models.FieldCondition(key=key, match=models.MatchAny(any=list(condition.values)))
    return models.HasVectorCondition(has_vector=condition.name)


def _range(condition: Between) -> models.FieldCondition:
    bounds = {name: getattr(condition, name) for name in ("gte", "gt", "lte", "lt")}
    kind = models.DatetimeRange if condition.kind == "datetime" else models.Range
    return models.FieldCondition(key=json_path(condition.field), range=kind(**bounds))


@contextmanager
def talking(location: str) -> Iterator[None]:
    """Turn what the client raises into a StoreError. The key is in no message: the client's never quote headers."""
    try:
        yield
    except UnexpectedResponse as error:
        status = error.status_code
        if status in (401, 403):
            raise StoreUnreachableError(
                f"The Qdrant server at {location} refuses the key (HTTP {status}). Set {KEY_VARIABLE} to its API key."
            ) from None
        if status in (502, 503, 504):
            raise StoreUnreachableError(
                f"The Qdrant server at {location} is not ready (HTTP {status}). Try again in a moment."
            ) from error
        raise StoreError(
            f"{location} refused a request (HTTP {status}): {_detail(error)} Is it a Qdrant server, {OLDEST_SERVER} or "
            f"later?"
        ) from error
    except (ResponseHandlingException, JSONDecodeError) as error:
        cause = error.source if isinstance(error, ResponseHandlingException) else error
        raise StoreUnreachableError(
            f"No Qdrant server answers at {location} ({type(cause).__name__}). Start one, with "
            f"`docker compose up -d` say, or mend the URL."
        ) from error
    except ApiException as error:
        raise StoreError(f"{location} refused a request: {error}") from error


def _detail(error: UnexpectedResponse) -> str:
    """The server's own sentence, where it gives one."""
    try:
        return f"{error.structured()['status']['error']}."
    except (ValueError, KeyError, TypeError):
        return f"{error.reason_phrase}."
