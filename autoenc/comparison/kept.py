"""The vectors of the encoders that are searched with together, and what their cosines mean."""

from __future__ import annotations

import numpy as np

from autoenc.comparison.split import Split
from autoenc.store.scale import COPY, NEIGHBORS, SAMPLE, Scale, scale_from
from autoenc.vectors import Indices, Vectors, room_for

IN_MEMORY_BYTES = 128 * 2**20
"""Vectors that take more lie in temporary files."""

_CELLS = 2**22  # of the block of images x gallery that is held at a time


class Kept:
    """The vectors of the encoders that a fusion may have, in memory or, if they are many, in temporary files.

    Args:
        split: what they are measured on.
    """

    def __init__(self, split: Split) -> None:
        self.split = split
        self._sides: dict[str, tuple[Vectors, Vectors | None]] = {}
        self._held = 0

    @property
    def names(self) -> list[str]:
        return list(self._sides)

    def add(self, name: str, gallery: Vectors, queries: Vectors) -> None:
        """Keep the (G, D) and (Q, D) float32 unit vectors of an encoder."""
        apart = None if self.split.queries is None else self._kept(queries)  # else they are rows of the gallery
        self._sides[name] = self._kept(gallery), apart

    def gallery(self, name: str) -> Vectors:
        return self._sides[name][0]

    def queries(self, name: str, rows: Indices) -> Vectors:
        """The (len(rows), D) vectors of some queries."""
        gallery, apart = self._sides[name]
        return gallery[self.split.own[rows]] if apart is None else apart[rows]

    def _kept(self, vectors: Vectors) -> Vectors:
        self._held += vectors.nbytes
        if self._held <= IN_MEMORY_BYTES:
            return vectors
        room = room_for(vectors.shape, np.float32, 0)
        room[:] = vectors
        return room


def gallery_scale(gallery: Vectors, seed: int) -> Scale:
    """The scale that a store of these images would measure for an encoder, from SAMPLE of them.

    Args:
        gallery: (G, D) float32, the unit vectors of all images.
        seed: of the sample.
    """
    rows = np.random.default_rng(seed).permutation(len(gallery))[:SAMPLE]
    nearest = np.empty(len(rows))
    step = max(1, _CELLS // len(gallery))
    for start in range(0, len(rows), step):
        some = rows[start : start + step]
        cosines = gallery[some] @ gallery.T
        cosines[np.arange(len(some)), some] = 2  # above all cosines: the image itself is among its neighbors
        cosines.partition(max(0, len(gallery) - NEIGHBORS), axis=1)
        nearby = cosines[:, -NEIGHBORS:]
        nearest[start : start + step] = np.where(nearby < COPY, nearby, -np.inf).max(axis=1)
    nearest[nearest == -np.inf] = np.nan
    return scale_from(gallery[rows], nearest, len(gallery), "")
