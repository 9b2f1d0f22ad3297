"""The nearest of some images, in two ways: every vector is compared with every other, or the store searches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from autoenc.catalog.listing import Asked, Compared, Listing, comparable, gathered
from autoenc.catalog.running import PAGES
from autoenc.catalog.weights import shared_weights
from autoenc.store import Hit, Record, Store
from autoenc.store.blending import Similarity
from autoenc.store.checks import MAX_K
from autoenc.vectors import Vectors

Ranked = tuple[Sequence[str], Sequence[float]]
"""The ids of neighbors, best first, and their scores."""

Search = Callable[[Sequence[str], int], Mapping[str, Ranked]]
"""Ids of images, and how many neighbors each should have -> those of each that is still there."""


def ranked_of(hits: Sequence[Hit]) -> Ranked:
    return [hit.id for hit in hits], [hit.score for hit in hits]


def comparing(compared: Compared, ids: Sequence[str], first: int, every: Sequence[str]) -> Search:
    """A search that compares vectors. `ids` are those of `every` from `first` on."""
    numbers = {id: number for number, id in enumerate(ids, start=first)}

    def search(some: Sequence[str], count: int) -> dict[str, Ranked]:
        some = [id for id in some if id in numbers]
        wanted = np.array([numbers[id] for id in some], np.int64)
        # One more than asked for, since an image finds itself, unless its copies fill the list.
        indices, cosines = compared.gallery.nearest(compared.rows[wanted], count + 1)
        near = compared.numbers[indices]
        itself = near == wanted[:, None]
        last = np.argsort(itself, axis=1, kind="stable")[:, :count]
        lengths = np.minimum(count, near.shape[1] - itself.sum(axis=1)).tolist()
        near, cosines = np.take_along_axis(near, last, 1), np.take_along_axis(cosines, last, 1)
        return {
            id: (list(map(every.__getitem__, row[:length])), scores[:length])
            for id, row, scores, length in zip(
                some, near.tolist(), np.clip(cosines, -1, 1).tolist(), lengths, strict=True
            )
        }

    return search


def searching(asked: Asked, listing: Listing, ids: Sequence[str]) -> Search:
    """A search by the store, for some images."""
    records = {
        record.id: record
        for record in asked.store.retrieve(ids, vectors=asked.names)
        if set(asked.needed) <= record.vectors.keys() and record.id in listing.paths
    }
    by = _by_cosine if asked.simple else _by_sum

    def search(some: Sequence[str], count: int) -> dict[str, Ranked]:
        there = [records[id] for id in some if id in records]
        found = by(asked, there, count) if there else []
        return {record.id: ranked_of(hits) for record, hits in zip(there, found, strict=True)}

    return search


def _by_cosine(asked: Asked, records: Sequence[Record], count: int) -> list[list[Hit]]:
    (name,) = asked.names
    rows = np.stack([record.vectors[name] for record in records])
    # One more than asked for, as above.
    found = asked.store.search_batch(rows, using=name, k=min(count + 1, MAX_K), where=asked.where, payload=False)
    return [[hit for hit in hits if hit.id != record.id][:count] for record, hits in zip(records, found, strict=True)]


def _by_sum(asked: Asked, records: Sequence[Record], count: int) -> list[list[Hit]]:
    """As a query by several encoders ranks them."""
    scales = {name: asked.searcher.scale_of(name) for name in asked.names}
    return [
        asked.store.search_hybrid(
            [
                Similarity(name, record.vectors[name], weight, scales[name])
                for name, weight in shared_weights(asked.searcher.weights, record.vectors).items()
            ],
            k=max(count, PAGES),
            where=asked.where,
            exclude=[record.id],
            payload=False,
        )[:count]
        for record in records
    ]


def nearest(store: Store, using: str, k: int, ids: Sequence[str]) -> list[tuple[Record, list[Hit]]]:
    """Those of some points that are there and have a vector, each with the k points nearest to it, in one search."""
    records = [record for record in store.retrieve(ids, vectors=[using]) if using in record.vectors]
    if not records:
        return []
    rows = np.stack([record.vectors[using] for record in records])
    return list(zip(records, store.search_batch(rows, using=using, k=k, payload=False), strict=True))


def nearest_by(store: Store, using: str) -> Search:
    """A search by one encoder, in one of the two ways; it answers for the points that are there and have a vector."""
    if not comparable(store, using):
        return partial(_stored, store, using)
    ids: list[str] = []
    rows: list[Vectors] = []
    for record in store.scroll(vectors=[using], having=[using], fields=[]):
        ids.append(record.id)
        rows.append(record.vectors[using])
    return comparing(gathered(ids, rows, ids), ids, 0, ids) if ids else lambda some, count: {}


def _stored(store: Store, using: str, some: Sequence[str], count: int) -> dict[str, Ranked]:
    found = nearest(store, using, min(count + 1, MAX_K), some)
    return {record.id: ranked_of([hit for hit in hits if hit.id != record.id][:count]) for record, hits in found}
