"""The points of a collection through Qdrant's client: on a server, or in the client's own in-memory mode."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from qdrant_client import models

from autoenc.store.answers import talking
from autoenc.store.blending import Blend
from autoenc.store.client_ann import UNQUANTIZED, search_params
from autoenc.store.client_blend import blend_request, candidate_requests
from autoenc.store.client_collection import ClientCollection
from autoenc.store.client_filters import client_filter
from autoenc.store.filters import Conditions, json_path
from autoenc.store.kinds import Scalar
from autoenc.store.points import Hit, Record, hit_of, record_of, storing
from autoenc.store.requests import ITEM_BYTES, NUMBER_BYTES, check_size, parts, payload_bytes
from autoenc.store.settings import USUAL, SearchSettings
from autoenc.vectors import Vectors


class ClientEngine(ClientCollection):
    """A collection on a server or in memory: writes its points, and finds them."""

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


def _record(point: models.Record) -> Record:
    return record_of(point.id, point.payload, point.vector)
