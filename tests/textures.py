"""Pictures for the tests of the texture descriptors."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

BATCHES = arrays(np.uint8, st.tuples(st.integers(1, 3), st.integers(9, 14), st.integers(9, 14), st.just(3)))


def rgb(gray: list[list[int]] | np.ndarray) -> np.ndarray:
    """A batch of one image from one plane of gray."""
    return np.repeat(np.asarray(gray, np.uint8)[np.newaxis, :, :, np.newaxis], 3, axis=-1)


def checkerboard(size: int) -> np.ndarray:
    return rgb(np.indices((size, size)).sum(axis=0) % 2 * 255)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    """RGB noise of (N, H, W)."""
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3)).astype(np.uint8)


def luma(images: np.ndarray) -> np.ndarray:
    return ((images.astype(int) @ [299, 587, 114] + 500) // 1000).astype(np.uint8)


def on_photos(photos: list[Path]) -> np.ndarray:
    return np.stack([cv2.resize(cv2.imread(str(path))[..., ::-1], (32, 32)) for path in photos[:100]])
