"""Images of kinds that are told apart by one thing alone: their color, or their shape."""

from __future__ import annotations

import colorsys
from typing import Any

import cv2
import numpy as np


def _rgb(hue: float, saturation: float, value: float) -> tuple[int, ...]:
    return tuple(round(255 * channel) for channel in colorsys.hsv_to_rgb(hue % 1, saturation, value))


def _draw(image: Any, shape: int, color: tuple[int, ...], x: int, y: int, size: int) -> None:
    """A disc, a square, a triangle, a cross, a ring or bars, about (x, y)."""
    low, high = (x - size, y - size), (x + size, y + size)
    if shape == 0:
        cv2.circle(image, (x, y), size, color, -1)
    elif shape == 1:
        cv2.rectangle(image, low, high, color, -1)
    elif shape == 2:
        cv2.fillPoly(image, [np.array([(x, low[1]), (low[0], high[1]), high])], color)
    elif shape == 3:
        cv2.rectangle(image, (low[0], y - 2), (high[0], y + 2), color, -1)
        cv2.rectangle(image, (x - 2, low[1]), (x + 2, high[1]), color, -1)
    elif shape == 4:
        cv2.circle(image, (x, y), size, color, 2)
    else:
        for left in range(low[0], high[0], 6):
            cv2.rectangle(image, (left, low[1]), (left + 2, high[1]), color, -1)


def kinds_of_color(count: int, seed: int = 0) -> tuple[Any, Any]:
    """Images and their kinds: six hues; a dozen shapes of one hue lie anywhere on white, so that no two look alike."""
    rng = np.random.default_rng(seed)
    kinds = np.arange(count) % 6
    images = np.full((count, 32, 32, 3), 255, np.uint8)
    for image, kind in zip(images, kinds, strict=True):
        for _ in range(12):
            color = _rgb(kind / 6 + rng.uniform(-0.02, 0.02), rng.uniform(0.6, 1), rng.uniform(0.4, 0.9))
            x, y = rng.integers(0, 32, 2).tolist()
            _draw(image, int(rng.integers(6)), color, x, y, int(rng.integers(3, 9)))
    return images, kinds


def kinds_of_shape(count: int, seed: int = 0) -> tuple[Any, Any]:
    """Images and their kinds: six shapes, each in every color, on a ground of any other."""
    rng = np.random.default_rng(seed)
    kinds = np.arange(count) % 6
    images = np.empty((count, 32, 32, 3), np.uint8)
    for image, kind in zip(images, kinds, strict=True):
        hue = rng.random()
        image[:] = _rgb(hue, rng.uniform(0.3, 1), rng.uniform(0.2, 0.4))
        x, y = rng.integers(15, 18, 2).tolist()
        _draw(
            image,
            int(kind),
            _rgb(rng.random(), rng.uniform(0.3, 1), rng.uniform(0.7, 1)),
            x,
            y,
            int(rng.integers(9, 12)),
        )
    return images, kinds


def gray(images: Any) -> Any:
    """The images without their colors."""
    return images.mean(axis=3, keepdims=True).astype(np.uint8).repeat(3, axis=3)
