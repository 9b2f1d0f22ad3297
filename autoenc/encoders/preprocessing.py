"""What a network expects of pixels: an order of the channels, and what to subtract from each and divide it by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from autoenc.vectors import Images


@dataclass(frozen=True)
class Preprocessing:
    """Pixels of 0 to 255 -> (pixels - mean) / std, a channel at a time.

    Attributes:
        mean: of the three channels, on the scale of 0 to 255, in the order that `bgr` says.
        std: likewise.
        bgr: whether the network takes blue first.

    Example:
        >>> to_one = Preprocessing(mean=(127.5,) * 3, std=(127.5,) * 3)
        >>> to_one(np.array([[[0, 51, 255]]], np.uint8)).tolist()
        [[[-1.0, -0.6000000238418579, 1.0]]]
    """

    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    bgr: bool = False

    def __call__(self, images: Images) -> Any:
        """(..., 3) uint8 RGB -> (..., 3) float32."""
        return self.of_floats(images.astype(np.float32))

    def of_floats(self, images: Any) -> Any:
        """(..., 3) float32 RGB, 0 to 255 -> likewise, of an array or of a tensor of TensorFlow or Keras."""
        ordered = images[..., ::-1] if self.bgr else images
        return (ordered - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
