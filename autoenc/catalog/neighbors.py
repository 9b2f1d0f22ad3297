"""The nearest neighbors of every indexed image."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
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
from autoenc.parallel import ordered_chunks
from autoenc.progress import Progress, ProgressOption, telling
from autoenc.store import OWN, Filter, Hit, Record, Store
from autoenc.store.blending import Similarity
from autoenc.store.checks import MAX_K, check_number
from autoenc.text import exact

_SEARCHED = 250
"""Images searched in one call to the engine."""


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

    They are what `search` finds for each by its id. Images are searched in batches, on all cores. An image is left out
    of its own neighbors. What is added to the store meanwhile may be missing. `write_neighbors` writes the same to a
    file, and continues where it was stopped.

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
        for done, found in enumerate(search_all(asked, listing, listing.ids), start=1):
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
class Listing:
    """The images of a store that can have neighbors, and those that can be neighbors.

    Attributes:
        ids: of the images that have a vector of every encoder, in order; see `Asked.needed`.
        paths: id -> path; None where there is none.
        groups: id -> the group, where one neighbor of each is asked for.
        others: the groups that neighbors can belong to.
        digest: of all that the neighbors depend on, so that a change shows.
    """

    ids: list[str]
    paths: dict[str, str | None]
    groups: dict[str, str]
    others: frozenset[str]
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
            if len(paths) % 10_000 == 0:
                tell("reading", len(paths), total, "")
        there: Iterable[str] = paths
        if asked.where is not None:
            there = [record.id for record in store.scroll(asked.where, having=having, fields=[])]
            digest.update("".join(there).encode())
        return cls(ids, paths, groups, frozenset(groups[id] for id in there if id in groups), digest.hexdigest())


def search_all(asked: Asked, listing: Listing, ids: Sequence[str]) -> Iterator[Neighborhood]:
    """The neighborhoods of some of the listed images, in order; one that was removed meanwhile is left out."""
    return ordered_chunks(partial(_searched, asked, listing), ids, _SEARCHED)


def _searched(asked: Asked, listing: Listing, ids: Sequence[str]) -> list[Neighborhood]:
    records = [
        record
        for record in asked.store.retrieve(ids, vectors=asked.names)
        if set(asked.needed) <= record.vectors.keys() and record.id in listing.paths
    ]
    search = _by_cosine if asked.simple else _by_sum
    found: dict[str, list[Hit]] = {}
    count, left = asked.k if asked.field is None else max(asked.k, POOL), records
    while left:
        unfinished = []
        for record, hits in zip(left, search(asked, left, count), strict=True):
            found[record.id], all_there = _grouped(asked, listing, record.id, hits)
            # Of one group there can be any number of images, so more are searched until enough groups are found.
            if not all_there and len(hits) == count < MAX_K:
                unfinished.append(record)
        count, left = min(4 * count, MAX_K), unfinished
    paths = listing.paths
    return [
        Neighborhood(
            record.id,
            paths[record.id],
            tuple([hit.id for hit in hits]),
            tuple([paths.get(hit.id) for hit in hits]),
            tuple([hit.score for hit in hits]),
        )
        for record in records
        for hits in [found[record.id]]
    ]


def _grouped(asked: Asked, listing: Listing, id: str, hits: Sequence[Hit]) -> tuple[list[Hit], bool]:
    """The neighbors of an image among its hits, and whether they are as many as there can be."""
    if asked.field is None:
        return list(hits), True
    own = listing.groups[id]
    best = arrange(hits, group=lambda hit: listing.groups.get(hit.id, hit.id))
    kept = [hit for hit in best if listing.groups.get(hit.id, hit.id) != own][: asked.k]
    return kept, len(kept) >= min(asked.k, len(listing.others - {own}))


def _by_cosine(asked: Asked, records: Sequence[Record], count: int) -> list[list[Hit]]:
    (name,) = asked.names
    rows = np.stack([record.vectors[name] for record in records])
    # One more than asked for, since an image finds itself, unless its copies fill the list.
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
