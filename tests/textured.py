"""Pictures that differ in their details, and altered copies of them."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image

from autoenc.vectors import Pixels


def picture(seed: int) -> Pixels:
    """(128, 96, 3) uint8: soft blots of all sizes."""
    rng = np.random.default_rng(seed)
    sizes = ((4, 3), (16, 12), (32, 24))
    layers = [cv2.resize(rng.uniform(0, 85, (*size, 3)), (96, 128), interpolation=cv2.INTER_CUBIC) for size in sizes]
    return np.clip(np.sum(layers, axis=0), 0, 255).astype(np.uint8)


def altered(pixels: Pixels) -> dict[str, Pixels]:
    """A copy of each kind."""
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=30)
    watermarked = pixels.copy()
    cv2.putText(watermarked, "SHOP", (55, 122), cv2.FONT_HERSHEY_SIMPLEX, 0.35, (255, 255, 255), 1)
    return {
        "half": cv2.resize(pixels, (48, 64), interpolation=cv2.INTER_AREA),
        "quality 30": np.asarray(Image.open(data)),
        "crop 5%": pixels[:125, 1:95].copy(),
        "crop 15%": pixels[8:126, 6:94].copy(),
        "mirror": pixels[:, ::-1].copy(),
        "tint": np.clip(pixels * [1.1, 1.0, 0.85], 0, 255).astype(np.uint8),
        "border": cv2.copyMakeBorder(pixels, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=(20, 90, 40)),
        "watermark": watermarked,
    }
