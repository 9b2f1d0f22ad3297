"""Gray planes with the images last, in which a step to a neighboring pixel moves one long run of memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from baselines._batch import Images


def gray_planes(images: Images) -> Images:
    """(n, H, W, 3) uint8 -> (H, W, n) uint8, Rec. 601 luma in whole numbers: a gray pixel keeps its value."""
    luma = images[..., 0] * np.uint32(299)
    luma += images[..., 1] * np.uint32(587)
    luma += images[..., 2] * np.uint32(114)
    luma += np.uint32(500)
    luma //= np.uint32(1000)
    return np.ascontiguousarray(np.moveaxis(luma.astype(np.uint8), 0, -1))


def count_by_image(numbers: npt.NDArray[Any], bins: int) -> npt.NDArray[np.intp]:
    """Count the numbers of each image: (h, w, n) integers -> (n, bins).

    The numbers of image k start at k * bins, so that one bincount does for all images.
    """
    n = numbers.shape[-1]
    return np.bincount(numbers.astype(np.intp, copy=False).ravel(), minlength=n * bins).reshape(n, bins)
