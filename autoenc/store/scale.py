"""What the cosines of an encoder mean in one catalog: how it is computed, and as a store remembers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import gt
from typing import Any

import numpy as np
import numpy.typing as npt

from autoenc.vectors import Vectors

SAMPLE = 500
"""Images whose nearest neighbors are searched, for each encoder. At the 5th percentile that is right to 1 in 100."""

COPY = 1 - 1e-5
"""Two images with at least this cosine count as copies of one picture."""

NEIGHBORS = 10
"""How far to look past the copies of an image."""

_LEAST_SPAN = 1e-5
"""Cosines this close are told apart by rounding alone."""


@dataclass(frozen=True)
class Scale:
    """How similar the images of a catalog are to one another, by one encoder. Cosines are kept to six decimals.

    Attributes:
        median: the median cosine of random pairs.
        nearest: the median cosine of an image and its nearest neighbor, copies of the image left out.
        percentiles: 101 cosines of images and their nearest neighbors: the lowest, which belongs to the image most
            apart from all others, the 1st percentile, and so on up to the highest.
        points: how many points of the store had this vector when it was measured.
        fingerprint: of the encoder.
    """

    median: float
    nearest: float
    percentiles: tuple[float, ...]
    points: int
    fingerprint: str

    def __post_init__(self) -> None:
        """Raise TypeError or ValueError unless every value is one that a measurement can have."""
        for cosine in (self.median, self.nearest, *self.percentiles):
            if type(cosine) not in (int, float) or not -1 <= cosine <= 1:
                raise ValueError(f"not a cosine: {cosine!r}")
        if len(self.percentiles) != 101 or any(map(gt, self.percentiles, self.percentiles[1:])):
            raise ValueError(f"not 101 percentiles in order, but {len(self.percentiles)} numbers")
        if self.nearest != self.percentiles[50]:
            raise ValueError(f"not the median of the percentiles: {self.nearest!r}")
        if self.median > self.nearest:
            raise ValueError(f"random pairs more similar than nearest neighbors: {self.median!r} > {self.nearest!r}")
        if type(self.points) is not int or self.points < 0:
            raise ValueError(f"not a number of points: {self.points!r}")
        if not isinstance(self.fingerprint, str):
            raise TypeError(f"not a fingerprint: {self.fingerprint!r}")
        object.__setattr__(self, "percentiles", tuple(round(cosine, 6) for cosine in self.percentiles))
        for name in ("median", "nearest"):
            object.__setattr__(self, name, round(getattr(self, name), 6))

    @property
    def span(self) -> float:
        """The difference of cosines that is 1 on this scale.

        Where neighbors are no more similar than random pairs, as where all vectors are equal, it is 1.
        """
        span = self.nearest - self.median
        return span if span > _LEAST_SPAN else 1.0

    def scaled(self, cosine: float) -> float:
        """A cosine on a scale that all encoders share: 0 for the median of random pairs, 1 for that of neighbors.

        It is linear, and below 0 or above 1 for other cosines. Where neighbors are no more similar than random pairs,
        both are 1, and the difference to them is that of the cosines.

        Example:
            >>> scale = Scale(0.5, 0.75, (0.25,) * 50 + (0.75,) * 51, 48, "")
            >>> scale.scaled(0.5), scale.scaled(0.75), scale.scaled(1.0)
            (0.0, 1.0, 2.0)
        """
        return 1 + (cosine - self.nearest) / self.span

    def percentile(self, cosine: float) -> float:
        """How many in a hundred of the catalog's own images have a nearest neighbor no more similar than this.

        Returns:
            0 (all images have a more similar neighbor) to 100, interpolated between percentiles.

        Example:
            >>> scale = Scale(0.0, 0.5, tuple(number / 100 for number in range(101)), 48, "")
            >>> scale.percentile(-0.5), scale.percentile(0.125), scale.percentile(1.0)
            (0.0, 12.5, 100.0)
        """
        return float(np.interp(cosine, self.percentiles, np.arange(101)))


def scale_from(rows: Vectors, nearest: npt.NDArray[np.float64], points: int, fingerprint: str) -> Scale:
    """The scale of an encoder, computed from a random sample of a catalog's images.

    Args:
        rows: (n, D) float32, the vectors of the sample, of length 1.
        nearest: (n,) the cosine of each to its nearest neighbor in the whole catalog that is no copy of it, below
            COPY; NaN where there is none. Those images are left out.
        points: how many images the catalog has.
        fingerprint: of the encoder.

    Returns:
        the scale; if no image has a neighbor, every figure is 1.

    Example:
        >>> rows = np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32)
        >>> scale = scale_from(rows, np.array([0.8, 0.8, 0.6]), 3, "")
        >>> scale.median, scale.nearest
        (0.6, 0.8)
    """
    kept = ~np.isnan(nearest)
    if not kept.any():
        return Scale(1.0, 1.0, (1.0,) * 101, points, fingerprint)
    percentiles = np.percentile(nearest[kept], np.arange(101)).tolist()
    pairs = np.clip(rows[kept] @ rows[kept].T, -1, 1).astype(np.float64)
    np.fill_diagonal(pairs, 1)
    pairs = pairs[pairs < COPY]
    median = float(np.median(pairs)) if pairs.size else percentiles[50]
    return Scale(min(median, percentiles[50]), percentiles[50], tuple(percentiles), points, fingerprint)


def read_scales(entries: Mapping[str, Any], fingerprints: Mapping[str, str]) -> dict[str, Scale]:
    """What a record says of its encoders' scales, without those of encoders that the store no longer holds.

    Args:
        entries: encoder -> its `Scale`, as a dictionary; from a record, which anyone may have written.
        fingerprints: encoder -> its fingerprint, for every encoder that the store holds.

    Raises:
        TypeError, ValueError, AttributeError: an entry that cannot be.
    """
    read = {name: Scale(**entry) for name, entry in entries.items()}
    return {name: scale for name, scale in read.items() if fingerprints.get(name) == scale.fingerprint}
