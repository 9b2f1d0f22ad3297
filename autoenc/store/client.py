"""Qdrant through its client: a server, or the client's own in-memory mode."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from json import JSONDecodeError
from typing import Any

from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse

from autoenc.errors import StoreError, StoreUnreachableError
from autoenc.store.ann import search_ef
from autoenc.store.base import Store
from autoenc.store.records import MEMORY, FieldKind, Hit, Record, Scalar, StoreInfo, any_of, hit_of, record_of, storing
from autoenc.vectors import Vectors

METADATA_KEY = "autoenc"
KEY_VARIABLE = "QDRANT_API_KEY"
OLDEST_SERVER = "1.18"  # the first that adds a named vector to a collection that is there


class ClientStore(Store):
    """A collection on a server or in memory. The record is kept in the collection's metadata."""

    def __init__(self, client: QdrantClient, location: str, collection: str) -> None:
        self.location = location
        self.collection = collection
        self._open: QdrantClient | None = client
        self._remote = location != MEMORY
        with talking(location):
            there = client.get_collection(collection)
        self.info = StoreInfo.from_dict(info_in(there), f"Collection '{collection}' of {location}")
        self._points = there.points_count or 0  # near enough to choose the effort of a search by
        known = there.config.params.vectors
        self._reconcile(known if isinstance(known, dict) else (), there.payload_schema)

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

    # ---- the record ---------------------------------------------------------------------------

    def _save_info(self, info: StoreInfo) -> None:
        with talking(self.location):
            self._client.update_collection(self.collection, metadata={METADATA_KEY: info.to_dict()})

    def _create_vector(self, name: str, dim: int) -> None:
        dense = models.DenseVectorConfig(size=dim, distance=models.Distance.COSINE)
        with talking(self.location):
            self._client.create_vector_name(self.collection, name, models.DenseVectorNameConfig(dense=dense))

    def _create_index(self, name: str, kind: FieldKind) -> None:
        if self._remote:  # in memory an index has no effect, and the client warns of it
            schema = models.PayloadSchemaType.KEYWORD if kind == "keyword" else models.PayloadSchemaType.INTEGER
            with talking(self.location):
                self._client.create_payload_index(self.collection, name, field_schema=schema, wait=True)

    # ---- writing ------------------------------------------------------------------------------

    def _upsert(
        self, ids: Sequence[str], vectors: Mapping[str, Vectors], payloads: Sequence[Mapping[str, Any]]
    ) -> None:
        rows = {name: matrix.tolist() for name, matrix in vectors.items()}
        with storing(self.location), talking(self.location):
            points = models.Batch(ids=list(ids), vectors=rows, payloads=[dict(payload) for payload in payloads])
            self._client.upsert(self.collection, points, wait=True)
        self._points += len(ids)

    def _update_vectors(self, ids: Sequence[str], vectors: Mapping[str, Vectors]) -> None:
        columns = zip(*(matrix.tolist() for matrix in vectors.values()), strict=True)
        points = [
            models.PointVectors(id=id, vector=dict(zip(vectors, row, strict=True)))
            for id, row in zip(ids, columns, strict=True)
        ]
        with talking(self.location):
            self._client.update_vectors(self.collection, points, wait=True)

    def _set_payload(self, id: str, payload: Mapping[str, Any]) -> None:
        with storing(self.location), talking(self.location):
            self._client.set_payload(self.collection, dict(payload), points=[id], wait=True)

    def _delete(self, ids: Sequence[str]) -> None:
        with talking(self.location):
            self._client.delete(self.collection, models.PointIdsList(points=list(ids)), wait=True)

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
        # In memory every search is exact, and the client warns of parameters.
        acorn = models.AcornSearchParams(enable=True) if conditions else None
        params = models.SearchParams(hnsw_ef=search_ef(self._points), acorn=acorn) if self._remote else None
        kept = _filter(conditions, exclude)
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

    def _retrieve(self, ids: Sequence[str], vectors: list[str]) -> list[Record]:
        with talking(self.location):
            found = self._client.retrieve(self.collection, list(ids), with_payload=True, with_vectors=vectors or False)
        return [_record(record) for record in found]

    def _having_vectors(self, ids: Sequence[str], names: list[str]) -> set[str]:
        must: list[models.Condition] = [models.HasIdCondition(has_id=list(ids))]
        must += [models.HasVectorCondition(has_vector=name) for name in names]
        with talking(self.location):
            found, _ = self._client.scroll(
                self.collection, scroll_filter=models.Filter(must=must), limit=len(ids), with_payload=False
            )
        return {str(record.id) for record in found}

    def _count(self, conditions: Mapping[str, list[Scalar]]) -> int:
        with talking(self.location):
            return self._client.count(self.collection, count_filter=_filter(conditions), exact=True).count

    def _scroll(self, conditions: Mapping[str, list[Scalar]], vectors: list[str], batch: int) -> Iterator[Record]:
        offset: models.ExtendedPointId | None = None
        while True:
            with talking(self.location):
                found, offset = self._client.scroll(
                    self.collection,
                    scroll_filter=_filter(conditions),
                    limit=batch,
                    offset=offset,
                    with_payload=True,
                    with_vectors=vectors or False,
                )
            yield from map(_record, found)
            if offset is None:
                return

    def _facets(self, field: str, conditions: Mapping[str, list[Scalar]], limit: int) -> dict[Scalar, int]:
        with talking(self.location):
            answer = self._client.facet(
                self.collection, key=field, facet_filter=_filter(conditions), limit=limit, exact=True
            )
        return {hit.value: hit.count for hit in answer.hits}


# ---- between Python and the client ------------------------------------------------------------


def _record(point: models.Record) -> Record:
    return record_of(point.id, point.payload, point.vector)


def _filter(conditions: Mapping[str, list[Scalar]], exclude: Collection[str] = ()) -> models.Filter | None:
    if not conditions and not exclude:
        return None
    must: list[models.Condition] = [
        models.FieldCondition(key=name, match=models.MatchAny(any=any_of(values)))
        for name, values in conditions.items()
    ]
    return models.Filter(must=must, must_not=[models.HasIdCondition(has_id=list(exclude))] if exclude else None)


def info_in(there: models.CollectionInfo) -> object:
    """What autoenc keeps in a collection's metadata; None in a collection that it did not make."""
    return (there.config.metadata or {}).get(METADATA_KEY)


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
