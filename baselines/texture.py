"""Texture: the patterns around each pixel, and the pairs of grays that lie side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from baselines._batch import Images, Vectors, check_images, count, in_pieces, root_of_shares

GLCM_PROPERTIES = ("contrast", "dissimilarity", "homogeneity", "energy", "correlation", "ASM")
"""What `glcm_properties` gives of each matrix, in its order."""

GLCM_STEPS = ((0, 1), (1, 1), (1, 0), (1, -1))
"""Rows down and columns right from a pixel to its partner, at distance 1: 0, 45, 90 and 135 degrees."""

LBP_SCALES = ((8, 1), (16, 2))
"""Points and radius of the two local binary patterns in `texture`."""

_SHIFT = 22
"""Bits of the fixed-point weights that interpolate between pixels: 255 * 2**22 fits in 32 bits."""


def texture(images: npt.ArrayLike) -> Vectors:
    """Local binary patterns at two scales and gray-level co-occurrence, in one vector.

    Three parts, each brought to length 1 and divided by the square root of 3, so that the cosine of two
    vectors is the mean of the cosines of their parts: `lbp_histogram` with 8 points at radius 1 (10 numbers),
    with 16 at radius 2 (18), and `glcm_properties` at distances 1, 2, 4 and 8 (96).

    Args:
        images: (N, H, W, 3) uint8, RGB; H and W at least 9.

    Returns:
        (N, 124) float32; each row's squares sum to 1.

    Raises:
        ImageShapeError: not a batch of RGB uint8 images, or images too small.
    """
    batch = check_images(images, "texture", min_size=9)
    patterns = [lbp_histogram(batch, points, radius) for points, radius in LBP_SCALES]
    pairs = glcm_properties(batch)
    # Never 0: homogeneity, energy and ASM are positive.
    pairs /= np.linalg.norm(pairs, axis=1, keepdims=True)
    joined: Vectors = np.concatenate([*patterns, pairs], axis=1)
    joined /= np.float32(math.sqrt(3))
    return joined


def lbp_histogram(images: npt.ArrayLike, points: int = 8, radius: float = 1) -> Vectors:
    """Histogram of the uniform, rotation-invariant local binary patterns of each image.

    The gray of a pixel is (299 R + 587 G + 114 B) / 1000, rounded. Around it, `points` samples lie on a
    circle of `radius`, the first to the right and the others counter-clockwise, interpolated between the four
    nearest pixels. A sample is marked when it is at least as bright as the center. Where the marks change
    at most twice around the circle, the pattern is uniform and its label is the number of marks, 0 to
    `points`; all other patterns share the label `points` + 1.

    Borders: a pixel whose circle does not lie within the image is not counted, so that no invented pixel
    takes part.

    Args:
        images: (N, H, W, 3) uint8, RGB; H and W at least 2 * ceil(radius) + 1.
        points: samples on the circle, 1 to 16.
        radius: of the circle, in pixels, above 0.

    Returns:
        (N, points + 2) float32, the square roots of the labels' shares (Hellinger): each row's squares sum
        to 1.

    Raises:
        ImageShapeError: not a batch of RGB uint8 images, or images too small for the circle.
        ValueError: `points` or `radius` out of range.

    Source: Ojala, Pietikäinen and Mäenpää, "Multiresolution gray-scale and rotation invariant texture
    classification with local binary patterns", PAMI 2002. Departs from it: the Hellinger kernel for the
    log-likelihood, and weights of 22 bits when interpolating, so that flat ground ties exactly.
    """
    if not 1 <= points <= 16 or not radius > 0:
        raise ValueError(
            f"lbp_histogram expected points from 1 to 16 and a radius above 0; got points={points}, "
            f"radius={radius}. The defaults are 8 and 1."
        )
    margin = math.ceil(radius)
    batch = check_images(images, "lbp_histogram", min_size=2 * margin + 1)

    def describe(piece: Images) -> npt.NDArray[Any]:
        labels = _labels_of_codes(points)[_lbp_codes(_gray(piece), points, radius)]
        return root_of_shares(labels, points + 2)

    return in_pieces(describe, batch, points + 2)


def glcm_properties(images: npt.ArrayLike, *, levels: int = 16, distances: Sequence[int] = (1, 2, 4, 8)) -> Vectors:
    """Properties of the gray-level co-occurrence matrices of each image, each on a scale of 1.

    The gray of a pixel is (299 R + 587 G + 114 B) / 1000, rounded, then brought to `levels` equal steps:
    gray * levels // 256. For each distance d and each of four angles, P[i, j] is the share of pixel pairs
    with levels i and j, in either order, d apart: (0, d), (d, d), (d, 0) and (d, -d) rows and columns. With
    m and v the mean and the variance of i under P:

    - contrast: sum P (i - j)^2, divided by (levels - 1)^2
    - dissimilarity: sum P |i - j|, divided by levels - 1
    - homogeneity: sum P / (1 + (i - j)^2)
    - energy: the square root of ASM
    - correlation: sum P (i - m) (j - m) / v, and 1 where v = 0
    - ASM: sum P^2

    The divisors are the largest values possible, so that every property lies in [0, 1], correlation in
    [-1, 1]: fixed, and known without looking at any data.

    Borders: a pair with one pixel outside of the image is not counted.

    Args:
        images: (N, H, W, 3) uint8, RGB; H and W above the largest distance.
        levels: gray levels, 2 to 256.
        distances: in pixels along rows and columns, each at least 1.

    Returns:
        (N, len(distances) * 4 * 6) float32: by distance, then angle, then property in the order above.

    Raises:
        ImageShapeError: not a batch of RGB uint8 images, or images without a pair at some distance.
        ValueError: `levels` or `distances` out of range.

    Source: Haralick, Shanmugam and Dinstein, "Textural features for image classification", SMC 1973. Departs
    from it: six of its measures and their kin, kept by angle for their mean and range over the angles.
    """
    distances = tuple(distances)
    if not 2 <= levels <= 256 or not distances or min(distances) < 1:
        raise ValueError(
            f"glcm_properties expected levels from 2 to 256 and one or more distances of at least 1; got "
            f"levels={levels}, distances={distances}. The defaults are 16 and (1, 2, 4, 8)."
        )
    batch = check_images(images, "glcm_properties", min_size=max(distances) + 1)

    def describe(piece: Images) -> npt.NDArray[Any]:
        # 16 bits hold gray * levels, and the number of a pair of levels: both stay below 2**16.
        quantized = _gray(piece).astype(np.uint16) * np.uint16(levels) // np.uint16(256)
        return np.concatenate(
            [
                _properties(_pair_shares(quantized, down * d, right * d, levels))
                for d in distances
                for down, right in GLCM_STEPS
            ],
            axis=1,
        )

    return in_pieces(describe, batch, len(distances) * len(GLCM_STEPS) * len(GLCM_PROPERTIES))


def _gray(images: Images) -> Images:
    """(n, H, W, 3) uint8 -> (n, H, W) uint8, Rec. 601 luma in whole numbers: a gray pixel keeps its value."""
    red, green, blue = np.moveaxis(images, -1, 0).astype(np.uint32, order="C")
    luma: npt.NDArray[np.uint32] = (299 * red + 587 * green + 114 * blue + 500) // 1000
    return luma.astype(np.uint8)


def _lbp_codes(gray: Images, points: int, radius: float) -> npt.NDArray[np.uint16]:
    """(n, H, W) uint8 -> (n, H - 2 margin, W - 2 margin), bit k set where sample k is at least the center."""
    margin = math.ceil(radius)
    height, width = gray.shape[1] - 2 * margin, gray.shape[2] - 2 * margin
    levels = gray.astype(np.int32)

    def moved(down: int, right: int) -> npt.NDArray[np.int32]:
        top, left = margin + down, margin + right
        return levels[:, top : top + height, left : left + width]

    center = moved(0, 0)
    scaled_center = center << _SHIFT
    codes = np.zeros(center.shape, np.uint16)
    for k in range(points):
        taps = _sample_taps(2 * math.pi * k / points, radius)
        if len(taps) == 1:
            mark = moved(*taps[0][:2]) >= center
        else:
            sample = sum(moved(down, right) * np.int32(weight) for down, right, weight in taps)
            mark = sample >= scaled_center
        codes |= mark.astype(np.uint16) << np.uint16(k)
    return codes


def _sample_taps(angle: float, radius: float) -> list[tuple[int, int, int]]:
    """The pixels that make up a sample: rows down, columns right, weight; the weights sum to 2**_SHIFT."""
    # Rounded, so that a sample meant to lie on a pixel does.
    down, right = round(-radius * math.sin(angle), 9), round(radius * math.cos(angle), 9)
    top, left = math.floor(down), math.floor(right)
    below, beside = down - top, right - left
    weights = {
        (top, left + 1): round((1 - below) * beside * 2**_SHIFT),
        (top + 1, left): round(below * (1 - beside) * 2**_SHIFT),
        (top + 1, left + 1): round(below * beside * 2**_SHIFT),
    }
    weights[top, left] = 2**_SHIFT - sum(weights.values())
    return [(row, column, weight) for (row, column), weight in weights.items() if weight]


@lru_cache
def _labels_of_codes(points: int) -> Images:
    """(2**points,) uint8, the label of each pattern of marks."""
    marks = (np.arange(2**points)[:, np.newaxis] >> np.arange(points)) & 1
    changes = np.count_nonzero(marks != np.roll(marks, 1, axis=1), axis=1)
    return np.where(changes <= 2, marks.sum(axis=1), points + 1).astype(np.uint8)


def _pair_shares(
    levels_of_pixels: npt.NDArray[np.uint16], down: int, right: int, levels: int
) -> npt.NDArray[np.float64]:
    """(n, H, W) levels -> (n, levels, levels), the symmetric co-occurrence matrix at one offset, sum 1."""
    height, width = levels_of_pixels.shape[1:]
    first = levels_of_pixels[:, : height - down, max(0, -right) : width - max(0, right)]
    second = levels_of_pixels[:, down:, max(0, right) : width - max(0, -right)]
    counts = count(first * np.uint16(levels) + second, levels**2).reshape(-1, levels, levels)
    shares: npt.NDArray[np.float64] = (counts + counts.swapaxes(1, 2)) / (2 * first[0].size)
    return shares


def _properties(shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(n, levels, levels) co-occurrence matrices -> (n, 6), `GLCM_PROPERTIES`."""
    levels = shares.shape[1]
    i, j = np.mgrid[:levels, :levels]
    sums_of = (abs(i - j), (i - j) ** 2, 1 / (1 + (i - j) ** 2), i, i * i, i * j)
    weights = np.stack([weight.ravel() for weight in sums_of], axis=1)
    flat = shares.reshape(len(shares), -1)
    difference, square, closeness, mean, of_squares, of_products = (flat @ weights).T
    variance = of_squares - mean**2
    # The smallest variance but 0 is that of one odd pixel, about 1 / pixels, far above the rounding error.
    flat_ground = variance < 1e-12
    covariance = of_products - mean**2
    correlation = np.where(flat_ground, 1, covariance / np.where(flat_ground, 1, variance))
    asm = np.sum(flat**2, axis=1)
    contrast, dissimilarity = square / (levels - 1) ** 2, difference / (levels - 1)
    return np.stack([contrast, dissimilarity, closeness, np.sqrt(asm), correlation, asm], axis=1)
