"""The nearest neighbors of every indexed image."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from autoenc.catalog.searching import Searcher
from autoenc.catalog.sources import point_path
from autoenc.parallel import ordered_chunks
from autoenc.progress import Progress, ProgressOption, telling
from autoenc.store import Hit, Record, Store
from autoenc.store.checks import check_number
from autoenc.text import exact

_SEARCHED = 250
"""Images searched in one call to the engine."""


@dataclass(frozen=True)
class Neighborhood:
    """An image and its nearest neighbors, best first.

    Attributes:
        id, path: of the image; the path is absolute, and None for a point that `index_images` has not written.
        ids, paths, scores: of its neighbors; a score is the cosine similarity, in [-1, 1].
    """

    id: str
    path: str | None
    ids: tuple[str, ...]
    paths: tuple[str | None, ...]
    scores: tuple[float, ...]


def neighbors(
    store: Store, *, k: int = 20, using: str | None = None, progress: ProgressOption = None
) -> Iterator[Neighborhood]:
    """The k nearest neighbors of every image that has a vector, in the order of their ids.

    Images are searched in batches, on all cores. An image is left out of its own neighbors. What is added to the store
    meanwhile may be missing. `write_neighbors` writes the same to a file, and continues where it was stopped.

    Args:
        store: an open store.
        k: how many neighbors at most.
        using: the encoder whose vectors are compared, as for `search`.
        progress: as for `index_images`.

    Raises:
        StoreMismatchError: the store holds no vectors of this encoder.
        ArgumentError: k below 1, or not an open store.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     found = list(autoenc.neighbors(store, k=3, using="color"))
        >>> len(found), len(found[0].ids), found[0].scores[0] >= found[0].scores[1]
        (48, 3, True)
    """
    using = checked(store, k, using)
    return _everything(store, k, using, progress)


def checked(store: Store, k: int, using: str | None) -> str:
    """The encoder to compare by, once all arguments are known to be right."""
    check_number("k", k)
    return Searcher(store, using=using).using


def _everything(store: Store, k: int, using: str, progress: ProgressOption) -> Iterator[Neighborhood]:
    with telling(progress) as tell:
        listing = Listing.of(store, using, tell)
        for done, found in enumerate(search_all(store, listing, listing.ids, k), start=1):
            if done % _SEARCHED == 0:
                tell("neighbors", done, len(listing.ids), "")
            yield found
        tell("neighbors", len(listing.ids), len(listing.ids), "")


@dataclass(frozen=True)
class Listing:
    """The images of a store that have a vector.

    Attributes:
        using: the encoder.
        ids: in order.
        paths: id -> path; None where there is none.
        digest: of all ids and vectors, so that a change of either shows.
    """

    using: str
    ids: list[str]
    paths: dict[str, str | None]
    digest: str

    @classmethod
    def of(cls, store: Store, using: str, tell: Progress) -> Listing:
        """Read it from a store, once."""
        digest = hashlib.blake2b(digest_size=16)
        paths: dict[str, str | None] = {}
        total = store.count(having=[using])
        for record in store.scroll(vectors=[using], having=[using]):
            path = point_path(store, record.payload)
            paths[record.id] = None if path is None else exact(path)
            digest.update(record.id.encode())
            digest.update(record.vectors[using].tobytes())
            if len(paths) % 10_000 == 0:
                tell("reading", len(paths), total, "")
        return cls(using, list(paths), paths, digest.hexdigest())


def search_all(store: Store, listing: Listing, ids: Sequence[str], k: int) -> Iterator[Neighborhood]:
    """The neighborhoods of some of the listed images, in order; one that was removed meanwhile is left out."""
    return ordered_chunks(partial(_searched, store, listing, k), ids, _SEARCHED)


def _searched(store: Store, listing: Listing, k: int, ids: Sequence[str]) -> list[Neighborhood]:
    paths = listing.paths
    found = []
    # One more than asked for, since an image finds itself, unless its copies fill the list.
    for record, hits in nearest(store, listing.using, k + 1, ids):
        ids_near = [hit.id for hit in hits]
        scores = [hit.score for hit in hits]
        own = ids_near.index(record.id) if record.id in ids_near else k
        del ids_near[own : own + 1], scores[own : own + 1]
        near = tuple(map(paths.get, ids_near))
        found.append(Neighborhood(record.id, paths[record.id], tuple(ids_near), near, tuple(scores)))
    return found


def nearest(store: Store, using: str, k: int, ids: Sequence[str]) -> list[tuple[Record, list[Hit]]]:
    """Those of some points that are there and have a vector, each with the k points nearest to it, in one search."""
    records = [record for record in store.retrieve(ids, vectors=[using]) if using in record.vectors]
    if not records:
        return []
    rows = np.stack([record.vectors[using] for record in records])
    return list(zip(records, store.search_batch(rows, using=using, k=k, payload=False), strict=True))
