"""The images of a store as points on a plane: what looks alike lies near."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoenc.catalog.searching import Searcher
from autoenc.errors import ArgumentError
from autoenc.progress import ProgressOption, telling
from autoenc.store import Store
from autoenc.vectors import Vectors, covariance, evenly, principal_axes

_TOLD = 1000
_EDGE = 0.5  # percent of the points on each side that may lie on the border


@dataclass(frozen=True)
class Map:
    """A catalog on a plane.

    Attributes:
        using: the encoder.
        ids: of the images, in order.
        points: (N, 2) float32 in [0, 1], across and down.
        images: how many have a vector; the map shows an even sample of more than it can hold.
        explained: the share of the vectors' variance that the plane shows.
    """

    using: str
    ids: list[str]
    points: Vectors
    images: int
    explained: float


def map_images(store: Store, *, using: str | None = None, most: int = 50_000, progress: ProgressOption = None) -> Map:
    """Lay the images of a store out on a plane: the two directions in which their vectors differ most.

    Args:
        store: an open store.
        using: the encoder, as for `search`.
        most: images on the map; of more, an even sample is shown.
        progress: as for `index_images`.

    Raises:
        StoreMismatchError: the store holds no vectors of this encoder.
        ArgumentError: several encoders.

    Source: Pearson, "On lines and planes of closest fit to systems of points in space", 1901 (principal components).
    Departs from it: the scale of each axis is cut at half a percent on both sides, so that single outliers do not
    press all others together.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     found = map_images(store, using="color")
        >>> found.points.shape, len(found.ids), 0 < found.explained < 1
        ((48, 2), 48, True)
    """
    searcher = Searcher(store, using=using)
    if len(searcher.weights) != 1:
        raise ArgumentError("A map shows one encoder; name one with using=.")
    (using,) = searcher.weights
    with telling(progress) as tell:
        listed = [record.id for record in store.scroll(having=[using], fields=[])]
        ids = evenly(np.array(listed), most).tolist()
        rows = np.zeros((len(ids), store.info.vectors[using].dim), np.float32)
        there = np.zeros(len(ids), np.bool_)
        for start in range(0, len(ids), _TOLD):
            tell("reading", start, len(ids), "")
            part = ids[start : start + _TOLD]
            found = {record.id: record.vectors for record in store.retrieve(part, vectors=[using])}
            for row, id in enumerate(part, start):
                if using in found.get(id, {}):  # else it was removed meanwhile
                    rows[row], there[row] = found[id][using], True
        ids, rows = [id for id, held in zip(ids, there, strict=True) if held], rows[there]
        tell("reading", len(ids), len(ids), "")
    points, explained = _flattened(rows)
    return Map(using, ids, points, len(listed), explained)


def _flattened(rows: Vectors) -> tuple[Vectors, float]:
    """(N, D) -> (N, 2) in [0, 1], and the share of the variance that is left."""
    if len(rows) < 2:
        return np.full((len(rows), 2), 0.5, np.float32), 1.0
    spread = covariance(rows)
    variances, axes = principal_axes(spread, 2)
    flat = (rows - rows.mean(axis=0)) @ axes
    low, high = np.percentile(flat, [_EDGE, 100 - _EDGE], axis=0)
    points = np.clip((flat - low) / np.where(high > low, high - low, 1), 0, 1)
    total = float(np.trace(spread))
    return points.astype(np.float32), float(variances.sum() / total) if total > 0 else 1.0
