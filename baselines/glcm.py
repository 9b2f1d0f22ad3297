"""Gray-level co-occurrence: which grays lie next to each other, and how often."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from baselines._batch import Images, Vectors, check_images, in_pieces
from baselines._gray import count_by_image, gray_planes

GLCM_PROPERTIES = ("contrast", "dissimilarity", "homogeneity", "energy", "correlation", "ASM")
"""The properties of each matrix, in the order in which `glcm_properties` returns them."""

GLCM_STEPS = ((0, 1), (1, 1), (1, 0), (1, -1))
"""Rows down and columns right from a pixel to its partner, at distance 1: 0, 45, 90 and 135 degrees."""


def glcm_properties(images: npt.ArrayLike, *, levels: int = 16, distances: Sequence[int] = (1, 2, 4, 8)) -> Vectors:
    """Properties of the gray-level co-occurrence matrices of each image, each at most 1 in size.

    The gray of a pixel is (299 R + 587 G + 114 B) / 1000, rounded, then reduced to `levels` equal steps:
    gray * levels // 256. For each distance d and each of four angles, P[i, j] is the share of pixel pairs
    with levels i and j, in either order, that lie (0, d), (d, d), (d, 0) or (d, -d) rows and columns apart.
    With m and v the mean and the variance of i under P:

    - contrast: sum P (i - j)^2, divided by (levels - 1)^2
    - dissimilarity: sum P |i - j|, divided by levels - 1
    - homogeneity: sum P / (1 + (i - j)^2)
    - energy: the square root of ASM
    - correlation: sum P (i - m) (j - m) / v, and 1 where v = 0
    - ASM: sum P^2

    The divisors are the largest values possible, so that correlation lies in [-1, 1] and every other property
    in [0, 1]. They are fixed: no data has to be seen first.

    Borders: a pair with one pixel outside the image is not counted.

    Args:
        images: (N, H, W, 3) uint8, RGB; H and W above the largest distance.
        levels: number of gray levels, 2 to 256.
        distances: in pixels along rows and columns, each at least 1.

    Returns:
        (N, len(distances) * 4 * 6) float32: by distance, then angle, then property in the order above.

    Raises:
        ImageShapeError: not a batch of RGB uint8 images, or images too small for one of the distances.
        ValueError: `levels` or `distances` out of range.

    Source: Haralick, Shanmugam and Dinstein, "Textural features for image classification", SMC 1973. Departs
    from it: six properties, some of them later ones, and one value for each angle instead of their mean and
    range over the angles.

    Example:
        >>> stripes = np.zeros((1, 8, 8, 3), np.uint8)
        >>> stripes[:, :, ::2] = 255  # every other column is white
        >>> contrast = glcm_properties(stripes, distances=(1,)).reshape(4, 6)[:, 0]
        >>> contrast.tolist()  # at 0, 45, 90 and 135 degrees: none down the columns
        [1.0, 1.0, 0.0, 1.0]
    """
    distances = tuple(distances)
    if not 2 <= levels <= 256 or not distances or min(distances) < 1:
        raise ValueError(
            f"glcm_properties expected levels from 2 to 256 and one or more distances of at least 1; got "
            f"levels={levels}, distances={distances}. The defaults are 16 and (1, 2, 4, 8)."
        )
    batch = check_images(images, "glcm_properties", min_size=max(distances) + 1)

    def describe(piece: Images) -> npt.NDArray[Any]:
        return pair_properties(gray_planes(piece), levels, distances)

    return in_pieces(describe, batch, len(distances) * len(GLCM_STEPS) * len(GLCM_PROPERTIES))


def pair_properties(gray: Images, levels: int, distances: Sequence[int]) -> npt.NDArray[np.float64]:
    """`glcm_properties` of gray planes: (H, W, n) uint8 -> (n, len(distances) * 4 * 6)."""
    weights, repeats = _weights(levels)
    means, squares = [], []
    for shares in _pair_shares(gray, levels, [(down * d, right * d) for d in distances for down, right in GLCM_STEPS]):
        means.append(shares @ weights)
        squares.append(np.square(shares) @ repeats)
    # Each (n, steps).
    contrast, dissimilarity, homogeneity, mean, of_squares, of_products = np.stack(means, axis=-1).swapaxes(0, 1)
    asm = np.stack(squares, axis=-1)
    variance = of_squares - mean**2
    # The smallest variance but 0 is that of one odd pixel, about 1 / pixels, far above the rounding error.
    flat_ground = variance < 1e-12
    covariance = of_products - mean**2
    correlation = np.where(flat_ground, 1, covariance / np.where(flat_ground, 1, variance))
    values = (contrast / (levels - 1) ** 2, dissimilarity / (levels - 1), homogeneity, np.sqrt(asm), correlation, asm)
    return np.stack(values, axis=-1).reshape(len(asm), -1)


def _pair_shares(gray: Images, levels: int, steps: Sequence[tuple[int, int]]) -> Iterator[npt.NDArray[np.float64]]:
    """For each step, down and right, the share of pairs with levels i >= j in either order: (n, pairs of levels).

    A co-occurrence matrix is symmetric, so that its lower triangle, row by row, is all of it: the pair's higher
    level picks the row, which starts at i (i + 1) / 2, and its lower level the column.
    """
    height, width, n = gray.shape
    pairs = levels * (levels + 1) // 2
    level = gray.astype(np.uint16) * np.uint16(levels) // np.uint16(256)
    # Both pixels of a pair belong to the same image, whose numbers start at its own multiple of `pairs`.
    small = np.min_scalar_type(n * pairs - 1)
    row_start = (level * (level + 1) // 2 + (np.arange(n) * pairs).astype(small)).astype(small).reshape(-1)
    column = level.astype(small).reshape(-1)
    numbers = np.empty(gray.shape, small)
    for down, right in steps:
        step = (down * width + right) * n
        # This also pairs pixels across the left and right borders; only the pairs inside are counted.
        flat = numbers.reshape(-1)[:-step]
        np.maximum(row_start[:-step], row_start[step:], out=flat)
        flat += np.minimum(column[:-step], column[step:])
        inside = numbers[: height - down, max(0, -right) : width - max(0, right)]
        yield count_by_image(inside, pairs) / inside[..., 0].size


@lru_cache(maxsize=4)
def _weights(levels: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """What the share of each pair of levels counts in six means, (pairs, 6), and its square in ASM, (pairs,).

    The means are of (i - j)^2, |i - j|, 1 / (1 + (i - j)^2), i, i^2 and i j. Two different levels i and j fill two
    fields of the matrix with half of their share each.
    """
    i, j = np.tril_indices(levels)
    square = (i - j) ** 2
    weights = (square, i - j, 1 / (1 + square), (i + j) / 2, (i * i + j * j) / 2, i * j)
    return np.stack(weights, axis=1), np.where(i == j, 1, 0.5)
