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
_LEVELS = 32_767  # of 16-bit numbers
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


def _details(pictures: Gray) -> Floats:
    """(..., 48, 48) without what is coarser than a few pixels, nor as fine as one, which moves with each crop."""
    values = pictures.astype(np.float32)
    fine, coarse = (blur @ values @ blur.T for blur in _blurs())
    return np.asarray(fine - coarse, np.float32)


def wholes(pictures: Gray) -> npt.NDArray[np.int16]:
    """What `rough` compares of whole pictures: (N, 576) of (N, 48, 48); each row has mean 0 and length 32,767.

    A row of zeros stands for a picture without details.
    """
    (every,) = _maps()[0]
    parts = every @ _details(pictures) @ every.T
    rows = (parts - parts.mean((1, 2), keepdims=True)).reshape(len(pictures), -1)
    scaled = rows * (_LEVELS * _scales(np.linalg.norm(rows, axis=1)))[:, None]
    return np.asarray(np.rint(scaled), np.int16)


def rough(pictures: Gray, others: npt.NDArray[np.int16]) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Roughly how much other pictures look like a part of a picture.

    Many are compared in few steps: short ones would make threads wait for Python's lock.

    Args:
        pictures: (N, 48, 48) uint8, of each of which 55 parts are compared, on a grid of 24 x 24.
        others: (N, M, 576), M rows of `wholes` for each.

    Returns:
        (N, M) the correlation with the best part; and (N, M) whether the mirrored picture is more like it.
    """
    count, most, size = others.shape
    parts = _parts(_details(pictures))
    # The others have mean 0, so that the parts need not be brought to it.
    squares = np.einsum("npi,npi->np", parts, parts) - size * parts.mean(axis=2) ** 2
    scales = _scales(np.sqrt(np.maximum(squares, 0))) / _LEVELS
    both = np.zeros((count, 2, -(-most // _SMALL) * _SMALL, size), np.float32)  # as they are, and mirrored
    plain, mirrored = (both[:, which, :most].reshape(count, most, GRID, GRID) for which in (0, 1))
    plain[:] = others.reshape(plain.shape)
    mirrored[:] = plain[..., ::-1]
    products = both.reshape(count, -1, _SMALL, size) @ parts.swapaxes(1, 2)[:, None]
    found = (products.reshape(*both.shape[:3], -1) * scales[:, None, None]).max(axis=3)[:, :, :most]
    return found.max(axis=1), found[:, 1] > found[:, 0]


def _parts(details: Floats) -> Floats:
    """(N, 55, 576) of (N, 48, 48): the parts of every size at all places."""
    parts = np.empty((len(details), sum(places**2 for _, places in _CROPS), GRID, GRID), np.float32)
    done = 0
    for maps in _maps():
        places = len(maps)
        cut = (maps @ details[:, None]) @ maps.reshape(-1, SIDE).T  # (N, places, 24, places x 24)
        there = parts[:, done : done + places**2].reshape(-1, places, places, GRID, GRID)
        there[:] = cut.reshape(-1, places, GRID, places, GRID).swapaxes(2, 3)
        done += places**2
    return parts.reshape(*parts.shape[:2], -1)


def _scales(lengths: Floats) -> Floats:
    """What brings rows of these lengths to length 1; 0 where there are no details."""
    return np.where(lengths >= _FLAT * GRID, 1 / np.maximum(lengths, _FLAT), 0).astype(np.float32)


@lru_cache(maxsize=1)
def _blurs() -> tuple[Floats, Floats]:
    """The finer and the coarser blur of a side, (48, 48) each, as matrices."""
    fine, coarse = (
        cv2.GaussianBlur(np.eye(SIDE, dtype=np.float32), (1, round(8 * blur + 1) | 1), blur)
        for blur in (_FINEST, _COARSEST)
    )
    return np.asarray(fine, np.float32), np.asarray(coarse, np.float32)


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
