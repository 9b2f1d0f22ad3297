"""Qdrant through its client: a server, or the client's own in-memory mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from time import sleep
from typing import Any

from qdrant_client import QdrantClient, models

from autoenc.errors import StoreError
from autoenc.store.answers import OLDEST_SERVER, OLDEST_TO_DROP_VECTORS, ServerVersion, talking
from autoenc.store.blending import Blend
from autoenc.store.client_ann import UNQUANTIZED, quantization_change, search_params
from autoenc.store.client_blend import blend_request, candidate_requests
from autoenc.store.client_filters import client_filter
from autoenc.store.client_generations import ClientGenerations
from autoenc.store.engine import Engine, Generations
from autoenc.store.filters import Conditions, HasId, HasVector, json_path
from autoenc.store.kinds import FieldKind, Scalar
from autoenc.store.metadata import as_metadata, record_in
from autoenc.store.records import MEMORY, Hit, Record, VectorBytes, hit_of, record_of, storing
from autoenc.store.requests import ITEM_BYTES, NUMBER_BYTES, check_size, parts, payload_bytes
from autoenc.store.settings import USUAL, Quantization, SearchSettings
from autoenc.text import counted
from autoenc.vectors import Vectors

INDEX_SECONDS = 600
"""How long a server may take to index a field of a collection that is there."""

OPTIMIZE_SECONDS = 600
"""How long a server may take to merge and index what it holds before a vector is added."""

CHECKED_AT_ONCE = 10_000
"""Points asked for in one request whether they still have their vector."""

_TYPES: dict[FieldKind, models.PayloadSchemaType | models.TextIndexParams] = {
    "keyword": models.PayloadSchemaType.KEYWORD,
    "integer": models.PayloadSchemaType.INTEGER,
    "float": models.PayloadSchemaType.FLOAT,
    "datetime": models.PayloadSchemaType.DATETIME,
    "bool": models.PayloadSchemaType.BOOL,
    "text": models.TextIndexParams(type=models.TextIndexType.TEXT, tokenizer=models.TokenizerType.WORD, lowercase=True),
}


class ClientEngine:
    """A collection on a server or in memory. The record is kept in the collection's metadata."""

    def __init__(
        self,
        client: QdrantClient,
        location: str,
        collection: str,
        version: ServerVersion,
        at: str,
        another: Callable[[str, bool], Engine],
    ) -> None:
        """Take over a client.

        Args:
            client: of the server or of memory.
            location: as for `Store`.
            collection: as for `Store`.
            version: of the server.
            at: the name of the collection there, where `collection` may be an alias.
            another: opens another collection there, given its name, and whether to make it.
        """
        self.location = location
        self.collection = collection
        self.generations: Generations = ClientGenerations(lambda: self._client, location, collection, at, another)
        self._at = at
        self._open: QdrantClient | None = client
        self._remote = location != MEMORY
        self._version = version
        there = self._info()
        self._points = there.points_count or 0  # near enough to choose the effort of a search by
        self._vectors = _vectors_of(there)
        self._fields = set(there.payload_schema)
        self._unchecked: dict[str, set[str]] = {}  # vector added to points that were there -> ids written with it

    @property
    def _client(self) -> QdrantClient:
        if self._open is None:
            raise StoreError(f"The store {self.location} has been closed. Open it again.")
        return self._open

    def optimize(self) -> None:
        """Check the vectors that this engine added to a collection which held points; there is nothing else to do.

        A server builds its index by itself, and in memory every search is exact. But where a vector is added, a merge
        of segments that began before may leave it out: once the merges are done, the points written must have it.
        """
        done = not self._unchecked or self._optimized()
        for name, ids in self._unchecked.items():
            written = list(ids)
            some = (written[start : start + CHECKED_AT_ONCE] for start in range(0, len(written), CHECKED_AT_ONCE))
            lacking = sum(self.count(Conditions((HasId(tuple(part)),), (HasVector(name),))) for part in some)
            if lacking:
                raise StoreError(
                    f"Collection '{self.collection}' of {self.location} has lost vector '{name}' of "
                    f"{counted(lacking, 'point')}: the server merged segments while the vector was being added. Index "
                    f"again with encoders={name}; only these images are encoded."
                )
        if done:
            self._unchecked.clear()

    def flush(self) -> None:
        """Nothing to do: a server answers a write once it is in its log, and memory has no disk."""

    def verify(self) -> bool:
        return False

    def disk_bytes(self) -> int | None:
        return None if self._remote else 0

    def vector_bytes(self, name: str) -> VectorBytes | None:
        return None

    def close(self) -> None:
        if self._open is not None:
            if self._remote:  # in memory, other generations are in the same client
                self._open.close()
            self._open = None

    def drop(self) -> None:
        with talking(self.location, writing=True):
            self._client.delete_collection(self._at)
        self.close()

    # ---- the record ---------------------------------------------------------------------------

    def read_record(self) -> Any:
        return record_in(self._info())

    def merge_record(self, changes: Mapping[str, Any]) -> None:
        with talking(self.location, writing=True):
            self._client.update_collection(self._at, metadata=as_metadata(changes, self.read_record()))

    def create_vector(self, name: str, dim: int) -> None:
        if name in self._vectors:
            return
        self._version.check(OLDEST_SERVER, "adding an encoder")
        holds_points = self._info().points_count != 0
        if holds_points and not self._optimized():
            raise StoreError(
                f"The server at {self.location} is still optimizing collection '{self.collection}' after "
                f"{OPTIMIZE_SECONDS} seconds; a vector added meanwhile could be lost. Run the same command again once "
                f"the collection's status is green."
            )
        dense = models.DenseVectorConfig(size=dim, distance=models.Distance.COSINE)
        with talking(self.location, writing=True):
            self._client.create_vector_name(self._at, name, models.DenseVectorNameConfig(dense=dense))
        self._vectors = _vectors_of(self._info())
        if name not in self._vectors:
            raise StoreError(
                f"The server at {self.location} said that it added vector '{name}' to collection '{self.collection}', "
                f"but has not. Run the same command again."
            )
        if holds_points:
            self._unchecked[name] = set()

    def quantize(self, kinds: Mapping[str, Quantization | None]) -> None:
        if self._remote:  # in memory every search is exact
            with talking(self.location, writing=True):
                self._client.update_collection(self._at, vectors_config=quantization_change(kinds))

    def drop_vector(self, name: str) -> None:
        self._version.check(OLDEST_TO_DROP_VECTORS, "removing an encoder")
        with talking(self.location, writing=True):
            self._client.delete_vector_name(self._at, name)
        self._vectors.discard(name)
        self._unchecked.pop(name, None)

    def create_field(self, field: str, kind: FieldKind) -> None:
        path = json_path(field)
        if self._remote and path not in self._fields:  # in memory an index has no effect, and the client warns of it
            with talking(self.location, writing=True):
                self._client.create_payload_index(
                    self._at, path, field_schema=_TYPES[kind], wait=True, timeout=INDEX_SECONDS
                )
            self._fields.add(path)

    def drop_field(self, field: str) -> None:
        path = json_path(field)
        if self._remote and path in self._fields:
            with talking(self.location, writing=True):
                self._client.delete_payload_index(self._at, path, wait=True)
            self._fields.discard(path)

    def _optimized(self) -> bool:
        """Wait until the server merges and indexes nothing; False if it still does at the end of the time."""
        waited, pause = 0.0, 0.1
        while (there := self._info()).status == models.CollectionStatus.YELLOW:  # grey: will not begin by itself
            if waited >= OPTIMIZE_SECONDS:
                return False
            sleep(pause)
            waited, pause = waited + pause, min(2 * pause, 5.0)
        if there.status == models.CollectionStatus.RED:
            raise StoreError(
                f"The server at {self.location} cannot optimize collection '{self.collection}' "
                f"({_failure(there.optimizer_status)}). Repair it there, or index into another collection with "
                f"collection=."
            )
        return True

    def _info(self) -> models.CollectionInfo:
        with talking(self.location):
            return self._client.get_collection(self._at)

    # ---- writing ------------------------------------------------------------------------------

    def upsert(self, ids: Sequence[str], vectors: Mapping[str, Vectors], payloads: Sequence[Mapping[str, Any]]) -> None:
        for part in self._parts(ids, vectors, payloads):
            rows = {name: matrix[part].tolist() for name, matrix in vectors.items()}
            with storing(self.location), talking(self.location, writing=True):
                points = models.Batch(
                    ids=list(ids[part]), vectors=rows, payloads=[dict(each) for each in payloads[part]]
                )
                self._client.upsert(self._at, points, wait=True)
        self._points += len(ids)
        for name, written in self._unchecked.items():
            (written.update if name in vectors else written.difference_update)(ids)

    def update_vectors(self, ids: Sequence[str], vectors: Mapping[str, Vectors]) -> None:
        for part in self._parts(ids, vectors):
            columns = zip(*(matrix[part].tolist() for matrix in vectors.values()), strict=True)
            points = [
                models.PointVectors(id=id, vector=dict(zip(vectors, row, strict=True)))
                for id, row in zip(ids[part], columns, strict=True)
            ]
            with talking(self.location, writing=True):
                self._client.update_vectors(self._at, points, wait=True)
        for name in vectors.keys() & self._unchecked.keys():
            self._unchecked[name].update(ids)

    def set_payloads(self, ids: Sequence[str], payloads: Sequence[Mapping[str, Any]], key: str | None) -> None:
        for part in self._parts(ids, {}, payloads):
            with storing(self.location), talking(self.location, writing=True):
                changes = [
                    models.SetPayloadOperation(
                        set_payload=models.SetPayload(payload=dict(payload), points=[id], key=key)
                    )
                    for id, payload in zip(ids[part], payloads[part], strict=True)
                ]
                self._client.batch_update_points(self._at, changes, wait=True)

    def delete_fields(self, ids: Sequence[str], fields: Sequence[str]) -> None:
        with talking(self.location, writing=True):
            self._client.delete_payload(self._at, [json_path(field) for field in fields], points=list(ids))

    def delete(self, ids: Sequence[str]) -> None:
        with talking(self.location, writing=True):
            self._client.delete(self._at, models.PointIdsList(points=list(ids)), wait=True)

    def _parts(
        self, ids: Sequence[str], vectors: Mapping[str, Vectors], payloads: Sequence[Mapping[str, Any]] = ()
    ) -> Iterator[slice]:
        """Points, cut so that a server takes each part; a point that no request can hold is refused before any."""
        if not self._remote:
            return iter([slice(0, len(ids))])
        numbers = sum(matrix.shape[1] for matrix in vectors.values())
        sizes = [ITEM_BYTES + NUMBER_BYTES * numbers] * len(ids)
        if payloads:
            with storing(self.location):
                sizes = [size + payload_bytes(each) for size, each in zip(sizes, payloads, strict=True)]
        for id, size in zip(ids, sizes, strict=True):
            check_size(size, f"Point {id}", "Shorten its payload.")
        return parts(sizes)

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
        params = self._params(settings, where)
        kept = client_filter(where)
        queries = [
            models.QueryRequest(
                query=vector,
                using=using,
                filter=kept,
                limit=k,
                score_threshold=min_score,
                with_payload=payload,
                params=params,
            )
            for vector in vectors.tolist()
        ]
        size = ITEM_BYTES + NUMBER_BYTES * vectors.shape[1]
        if self._remote and kept is not None:
            size += len(kept.model_dump_json())
            check_size(size, "A search with these conditions", "Give fewer values to where=, or fewer ids to exclude=.")
        found: list[list[Hit]] = []
        for part in parts([size] * len(queries)):
            with talking(self.location):
                answers = self._client.query_batch_points(self._at, queries[part])
            found += [[hit_of(hit.id, hit.score, hit.payload) for hit in answer.points] for answer in answers]
        return found

    def blend(self, blends: Sequence[Blend]) -> list[list[Hit]]:
        searches = [candidate_requests(blend, self._params) for blend in blends]
        answers = iter(self._query([query for queries in searches for query in queries]))
        found = [{hit.id for _ in queries for hit in next(answers)} for queries in searches]
        scored = UNQUANTIZED if self._remote else None
        results = self._query([blend_request(*pair, scored) for pair in zip(blends, found, strict=True)])
        return [[Hit(str(hit.id), hit.score, hit.payload or {}) for hit in hits] for hits in results]

    def _query(self, queries: list[models.QueryRequest]) -> list[list[models.ScoredPoint]]:
        """The answers to queries that may be long."""
        sizes = [len(query.model_dump_json()) if self._remote else 0 for query in queries]
        for size in sizes:
            check_size(size, "A hybrid search", "Give fewer values to where=, or ask for fewer neighbors with k=.")
        found = []
        for part in parts(sizes):
            with talking(self.location):
                found += self._client.query_batch_points(self._at, queries[part])
        return [answer.points for answer in found]

    def _params(self, settings: SearchSettings, where: Conditions) -> models.SearchParams | None:
        if not self._remote:  # in memory every search is exact, and the client warns of parameters
            return None
        return search_params(settings, self._points, where.narrows)

    def retrieve(self, ids: Sequence[str], vectors: Sequence[str]) -> list[Record]:
        with talking(self.location):
            found = self._client.retrieve(self._at, list(ids), with_payload=True, with_vectors=list(vectors) or False)
        return [_record(record) for record in found]

    def count(self, where: Conditions) -> int:
        with talking(self.location):
            return self._client.count(self._at, count_filter=client_filter(where), exact=True).count

    def scroll(
        self,
        where: Conditions,
        vectors: Sequence[str],
        batch: int,
        fields: Sequence[str] | None = None,
        start: str | None = None,
    ) -> Iterator[Record]:
        payload = True if fields is None else bool(fields) and [json_path(field) for field in fields]
        offset: models.ExtendedPointId | None = start
        while True:
            with talking(self.location):
                found, offset = self._client.scroll(
                    self._at,
                    scroll_filter=client_filter(where),
                    limit=batch,
                    offset=offset,
                    with_payload=payload,
                    with_vectors=list(vectors) or False,
                )
            yield from map(_record, found)
            if offset is None:
                return

    def extreme(self, field: str, where: Conditions, *, greatest: bool) -> Record | None:
        direction = models.Direction.DESC if greatest else models.Direction.ASC
        with talking(self.location):
            found, _ = self._client.scroll(
                self._at,
                scroll_filter=client_filter(where),
                limit=1,
                order_by=models.OrderBy(key=json_path(field), direction=direction),
                with_payload=True,
            )
        return _record(found[0]) if found else None

    def facets(self, field: str, where: Conditions, limit: int) -> dict[Scalar, int]:
        with talking(self.location):
            answer = self._client.facet(
                self._at, key=json_path(field), facet_filter=client_filter(where), limit=limit, exact=True
            )
        return {hit.value: hit.count for hit in answer.hits}


# ---- between Python and the client ------------------------------------------------------------


def _vectors_of(there: models.CollectionInfo) -> set[str]:
    vectors = there.config.params.vectors
    return set(vectors) if isinstance(vectors, dict) else set()


def _failure(status: models.OptimizersStatus) -> str:
    return status.error if isinstance(status, models.OptimizersStatusOneOf1) else "status red"


def _record(point: models.Record) -> Record:
    return record_of(point.id, point.payload, point.vector)
