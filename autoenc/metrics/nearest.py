"""The nearest of a gallery by cosine, for many queries at a time: exact, and pure NumPy."""

from __future__ import annotations

import math

import numpy as np

from autoenc.vectors import Indices, Vectors

_PRODUCTS = 2**18
"""Multiplications for the scores of a block of queries and a tile of vectors; more only above 4,096 dimensions.

BLAS computes so small a product of matrices in the thread that asks for it, so that several threads can search at once.
A larger one it divides among threads of its own, and all who search wait for these."""

_SIDE = 64
"""Queries in a block, and vectors in a tile, at most."""

_NUMBERS = 2**22
"""Numbers of the vectors that a block finds, at most: 16 MB."""

_SCORES = 2**23
"""Scores of a block, at most: 32 MB."""

_GROUP = 32
"""Tiles in a group, at most: the best of each decides which are looked into."""

_SPARE = 8
"""How many times as many groups as neighbors there are at least, so that few of them are looked into."""


class Gallery:
    """Vectors among which the nearest are searched, by comparing every one of them with every query.

    Several threads may search at once.

    Args:
        vectors: (N, D) float32, rows as from `unit_rows`.

    Example:
        >>> import numpy as np
        >>> rows = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0.5, 0.5, 0.5, 0.5]], np.float32)
        >>> indices, cosines = Gallery(rows).nearest(rows[:1], 2)
        >>> indices.tolist(), cosines.tolist()
        ([[0, 2]], [[1.0, 0.5]])
    """

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors
        count, dim = vectors.shape
        self._side = side = min(_SIDE, max(8, math.isqrt(_PRODUCTS // dim) // 8 * 8))
        tiles = -(-count // (side * _GROUP)) * _GROUP
        padded = np.zeros((tiles * side, dim), np.float32)
        padded[:count] = vectors
        self._tiles = np.ascontiguousarray(padded.reshape(tiles, side, dim).transpose(0, 2, 1))  # (tiles, D, side)

    def nearest(self, queries: Vectors, k: int) -> tuple[Indices, Vectors]:
        """The k nearest to each query, best first; equally near ones by index, but which of them are last is open.

        Args:
            queries: (Q, D) float32, rows as from `unit_rows`.
            k: how many; where the gallery has fewer, all of it.

        Returns:
            (Q, min(k, N)) int64 indices of the gallery, and the float32 cosines of these.
        """
        k = min(k, len(self._vectors))
        indices = np.empty((len(queries), k), np.int64)
        cosines = np.empty((len(queries), k), np.float32)
        if k:
            scored = self._tiles.shape[0] * self._side
            step = max(1, min(self._side, _NUMBERS // (k * queries.shape[1]), _SCORES // scored))
            for start in range(0, len(queries), step):
                rows = slice(start, start + step)
                indices[rows], cosines[rows] = self._nearest(queries[rows], k)
        return indices, cosines

    def _nearest(self, queries: Vectors, k: int) -> tuple[Indices, Vectors]:
        scores = queries @ self._tiles  # (tiles, Q, side)
        tiles, _, side = scores.shape
        last, within = divmod(len(self._vectors), side)
        scores[last : last + 1, :, within:] = scores[last + 1 :] = -np.inf  # there is nothing
        size = next(size for size in (_GROUP, 8, 2, 1) if tiles // size * side >= _SPARE * k or size == 1)
        grouped = scores.reshape(tiles // size, size, len(queries), side)
        best = grouped.max(axis=1).transpose(1, 0, 2).reshape(len(queries), -1)
        # The k highest scores lie in the k groups whose best are highest.
        groups = np.argpartition(best, best.shape[1] - k, axis=1)[:, -k:]  # (Q, k)
        run, column = np.divmod(groups, side)
        some = grouped[run, :, np.arange(len(queries))[:, None], column].reshape(len(queries), -1)  # (Q, k x size)
        at = np.argpartition(some, k * size - k, axis=1)[:, -k:]
        group, tile = np.divmod(at, size)
        found = (np.take_along_axis(run, group, 1) * size + tile) * side + np.take_along_axis(column, group, 1)
        found.sort(axis=1)
        # Summed once more, in one way for all: a product of matrices may give copies cosines that differ a little.
        cosines = np.einsum("qd,qkd->qk", queries, self._vectors[found])
        order = np.argsort(-cosines, axis=1, kind="stable")
        return np.take_along_axis(found, order, 1), np.take_along_axis(cosines, order, 1)
