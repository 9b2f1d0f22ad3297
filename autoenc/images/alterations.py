"""Reproducible altered copies of images: cropped, mirrored and recolored.

They stand in for "the same product in another photo" where no labels say which photos belong together: a good encoder
finds the original image of such a copy.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from autoenc.errors import ArgumentError
from autoenc.vectors import Images, Indices, Vectors

Seed = int | tuple[int, ...]

MIN_AREA = 0.6
"""The smallest share of an image's area that a crop keeps."""

GAIN = 0.3
"""Brightness, contrast and each channel are multiplied by a factor from 1 - GAIN to 1 + GAIN."""


def altered_copies(
    images: Images,
    *,
    seed: Seed = 0,
    indices: Sequence[int] | Indices | None = None,
    gain: float = GAIN,
) -> Images:
    """Make one altered copy of each image, with a mild crop, flip, brightness, contrast and channel gains.

    The crop keeps 0.6 to 1 of the area and the aspect ratio, and is scaled back to the full size. An image is mirrored
    with probability 1/2. Contrast is scaled about the image's mean.

    Args:
        images: (N, H, W, 3) uint8.
        seed: a number of 0 or more, or several that together form the seed.
        indices: (N,) an index of 0 or more for each image; 0 to N-1 by default. The alteration of an image depends
            only on the seed and its index, so images passed in batches, in any order, get the same copies as in one
            call.
        gain: how far brightness, contrast and channels change, from 0 (not at all) to 1.

    Returns:
        (N, H, W, 3) uint8, a new array.

    Raises:
        ArgumentError: images of another shape or dtype, a negative seed or index, not one index per image, or a gain
            out of range.

    Source: Chen et al., "A simple framework for contrastive learning of visual representations", ICML 2020.
    Departs from it: milder crops, gains for color jitter, no blur.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
        raise ArgumentError(f"Expected images (N, H, W, 3) uint8; got {images.shape} {images.dtype}.")
    numbers = range(len(images)) if indices is None else [int(index) for index in indices]
    seeds = seed if isinstance(seed, tuple) else (seed,)
    if len(numbers) != len(images) or min(seeds, default=-1) < 0 or min(numbers, default=0) < 0:
        raise ArgumentError(
            f"Expected a seed of 0 or more and one index of 0 or more for each of {len(images)} images; "
            f"got seed {seed} and {len(numbers)} indices, the smallest of them {min(numbers, default=0)}."
        )
    if isinstance(gain, bool) or not isinstance(gain, (int, float)) or not 0 <= gain <= 1:
        raise ArgumentError(f"gain= must be a number from 0 to 1; got {gain!r}.")
    copies = np.empty_like(images, subok=False)
    for row, number in enumerate(numbers):
        copies[row] = _altered(images[row], np.random.default_rng((*seeds, number)), gain)
    return copies


def _altered(image: Images, generator: np.random.Generator, gain: float) -> Images:
    height, width = image.shape[:2]
    side = np.sqrt(generator.uniform(MIN_AREA, 1.0))
    # Rounded up, so that a small image does not lose more than the share that was drawn.
    rows, columns = int(np.ceil(side * height)), int(np.ceil(side * width))
    top = int(generator.integers(height - rows + 1))
    left = int(generator.integers(width - columns + 1))
    crop = image[top : top + rows, left : left + columns]
    view: Vectors = cv2.resize(np.ascontiguousarray(crop), (width, height), interpolation=cv2.INTER_LINEAR).astype(
        np.float32
    )
    if generator.random() < 0.5:
        view = view[:, ::-1]
    brightness, contrast, *channels = generator.uniform(1 - gain, 1 + gain, 5).astype(np.float32)
    mean = view.mean()
    view = ((view - mean) * contrast + mean) * (brightness * np.asarray(channels))
    return np.clip(np.rint(view), 0, 255).astype(np.uint8)
