"""The nearest neighbors of every indexed image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from autoenc.catalog.arranging import POOL, arrange
from autoenc.catalog.listing import Asked, Listing
from autoenc.catalog.nearest_images import Ranked, comparing, ranked_of, searching
from autoenc.catalog.weights import Using
from autoenc.parallel import ordered_chunks
from autoenc.progress import ProgressOption, telling
from autoenc.store import Filter, Hit, Store
from autoenc.store.checks import MAX_K

_SEARCHED = 250
"""Images searched at a time."""


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

    They are what `search` finds for each by its id. By one encoder, in a store of up to 400,000 vectors of 32 numbers,
    every vector is compared, so that they are exact. Images are searched in batches, on all cores. An image is left
    out of its own neighbors. What changes in the store meanwhile may be missing. `write_neighbors` writes the
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


def search_all(asked: Asked, listing: Listing, numbers: range) -> Iterator[Neighborhood]:
    """The neighborhoods of some of the listed images, in order; one that was removed meanwhile may be left out."""
    return ordered_chunks(partial(_searched, asked, listing), numbers, _SEARCHED)


def _searched(asked: Asked, listing: Listing, numbers: Sequence[int]) -> list[Neighborhood]:
    ids = [listing.ids[number] for number in numbers]
    compared = listing.compared
    search = searching(asked, listing, ids) if compared is None else comparing(compared, ids, numbers[0], listing.ids)
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
    return ranked_of(kept), all_there
