"""How much two pictures look like copies of one another: resized, cropped, mirrored, recompressed, tinted or framed.

Two comparisons share what they compare, the fine details of gray pictures: `likeness`, which decides, and `rough`,
which takes a small part of its time and finds out which pairs are worth it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from autoenc.vectors import Pixels

SIDE = 48
"""Height and width of the pictures that are compared, in pixels."""

SIDES = (48, 47, 46, 45, 44, 43, 42, 41, 40)
"""Those of a crop in the other picture: the smallest keeps .69 of its area."""

GRID = 24
"""Height and width of what `rough` compares."""

_CROPS = ((1.0, 1), (0.96, 2), (0.92, 3), (0.87, 4), (0.835, 5))  # share of the side, and places along each side
_FINEST, _COARSEST = 0.7, 2.0  # standard deviations of two blurs, in pixels: details lie between them
_SMALL = 8  # rows of a product that BLAS does not share out among threads, which would wait for one another
_FLAT = 1.0  # a gray level of contrast, below which a picture has no details

Gray = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


class Way(NamedTuple):
    """How one picture may lie in another.

    Attributes:
        swapped: the first picture is part of the second one, and not the second one of the first.
        mirrored: it is mirrored.
    """

    swapped: bool
    mirrored: bool


WAYS = tuple(Way(swapped, mirrored) for swapped in (False, True) for mirrored in (False, True))


def gray(pixels: Pixels) -> Gray:
    """What is compared of a picture: (48, 48) uint8, of (48, 48, 3) RGB, the whole picture squeezed into a square."""
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)


def likeness(one: Gray, other: Gray, ways: tuple[Way, ...] = WAYS) -> float:
    """How much two pictures look like copies of one another, whichever of them was cropped, framed or mirrored.

    Only details count, finer than about a sixth of a side: the outline of a shirt makes no two shirts alike. One
    picture, in several sizes, is moved over the other one, and the highest correlation counts. Colors do not.

    Args:
        one: (48, 48) uint8.
        other: the same.
        ways: how the one may lie in the other.

    Returns:
        The correlation, 0 to 1: 1 for a picture and its mirror image, above .86 for most copies, seldom above .8 for
        different photos of similar products. 0 where one of them has no details.

    Source: Lewis, "Fast normalized cross-correlation", 1995. Departs from it: details alone, over sizes and mirrored.

    Example:
        >>> from autoenc.images.files import load_image
        >>> picture = gray(load_image("some.jpg", size=48).pixels)
        >>> round(likeness(picture, picture[:, ::-1]), 3)
        1.0
    """
    best = 0.0
    details = _details(one), _details(other)
    if min(each.std() for each in details) < _FLAT:
        return best
    for way in ways:
        part, whole = details if way.swapped else details[::-1]
        for side in SIDES:
            smaller = np.asarray(cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA), np.float32)
            moved = np.ascontiguousarray(smaller[:, ::-1]) if way.mirrored else smaller
            best = max(best, float(cv2.matchTemplate(whole, moved, cv2.TM_CCOEFF_NORMED).max()))
    return min(1.0, best)


def _details(picture: Gray) -> Floats:
    """A picture without what is coarser than a few pixels, nor as fine as one, which moves with each crop."""
    values = picture.astype(np.float32)
    fine, coarse = (cv2.GaussianBlur(values, (0, 0), blur) for blur in (_FINEST, _COARSEST))
    return np.asarray(fine - coarse, np.float32)


def wholes(pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
    """What `rough` compares of whole pictures: (N, 576) of (N, 48, 48); each row has mean 0 and length 1.

    A row of zeros stands for a picture without details.
    """
    details = np.stack([_details(picture) for picture in pictures])
    (every,) = _maps()[0]
    return _units(every @ details @ every.T).reshape(len(pictures), -1).astype(np.float16)


def rough(picture: Gray, others: npt.NDArray[np.float16]) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Roughly how much other pictures look like a part of a picture.

    Args:
        picture: (48, 48) uint8, of which 55 parts are compared, on a grid of 24 x 24.
        others: (N, 576), rows of `wholes`.

    Returns:
        (N,) the correlation with the best part; and (N,) whether the mirrored picture is more like it.
    """
    details = _details(picture)
    parts = np.concatenate([_parts(details, maps) for maps in _maps()])
    # The others have mean 0, so that the parts need not be brought to it.
    squares = np.einsum("ij,ij->i", parts, parts) - parts.shape[1] * parts.mean(axis=1) ** 2
    lengths = np.sqrt(np.maximum(squares, 0))
    parts *= np.where(lengths >= _FLAT * GRID, 1 / np.maximum(lengths, _FLAT), 0)[:, None]
    plain = others.astype(np.float32)
    mirrored = plain.reshape(-1, GRID, GRID)[:, :, ::-1].reshape(len(plain), -1)
    found = [
        np.concatenate([rows[n : n + _SMALL] @ parts.T for n in range(0, len(rows), _SMALL)]).max(1)
        for rows in (plain, mirrored)
    ]
    return np.maximum(*found), found[1] > found[0]


def _parts(details: Floats, maps: Floats) -> Floats:
    """(places squared, 576): the parts of one size at all places."""
    rows = maps @ details
    return np.asarray(rows[:, None] @ maps.transpose(0, 2, 1)[None], np.float32).reshape(-1, GRID * GRID)


def _units(parts: Floats) -> Floats:
    """(N, 24, 24), each with mean 0 and length 1; zeros where there are no details."""
    centered = parts - parts.mean((1, 2), keepdims=True)
    lengths = np.sqrt((centered**2).sum((1, 2), keepdims=True))
    return np.where(lengths >= _FLAT * GRID, centered / np.maximum(lengths, _FLAT), 0).astype(np.float32)


@lru_cache(maxsize=1)
def _maps() -> tuple[Floats, ...]:
    """For each size of a crop, the maps (places, 24, 48) that average it along one side."""
    return tuple(
        np.stack([_averages(start, share * SIDE) for start in np.linspace(0, SIDE - share * SIDE, places)])
        for share, places in _CROPS
    )


def _averages(start: float, length: float) -> Floats:
    """(24, 48): the weights that average a stretch of a side in 24 parts."""
    edges = start + length * np.arange(GRID + 1)[:, None] / GRID
    pixels = np.arange(SIDE)[None]
    overlap = np.minimum(pixels + 1, edges[1:]) - np.maximum(pixels, edges[:-1])
    return np.asarray(np.clip(overlap, 0, None) * GRID / length, np.float32)
