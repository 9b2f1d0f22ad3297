"""Exact search by cosine over a whole gallery, many queries at a time, in bounded memory: pure NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from autoenc.vectors import Indices, Vectors

_GRID = 2**20  # cosines are told apart to a millionth; finer than that is float32's own noise
_LAST = 2 * _GRID + 2  # behind the distance of any vector, rounding included
_CELLS = 2**22  # of the block of queries x gallery that is held at a time


Added = Callable[[int, int], Vectors]
"""The first query of a block, and the one after its last -> (rows, G) float32, what is added to their cosines."""


def rankings(
    queries: Vectors, gallery: Vectors, own: Indices, added: Added | None = None
) -> Iterator[tuple[int, Indices]]:
    """Order the whole gallery for each query by falling cosine; ties, to a millionth, by gallery index.

    Args:
        queries: (Q, D) float32, rows as from `unit_rows`.
        gallery: (G, D) float32, likewise.
        own: (Q,) index of the gallery image that is the query itself, -1 where there is none; it comes last.
        added: what counts beside the cosines; the sums lie between -1 and 1.

    Yields:
        the first query of a block, and (rows, G) gallery indices for the queries of the block, nearest first.
    """
    for start, distances in _distances(queries, gallery, added):
        itself = own[start : start + len(distances)]
        rows = np.flatnonzero(itself >= 0)
        distances[rows, itself[rows]] = _LAST
        # One integer holds distance and index: a plain sort, the fastest there is, then breaks ties by index.
        keys = (distances << 32) | np.arange(len(gallery))
        keys.sort(axis=1)
        keys &= 0xFFFFFFFF
        yield start, keys


def ranks(queries: Vectors, gallery: Vectors, targets: Indices) -> Indices:
    """The rank, from 0, at which each query finds one given gallery image, in the order of `rankings`.

    Args:
        queries: (Q, D) float32, rows as from `unit_rows`.
        gallery: (G, D) float32, likewise.
        targets: (Q,) gallery index to be found by each query.

    Returns:
        (Q,) int64.
    """
    found = np.empty(len(queries), np.int64)
    for start, distances in _distances(queries, gallery):
        target = targets[start : start + len(distances), None]
        wanted = np.take_along_axis(distances, target, axis=1)
        before = (distances < wanted) | ((distances == wanted) & (np.arange(len(gallery)) < target))
        found[start : start + len(distances)] = before.sum(axis=1)
    return found


def _distances(queries: Vectors, gallery: Vectors, added: Added | None = None) -> Iterator[tuple[int, Indices]]:
    """1 - cosine in units of the grid, for blocks of queries: (rows, G) int64, from 0."""
    step = max(1, _CELLS // max(1, len(gallery)))
    for start in range(0, len(queries), step):
        cosines = queries[start : start + step] @ gallery.T
        if added is not None:
            cosines += added(start, start + len(cosines))
        np.rint(cosines * np.float32(-_GRID), out=cosines)
        yield start, cosines.astype(np.int64) + (_GRID + 1)
