"""Reading from Qdrant Edge: searches, points by id, counts, scrolls and facets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import qdrant_edge as qe

from autoenc.errors import StoreError
from autoenc.store.blending import Blend
from autoenc.store.edge_ann import search_params
from autoenc.store.edge_values import engine_errors, filter_for, record_from, without_copies
from autoenc.store.filters import Conditions, json_path
from autoenc.store.kinds import Scalar
from autoenc.store.points import Hit, Record, hit_of
from autoenc.store.settings import USUAL, SearchSettings
from autoenc.vectors import Vectors


class EdgeReading:
    """An open shard, to read from."""

    def __init__(self, collection: str, folder: Path, shard: qe.EdgeShard) -> None:
        self.location = str(folder.parent)
        self.collection = collection
        self._folder = folder
        self._open: qe.EdgeShard | None = shard

    @property
    def _shard(self) -> qe.EdgeShard:
        if self._open is None:
            raise StoreError(f"The store {self.location} has been closed. Open it again.")
        return self._open

    @contextmanager
    def _engine(self) -> Iterator[None]:
        with engine_errors(self._name):
            yield

    @property
    def _name(self) -> str:
        return f"collection '{self.collection}' in {self.location}"

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


def _blended(hit: qe.ScoredPoint) -> Hit:
    return Hit(str(hit.id), hit.score, without_copies(hit.payload) or {})
