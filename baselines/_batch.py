"""What the descriptors share: checking the input, working in bounded pieces, counting by image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Images = npt.NDArray[np.uint8]
Vectors = npt.NDArray[np.float32]

PIXELS_AT_ONCE = 2**16
"""Number of pixels processed at once, so that the intermediate arrays stay in the processor's cache."""


class ImageShapeError(ValueError):
    """The input is not a batch of RGB uint8 images, or its images are too small for the descriptor."""


def check_images(images: npt.ArrayLike, function: str, min_size: int = 1) -> Images:
    """Return `images` as an array if it is (N, H, W, 3) uint8 with H and W at least `min_size`.

    Raises:
        ImageShapeError: anything else; the message says what `function` expected, what it got and what to do.
    """
    array = np.asarray(images)
    shape, dtype = array.shape, array.dtype
    remedy = None
    if len(shape) != 4 or shape[3] != 3:
        remedy = _remedy_for_shape(shape)
    elif dtype != np.uint8:
        remedy = "Bring the values to 0..255 and convert with .astype(np.uint8)."
    elif min(shape[1:3]) < min_size:
        remedy = f"Resize the images to {min_size}x{min_size} or more."
    if remedy is not None:
        raise ImageShapeError(
            f"{function} expected RGB images of shape (N, H, W, 3) and dtype uint8, H and W at least "
            f"{min_size}; got {shape} {dtype}. {remedy}"
        )
    return array


def _remedy_for_shape(shape: tuple[int, ...]) -> str:
    if len(shape) == 3 and shape[2] == 3:
        return "Make one image a batch with images[np.newaxis]."
    if len(shape) == 4 and shape[1] == 3:
        return "Move the channels last with np.moveaxis(images, 1, -1)."
    if len(shape) == 4 and shape[3] == 4:
        return "Blend the alpha channel over a background first."
    if len(shape) == 4 and shape[3] == 1:
        return "Repeat the gray channel with np.repeat(images, 3, axis=-1)."
    return "Stack RGB images of one size with np.stack(images)."


def in_pieces(
    describe: Callable[[Images], npt.NDArray[Any]], images: Images, dim: int, pixels: int = PIXELS_AT_ONCE
) -> Vectors:
    """Apply `describe`, (n, H, W, 3) -> (n, dim), to one piece of the batch after another, each of whole images.

    A piece has as many images as have `pixels` pixels together, but at least one.
    """
    out = np.empty((len(images), dim), np.float32)
    step = max(1, pixels // (images.shape[1] * images.shape[2]))
    for start in range(0, len(images), step):
        out[start : start + step] = describe(images[start : start + step])
    return out


def count(labels: npt.NDArray[Any], bins: int, weights: npt.NDArray[Any] | None = None) -> npt.NDArray[Any]:
    """Count the labels of each image: (n, ...) integers in 0..bins-1 -> (n, bins).

    With `weights`, of the same shape as `labels`, each label counts as its weight.
    """
    n = len(labels)
    # One bincount for the batch: the labels of image k are moved to k * bins and up.
    own = labels.reshape(n, -1) + np.arange(n)[:, np.newaxis] * bins
    flat_weights = None if weights is None else weights.ravel()
    return np.bincount(own.ravel(), flat_weights, n * bins).reshape(n, bins)
