"""Edges: their directions, and where they lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from baselines._batch import Images, Vectors, check_images, count, in_pieces

EPSILON = 1e-5
"""Keeps the length of a block without edges from being 0."""

CLIP = 0.2
"""The largest value of one orientation of one cell, relative to the length of its block."""


def hog(images: npt.ArrayLike, *, orientations: int = 9, cell: int = 8, block: int = 2) -> Vectors:
    """Histogram of oriented gradients of each image.

    1. The gradient of a pixel is the difference of its two neighbors, not halved, across and down; its part
       across is 0 in the outermost columns, its part down in the outermost rows. Each pixel takes the channel
       with the longest gradient, the first of those that tie.
    2. The gradient's direction, without sign, is an angle in [0, 180) degrees: 0 where brightness changes
       across (a vertical edge), 45 where it changes toward the lower right, 90 where it changes down. The
       gradient votes with its length for one of `orientations` equal bins, closed below and open above.
    3. The histogram of a cell is the mean vote over its `cell` x `cell` pixels; rows and columns at the bottom
       and the right that do not fill a cell are left out.
    4. Each block of `block` x `block` cells, starting at every cell, is divided by its length, clipped at 0.2
       and divided by its length again (L2-Hys, epsilon 1e-5).

    Args:
        images: (N, H, W, 3) uint8, RGB; H and W at least `cell` * `block`.
        orientations: number of bins of the half circle.
        cell: height and width of a cell in pixels.
        block: height and width of a block in cells.

    Returns:
        (N, D) float32, D = blocks down * blocks across * block * block * orientations, in that order: 324 for
        32x32 images. A block without edges is all 0.

    Raises:
        ImageShapeError: not a batch of RGB uint8 images, or one too small for a block.
        ValueError: `orientations`, `cell` or `block` below 1.

    Source: Dalal and Triggs, "Histograms of oriented gradients for human detection", CVPR 2005. Departs from
    it: no gamma, no Gaussian window over a block, and each vote goes to one bin of one cell instead of being
    shared among neighbors.

    Example:
        >>> halves = np.zeros((1, 32, 32, 3), np.uint8)
        >>> halves[:, :, 16:] = 255  # a vertical edge
        >>> blocks = hog(halves).reshape(9, 4, 9)  # blocks, cells, orientations
        >>> np.flatnonzero(blocks.any(axis=(0, 1))).tolist()
        [0]
    """
    if min(orientations, cell, block) < 1:
        raise ValueError(
            f"hog expected orientations, cell and block of at least 1; got orientations={orientations}, "
            f"cell={cell}, block={block}. The defaults are 9, 8 and 2."
        )
    batch = check_images(images, "hog", min_size=cell * block)
    down, across = (size // cell - block + 1 for size in batch.shape[1:3])

    def describe(piece: Images) -> npt.NDArray[Any]:
        length, orientation = _gradient(piece, orientations)
        cells = _cell_histograms(length, orientation, orientations, cell)
        return _normalized_blocks(cells, block)

    return in_pieces(describe, batch, down * across * block * block * orientations)


def _gradient(images: Images, orientations: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int16]]:
    """(n, H, W, 3) uint8 -> the length and the orientation bin of each pixel's gradient, each (n, H, W)."""
    planes = np.moveaxis(images, -1, 0).astype(np.int16, order="C")
    d_row, d_col = np.zeros_like(planes), np.zeros_like(planes)
    np.subtract(planes[:, :, 2:], planes[:, :, :-2], out=d_row[:, :, 1:-1])
    np.subtract(planes[:, :, :, 2:], planes[:, :, :, :-2], out=d_col[:, :, :, 1:-1])

    # Whole numbers below 2**24, hence exact in float32.
    squared = np.square(d_row, dtype=np.float32) + np.square(d_col, dtype=np.float32)
    row, col, longest = d_row[0], d_col[0], squared[0]
    for channel in (1, 2):
        longer = squared[channel] > longest
        # Arithmetic, because np.where branches at every pixel and takes several times as long.
        row = row + longer * (d_row[channel] - row)
        col = col + longer * (d_col[channel] - col)
        longest = np.maximum(squared[channel], longest)
    # In float64 an angle on the edge between two bins, such as 45 degrees with 8 bins, is exact.
    angle = np.arctan2(row, col, dtype=np.float64)
    half_circle = np.int16(orientations)
    orientation = np.floor(angle * (orientations / np.pi)).astype(np.int16)
    # An angle below 0 is that of the opposite direction, half a circle on: the remainder folds it over. NumPy
    # vectorizes // but not %.
    orientation -= orientation // half_circle * half_circle
    return np.sqrt(longest), orientation


def _cell_histograms(
    length: npt.NDArray[np.float32], orientation: npt.NDArray[np.int16], orientations: int, cell: int
) -> npt.NDArray[np.float64]:
    """(n, H, W) lengths and bins -> (n, rows, columns, orientations), the mean vote of each cell."""
    n, height, width = length.shape
    rows, columns = height // cell, width // cell
    inside = (slice(None), slice(rows * cell), slice(columns * cell))
    cell_number = (np.arange(rows) * columns)[:, np.newaxis] + np.arange(columns)
    first_bin = cell_number.repeat(cell, axis=0).repeat(cell, axis=1) * orientations
    votes = count(orientation[inside] + first_bin, rows * columns * orientations, weights=length[inside])
    return votes.reshape(n, rows, columns, orientations) / cell**2


def _normalized_blocks(cells: npt.NDArray[np.float64], block: int) -> npt.NDArray[np.float64]:
    """(n, rows, columns, orientations) -> (n, D), the blocks of cells after L2-Hys."""
    windows = np.lib.stride_tricks.sliding_window_view(cells, (block, block), axis=(1, 2))
    # (n, down, across, orientations, block, block) -> (n, down, across, block * block * orientations)
    blocks = np.moveaxis(windows, 3, -1).reshape(*windows.shape[:3], -1)
    blocks = np.minimum(blocks / _length(blocks), CLIP)
    return (blocks / _length(blocks)).reshape(len(cells), -1)


def _length(blocks: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    squares: npt.NDArray[np.float64] = np.sum(blocks**2, axis=-1, keepdims=True)
    return np.sqrt(squares + EPSILON**2)
