"""The nearest neighbors of every indexed image."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np

from autoenc.catalog.arranging import POOL, arrange
from autoenc.catalog.fields import field_value
from autoenc.catalog.products import grouping_field
from autoenc.catalog.running import PAGES
from autoenc.catalog.searching import Searcher
from autoenc.catalog.sources import point_path
from autoenc.catalog.weights import Using, shared_weights
from autoenc.errors import ArgumentError
from autoenc.metrics.nearest import Gallery
from autoenc.parallel import ordered_chunks
from autoenc.progress import Progress, ProgressOption, telling
from autoenc.store import OWN, Filter, Hit, Record, Store
from autoenc.store.blending import Similarity
from autoenc.store.checks import MAX_K, check_number
from autoenc.text import exact
from autoenc.vectors import Indices, Vectors

_SEARCHED = 250
"""Images searched at a time."""

COMPARED = 256_000 * 32
"""Up to this many numbers (images x dimension), the vectors of all images are compared with each other here, not by the
engine. The engine in this process holds Python's lock while it searches, so that one core works, and makes an object of
every id that it finds; blocks of products use all cores. With 100,000 vectors of 32 numbers, an image takes .15 ms of a
core in place of .3 in the engine's graph. With fewer, the engine compares every vector as well, one image at a time,
which takes ten times as long. The time of a comparison grows with the images, that of a graph hardly does."""


@dataclass(frozen=True)
class Neighborhood:
    """An image and its nearest neighbors, best first.

    Attributes:
        id, path: of the image; the path is absolute, and None for a point that `index_images` has not written.
        ids, paths, scores: of its neighbors; a score is the cosine similarity, in [-1, 1], or
            the sum of what several encoders add.
    """

    id: str
    path: str | None
    ids: tuple[str, ...]
    paths: tuple[str | None, ...]
    scores: tuple[float, ...]


def neighbors(
    store: Store,
    *,
    k: int = 20,
    using: Using | None = None,
    where: Filter | None = None,
    group_by: str | None = None,
    progress: ProgressOption = None,
) -> Iterator[Neighborhood]:
    """The k nearest neighbors of every image that has a vector, in the order of their ids.

    They are what `search` finds for each by its id; by one encoder in a store of up to 8 million numbers (256,000
    vectors of 32), what it finds when it compares every vector. Images are searched in batches, on all cores. An image
    is left out of its own neighbors. What changes in the store meanwhile may be missing. `write_neighbors` writes the
    same to a file, and continues where it was stopped.

    Args:
        store: an open store.
        k: how many neighbors at most.
        using: the encoder whose vectors are compared, or several with their weights, as for `search`. Images that lack
            a vector of one of them are neighbors, but have none; unless all that they lack are vectors that are not
            made of images, such as those of behavior: they are compared by the others.
        where: only neighbors that match, as for `search`; every image has its own.
        group_by: a filterable field, or `product`: of the images with one value in it, only the best is a neighbor. The
            image itself is the best of its own, which is left out with it.
        progress: as for `index_images`.

    Raises:
        StoreMismatchError: the store holds no vectors of this encoder.
        UnknownFieldError: a field that is not filterable.
        ArgumentError: k below 1, or not an open store.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     found = list(autoenc.neighbors(store, k=3, using="color"))
        >>> len(found), len(found[0].ids), found[0].scores[0] >= found[0].scores[1]
        (48, 3, True)
    """
    return _everything(Asked.of(store, k, using, where, group_by), progress)


def _everything(asked: Asked, progress: ProgressOption) -> Iterator[Neighborhood]:
    with telling(progress) as tell:
        listing = Listing.of(asked, tell)
        for done, found in enumerate(search_all(asked, listing, range(len(listing.ids))), start=1):
            if done % _SEARCHED == 0:
                tell("neighbors", done, len(listing.ids), "")
            yield found
        tell("neighbors", len(listing.ids), len(listing.ids), "")


@dataclass(frozen=True)
class Asked:
    """Which neighbors are asked for, once all arguments are known to be right.

    Attributes:
        searcher: the store, and the encoders with their weights.
        k: how many neighbors at most.
        where: only neighbors that match.
        field: one neighbor of each value of this field.
    """

    searcher: Searcher
    k: int
    where: Filter | None
    field: str | None

    @classmethod
    def of(
        cls, store: Store, k: int, using: Using | None = None, where: Filter | None = None, group_by: str | None = None
    ) -> Self:
        check_number("k", k)
        searcher = Searcher(store, using=using)
        if not searcher.weights:
            raise ArgumentError("Neighbors are found by their looks; name an encoder with using=.")
        field = None if group_by is None else grouping_field(store, group_by)
        if field is not None:
            store.kind_of(field)  # raises if there is no such field
        if where is not None:
            store.count(where)  # raises for what cannot be
        return cls(searcher, k, where, field)

    @property
    def store(self) -> Store:
        return self.searcher.store

    @property
    def names(self) -> list[str]:
        return list(self.searcher.weights)

    @property
    def needed(self) -> list[str]:
        """The vectors without which an image has no neighbors."""
        return [name for name in self.names if name in self.store.info.of_images] or self.names

    @property
    def simple(self) -> bool:
        """Whether scores are cosines, by one encoder."""
        return list(self.searcher.weights.values()) == [1.0]

    def settings(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {"using": self.searcher.using, "k": self.k, "where": repr(self.where), "group_by": self.field}


@dataclass(frozen=True)
class Compared:
    """What is compared without the store.

    Attributes:
        rows: (N, D) the vectors of the images, in the order of their ids.
        gallery: those that can be neighbors.
        numbers: of these, (G,), among all.
    """

    rows: Vectors
    gallery: Gallery
    numbers: Indices


@dataclass(frozen=True)
class Listing:
    """The images of a store that can have neighbors, and those that can be neighbors.

    Attributes:
        ids: of the images that have a vector of every encoder, in order; see `Asked.needed`.
        paths: id -> path; None where there is none.
        groups: id -> the group, where one neighbor of each is asked for.
        others: the groups that neighbors can belong to.
        compared: the vectors of `ids`, and those that they are compared with; None if the store searches for them.
        digest: of all that the neighbors depend on, so that a change shows.
    """

    ids: list[str]
    paths: dict[str, str | None]
    groups: dict[str, str]
    others: frozenset[str]
    compared: Compared | None
    digest: str

    @classmethod
    def of(cls, asked: Asked, tell: Progress) -> Self:
        """Read it from a store, once."""
        store, names, field = asked.store, asked.names, asked.field
        digest = hashlib.blake2b(digest_size=16)
        if not asked.simple:
            digest.update(repr([asked.searcher.scale_of(name) for name in names]).encode())
        ids: list[str] = []
        paths: dict[str, str | None] = {}
        groups: dict[str, str] = {}
        needed = set(asked.needed)
        having = names if len(names) == 1 else []
        total = store.count(having=having)
        rows: list[Vectors] = []
        comparing = asked.simple and total * store.info.vectors[names[0]].dim <= COMPARED
        read = [OWN] if field is None or field.startswith(f"{OWN}.") else [OWN, field]
        for record in store.scroll(vectors=names, having=having, fields=read):
            path = point_path(store, record.payload)
            paths[record.id] = None if path is None else exact(path)
            digest.update(record.id.encode())
            for name, vector in sorted(record.vectors.items()):
                digest.update(name.encode() + vector.tobytes())
            if field is not None:
                value = field_value(store, record.payload, field)
                groups[record.id] = record.id if value is None else repr(value)
                digest.update(groups[record.id].encode())
            if needed <= record.vectors.keys():
                ids.append(record.id)
                if comparing:
                    rows.append(record.vectors[names[0]])
            if len(paths) % 10_000 == 0:
                tell("reading", len(paths), total, "")
        there: Iterable[str] = paths
        if asked.where is not None:
            there = [record.id for record in store.scroll(asked.where, having=having, fields=[])]
            digest.update("".join(there).encode())
        compared = _compared(ids, rows, there) if comparing and ids else None
        others = frozenset(groups[id] for id in there if id in groups)
        return cls(ids, paths, groups, others, compared, digest.hexdigest())


def _compared(ids: list[str], rows: list[Vectors], there: Iterable[str]) -> Compared:
    kept = set(there)
    numbers = np.array([number for number, id in enumerate(ids) if id in kept], np.int64)
    matrix = np.stack(rows)
    return Compared(matrix, Gallery(matrix[numbers]), numbers)


def search_all(asked: Asked, listing: Listing, numbers: range) -> Iterator[Neighborhood]:
    """The neighborhoods of some of the listed images, in order; one that was removed meanwhile may be left out."""
    return ordered_chunks(partial(_searched, asked, listing), numbers, _SEARCHED)


Ranked = tuple[Sequence[str], Sequence[float]]
"""The ids of neighbors, best first, and their scores."""

Search = Callable[[Sequence[str], int], Mapping[str, Ranked]]
"""Ids of images, and how many neighbors each should have -> those of each that is still there."""


def _searched(asked: Asked, listing: Listing, numbers: Sequence[int]) -> list[Neighborhood]:
    ids = [listing.ids[number] for number in numbers]
    compared = listing.compared
    search = _searching(asked, listing, ids) if compared is None else _comparing(compared, ids, numbers[0], listing.ids)
    found: dict[str, Ranked] = {}
    count, left = asked.k if asked.field is None else max(asked.k, POOL), ids
    while left:
        unfinished = []
        for id, ranked in search(left, count).items():
            found[id], all_there = _grouped(asked, listing, id, ranked)
            # Of one group there can be any number of images, so more are searched until enough groups are found.
            if not all_there and len(ranked[0]) == count < MAX_K:
                unfinished.append(id)
        count, left = min(4 * count, MAX_K), unfinished
    paths = listing.paths
    return [
        Neighborhood(id, paths[id], tuple(near), tuple(map(paths.get, near)), tuple(scores))
        for id in ids
        if id in found
        for near, scores in [found[id]]
    ]


def _grouped(asked: Asked, listing: Listing, id: str, ranked: Ranked) -> tuple[Ranked, bool]:
    """The neighbors of an image among what was found, and whether they are as many as there can be."""
    if asked.field is None:
        return ranked, True
    own, groups = listing.groups[id], listing.groups
    hits = (Hit(near, score, {}) for near, score in zip(*ranked, strict=True))
    best = arrange(hits, group=lambda hit: groups.get(hit.id, hit.id))
    kept = [hit for hit in best if groups.get(hit.id, hit.id) != own][: asked.k]
    all_there = len(kept) >= min(asked.k, len(listing.others - {own}))
    return _ranked(kept), all_there


def _ranked(hits: Sequence[Hit]) -> Ranked:
    return [hit.id for hit in hits], [hit.score for hit in hits]


def _comparing(compared: Compared, ids: Sequence[str], first: int, every: Sequence[str]) -> Search:
    """Compare the vectors of some images, from the `first` on, with those of every one."""
    numbers = {id: number for number, id in enumerate(ids, start=first)}

    def search(some: Sequence[str], count: int) -> dict[str, Ranked]:
        wanted = np.array([numbers[id] for id in some])
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


def _searching(asked: Asked, listing: Listing, ids: Sequence[str]) -> Search:
    """Let the store search for the neighbors of some images."""
    records = {
        record.id: record
        for record in asked.store.retrieve(ids, vectors=asked.names)
        if set(asked.needed) <= record.vectors.keys() and record.id in listing.paths
    }
    by = _by_cosine if asked.simple else _by_sum

    def search(some: Sequence[str], count: int) -> dict[str, Ranked]:
        there = [records[id] for id in some if id in records]
        found = by(asked, there, count) if there else []
        return {record.id: _ranked(hits) for record, hits in zip(there, found, strict=True)}

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
