"""Texture: the patterns around each pixel, and the pairs of grays that lie side by side."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from baselines._batch import Images, Vectors, check_images, in_pieces
from baselines._gray import gray_planes
from baselines.glcm import pair_properties
from baselines.lbp import pattern_histogram

LBP_SCALES = ((8, 1), (16, 2))
"""Points and radius of the two local binary patterns."""

GLCM_LEVELS = 16
GLCM_DISTANCES = (1, 2, 4, 8)


def texture(images: npt.ArrayLike) -> Vectors:
    """Local binary patterns at two scales and gray-level co-occurrence, in one vector.

    Three parts, each scaled to length 1 and divided by the square root of 3, so that the cosine of two
    vectors is the mean of the cosines of their parts: `lbp_histogram` with 8 points at radius 1 (10 numbers)
    and with 16 at radius 2 (18), and `glcm_properties` at distances 1, 2, 4 and 8 (96).

    Args:
        images: (N, H, W, 3) uint8, RGB; H and W at least 9.

    Returns:
        (N, 124) float32; each row's squares sum to 1.

    Raises:
        ImageShapeError: not a batch of RGB uint8 images, or images too small.

    Example:
        >>> flat = np.full((1, 32, 32, 3), 128, np.uint8)
        >>> noise = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
        >>> vectors = texture(np.concatenate([flat, noise]))
        >>> vectors.shape
        (3, 124)
        >>> (vectors @ vectors[1] > 0.9).tolist()  # cosines: noise resembles noise
        [False, True, True]
    """
    batch = check_images(images, "texture", min_size=max(GLCM_DISTANCES) + 1)

    def describe(piece: Images) -> Vectors:
        gray = gray_planes(piece)
        patterns = [pattern_histogram(gray, points, radius) for points, radius in LBP_SCALES]
        pairs = pair_properties(gray, GLCM_LEVELS, GLCM_DISTANCES).astype(np.float32)
        # Never 0: homogeneity, energy and ASM are positive.
        pairs /= np.linalg.norm(pairs, axis=1, keepdims=True)
        joined = np.concatenate([*patterns, pairs], axis=1, dtype=np.float32)
        joined /= np.float32(math.sqrt(3))
        return joined

    return in_pieces(describe, batch, 124)
