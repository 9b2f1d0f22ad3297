"""Color: how often each color occurs, in a space whose distances are those that people see."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from baselines._batch import PIXELS_AT_ONCE, Images, Vectors, check_images, count, in_pieces

LARGEST_AB = 60
"""a* and b* are clipped to it; only the most vivid colors lie beyond."""

CENTERING = 2
"""A pixel counts exp(-CENTERING * r^2); r is 0 at the image's center and 1 in the middle of a side."""

_BITS = 5  # of each channel that are told apart: so that a table of all colors fits in a processor's cache
_LEVELS = 1 << _BITS

# sRGB (IEC 61966-2-1): linear R, G and B to X, Y and Z under the white point D65.
_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def color_histogram(images: npt.ArrayLike, bins: tuple[int, int, int] = (3, 7, 6)) -> Vectors:
    """Hellinger-normalized CIELAB histogram of each image, soft-assigned and weighted toward the center.

    A pixel is converted from sRGB to CIELAB under the white point D65, after each channel was reduced to 32 levels,
    value // 8, from 0 (none) to 31 (full). The histogram's bins are points on a grid: L* from 0 to 100, a* and b* from
    -60 to 60, both ends included. Each pixel is shared among the four grid points around it, the corners of a
    tetrahedron in which its color lies, by linear interpolation, so that a small change of color is a small change of
    the histogram. A pixel counts exp(-2 r^2), with r^2 = x^2 + y^2 and x and y from -1 to 1 between the image's edges.

    Args:
        images: (N, H, W, 3) uint8, RGB.
        bins: number of grid points along L*, a* and b*, each 2 to 64.

    Returns:
        (N, prod(bins)) float32, b* fastest: point (l, a, b) is at (l * bins[1] + a) * bins[2] + b. Each number is the
        square root of a point's share of the weight of all pixels; each row's squares sum to 1, so that the dot
        product of two rows, their cosine, is the Bhattacharyya coefficient of the two histograms.

    Raises:
        ImageShapeError: not a batch of RGB uint8 images.
        ValueError: not three whole bin counts from 2 to 64.

    Source: Swain and Ballard, "Color indexing", IJCV 1991; CIE 15, "Colorimetry", for the color space. Departs from
    Swain and Ballard: CIELAB for opponent colors, the Hellinger kernel for histogram intersection, soft assignment by
    tetrahedra (Kasson, Nin, Plouffe and Hafner, "Performing color space conversions with three-dimensional linear
    interpolation", Journal of Electronic Imaging 1995), and the weight of the center.

    Example:
        >>> black_and_white = np.zeros((1, 2, 2, 3), np.uint8)
        >>> black_and_white[:, 0] = 255
        >>> histogram = color_histogram(black_and_white, bins=(2, 3, 3))
        >>> np.square(histogram).reshape(2, 3, 3)[:, 1, 1].round(1).tolist()  # L* of 0 and 100, no color
        [0.5, 0.5]
    """
    batch = check_images(images, "color_histogram")
    if len(bins) != 3 or not all(isinstance(number, int) and 2 <= number <= 64 for number in bins):
        raise ValueError(
            f"color_histogram expected three whole bin counts from 2 to 64, of L*, a* and b*; got {tuple(bins)}. The "
            f"default is (3, 7, 6)."
        )
    dim = bins[0] * bins[1] * bins[2]
    corners, shares = _corners(*bins)
    weights = _center_weights(*batch.shape[1:3])[:, np.newaxis]

    def describe(piece: Images) -> npt.NDArray[Any]:
        red, green, blue = np.moveaxis(piece >> (8 - _BITS), -1, 0).astype(np.intp)
        color = ((red * _LEVELS + green) * _LEVELS + blue).reshape(len(piece), -1)
        shared = shares[color]
        shared *= weights
        roots: npt.NDArray[np.float64] = np.sqrt(count(corners[color], dim, shared))
        return roots

    return in_pieces(describe, batch, dim, PIXELS_AT_ONCE // 4)  # of each pixel, four shares


def lab(rgb: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Convert sRGB (..., 3) from 0 to 1 to CIELAB (..., 3) under D65: L* from 0 to 100, a* and b*.

    Example:
        >>> lab(np.ones(3)).round(3).tolist()  # white
        [100.0, 0.0, 0.0]
    """
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    x, y, z = np.moveaxis(linear @ (_XYZ / _XYZ.sum(axis=1, keepdims=True)).T, -1, 0)
    fx, fy, fz = (np.where(t > (6 / 29) ** 3, np.cbrt(t), t * (29 / 6) ** 2 / 3 + 4 / 29) for t in (x, y, z))
    return np.stack([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)], axis=-1)


@lru_cache(maxsize=4)
def _corners(*bins: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """The grid points that each color is shared among, (colors, 4), and their shares, which sum to 1.

    Colors are in the order (red * levels + green) * levels + blue. A cell of the grid is cut into six tetrahedra by the
    order of the three fractions: a walk from the cell's lower corner to its upper one, along the axis with the largest
    fraction first, visits the four corners.
    """
    level = np.arange(_LEVELS) / (_LEVELS - 1)
    rgb = np.stack(np.meshgrid(level, level, level, indexing="ij"), axis=-1).reshape(-1, 3)
    cells = np.array(bins) - 1
    lowest = np.array([0, -LARGEST_AB, -LARGEST_AB])
    highest = np.array([100, LARGEST_AB, LARGEST_AB])
    place = np.clip((lab(rgb) - lowest) / (highest - lowest), 0, 1) * cells
    lower = np.minimum(place.astype(np.intp), cells - 1)
    fractions = place - lower
    order = np.argsort(-fractions, axis=1, kind="stable")
    strides = np.array([bins[1] * bins[2], bins[2], 1])
    walk = np.cumsum(strides[order], axis=1)
    corners = (lower @ strides)[:, np.newaxis] + np.insert(walk, 0, 0, axis=1)
    descending = np.take_along_axis(fractions, order, axis=1)
    return corners, -np.diff(descending, axis=1, prepend=1, append=0)


@lru_cache(maxsize=4)
def _center_weights(height: int, width: int) -> npt.NDArray[np.float64]:
    """The weight of each pixel, (height * width,), row by row; they sum to 1."""
    y, x = ((2 * np.arange(side) + 1) / side - 1 for side in (height, width))
    weights = np.exp(-CENTERING * np.add.outer(y**2, x**2)).ravel()
    return np.asarray(weights / weights.sum(), np.float64)
