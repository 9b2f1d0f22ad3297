"""Local binary patterns: which of the samples around a pixel are at least as bright as it is."""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from baselines._batch import Images, Vectors, check_images, in_pieces
from baselines._gray import count_by_image, gray_planes

ONE = 2**22
"""A weight of 1 when interpolating between pixels, in fixed point: 255 * 2**22 fits in 32 bits."""


def lbp_histogram(images: npt.ArrayLike, points: int = 8, radius: float = 1) -> Vectors:
    """Histogram of the uniform, rotation-invariant local binary patterns of each image.

    The gray of a pixel is (299 R + 587 G + 114 B) / 1000, rounded. Around it, `points` samples lie on a
    circle of `radius`, the first to the right and the others counterclockwise, interpolated between the four
    nearest pixels. A sample is marked when it is at least as bright as the center. Where the marks change
    at most twice around the circle, the pattern is uniform and its label is the number of marks, 0 to
    `points`; all other patterns share the label `points` + 1.

    Borders: only pixels whose whole circle lies within the image are counted, so that no pixel has to be
    made up.

    Args:
        images: (N, H, W, 3) uint8, RGB; H and W at least 2 * ceil(radius) + 1.
        points: number of samples on the circle, 1 to 16.
        radius: radius of the circle in pixels, above 0.

    Returns:
        (N, points + 2) float32, the square roots of the labels' shares (Hellinger): each row's squares sum
        to 1.

    Raises:
        ImageShapeError: not a batch of RGB uint8 images, or images too small for the circle.
        ValueError: `points` or `radius` out of range.

    Source: Ojala, Pietikäinen and Mäenpää, "Multiresolution gray-scale and rotation invariant texture
    classification with local binary patterns", PAMI 2002. Departs from it: the Hellinger kernel for the
    log-likelihood, and interpolation weights of 22 bits, so that equal pixels tie exactly.

    Example:
        >>> flat = np.full((1, 3, 3, 3), 128, np.uint8)
        >>> lbp_histogram(flat).tolist()  # every sample is as bright as the center: label 8
        [[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]]
    """
    if not 1 <= points <= 16 or not radius > 0:
        raise ValueError(
            f"lbp_histogram expected points from 1 to 16 and a radius above 0; got points={points}, "
            f"radius={radius}. The defaults are 8 and 1."
        )
    batch = check_images(images, "lbp_histogram", min_size=2 * math.ceil(radius) + 1)

    def describe(piece: Images) -> npt.NDArray[Any]:
        return pattern_histogram(gray_planes(piece), points, radius)

    return in_pieces(describe, batch, points + 2)


def pattern_histogram(gray: Images, points: int, radius: float) -> npt.NDArray[np.float64]:
    """`lbp_histogram` of gray planes: (H, W, n) uint8 -> (n, points + 2)."""
    labels = _labels(gray, points, radius)
    bins = points + 2
    counts = count_by_image(labels + np.arange(labels.shape[-1]) * bins, bins)
    roots: npt.NDArray[np.float64] = np.sqrt(counts / labels[..., 0].size)
    return roots


def _labels(gray: Images, points: int, radius: float) -> Images:
    """(H, W, n) uint8 -> (H - 2 margin, W - 2 margin, n), the label of each pixel whose circle lies inside."""
    height, width, n = gray.shape
    margin = math.ceil(radius)
    # From the first center to the last, row by row. This takes in the margins between two rows of centers,
    # whose circles reach into the next row: computing them and cutting them off is cheaper than leaving them out.
    start = margin * (width + 1) * n
    stop = gray.size - start
    circle = _circle(points, radius)
    # Several samples share a weight: every pixel is multiplied once by each.
    weights = np.array(sorted({ONE, *(weight for taps in circle for _, _, weight in taps)}), np.int32)
    planes = np.multiply.outer(weights, gray.reshape(-1), dtype=np.int32)
    weighted = dict(zip(weights.tolist(), planes, strict=True))

    centers = weighted[ONE][start:stop]
    total = np.empty_like(centers)
    marks = np.empty((points, len(centers)), np.uint8)
    for mark, taps in zip(marks.view(bool), circle, strict=True):
        parts = []
        for down, right, weight in taps:
            step = (down * width + right) * n
            parts.append(weighted[weight][start + step : stop + step])
        sample = parts[0]
        for part in parts[1:]:
            sample = np.add(sample, part, out=total)
        np.greater_equal(sample, centers, out=mark)

    changes = marks[0] ^ marks[-1]
    for mark, following in pairwise(marks):
        changes += mark ^ following
    labels = np.empty_like(gray)
    # The label of the other patterns, above every number of marks, replaces it.
    others = (changes > 2) * np.uint8(points + 1)
    np.maximum(marks.sum(axis=0, dtype=np.uint8), others, out=labels.reshape(-1)[start:stop])
    return labels[margin : height - margin, margin : width - margin]


@lru_cache(maxsize=8)
def _circle(points: int, radius: float) -> tuple[list[tuple[int, int, int]], ...]:
    """The samples, each as the pixels that make it up: rows down, columns right, weight; the weights sum to ONE."""
    return tuple(_sample(2 * math.pi * k / points, radius) for k in range(points))


def _sample(angle: float, radius: float) -> list[tuple[int, int, int]]:
    # Rounded, so that a sample meant to lie on a pixel does.
    down, right = round(-radius * math.sin(angle), 9), round(radius * math.cos(angle), 9)
    top, left = math.floor(down), math.floor(right)
    below, beside = down - top, right - left
    weights = {
        (top, left + 1): round((1 - below) * beside * ONE),
        (top + 1, left): round(below * (1 - beside) * ONE),
        (top + 1, left + 1): round(below * beside * ONE),
    }
    weights[top, left] = ONE - sum(weights.values())
    return [(row, column, weight) for (row, column), weight in weights.items() if weight]
