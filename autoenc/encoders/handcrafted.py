"""The encoders that learn nothing: color, texture, edges, the three together, and the pixels themselves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import baselines
from autoenc.encoders.base import Encoder
from autoenc.vectors import Images, Vectors, unit_rows

# Each fingerprint is NAME-VERSION and the parameters. Raise the version whenever the same picture would get
# another vector with the same parameters; the pinned vectors in the tests say when.
_COLOR = "color-1 hsv=8,4,4 hellinger"
_TEXTURE = "texture-1 lbp=8@1,16@2 glcm=16@1,2,4,8"
_EDGES = "edges-1 hog=9 cell=8 block=2"
_PIXELS = "pixels-1 32x32"


class DescriptorEncoder(Encoder):
    """An encoder around a plain function.

    Args:
        name: of the encoder.
        dim: length of a vector.
        fingerprint: of the function and its parameters.
        describe: (N, 32, 32, 3) uint8 -> (N, dim) float32.
    """

    def __init__(self, name: str, dim: int, fingerprint: str, describe: Callable[[Images], Vectors]) -> None:
        self.name = name
        self.dim = dim
        self.input_size = 32
        self.fingerprint = fingerprint
        self._describe = describe

    def _encode(self, images: Images) -> Vectors:
        return self._describe(images)


def color() -> Encoder:
    """HSV histogram, 128-d: `baselines.color_histogram`."""
    return DescriptorEncoder("color", 128, _COLOR, baselines.color_histogram)


def texture() -> Encoder:
    """Local binary patterns and gray-level co-occurrence, 124-d: `baselines.texture`."""
    return DescriptorEncoder("texture", 124, _TEXTURE, baselines.texture)


def edges() -> Encoder:
    """Histogram of oriented gradients, 324-d: `baselines.hog`. A picture of one color has a vector of 0."""
    return DescriptorEncoder("edges", 324, _EDGES, baselines.hog)


def handcrafted() -> Encoder:
    """Color, texture and edges, each of length 1, side by side, 576-d: their cosines count alike."""
    fingerprint = f"handcrafted-1 [{_COLOR}] [{_TEXTURE}] [{_EDGES}]"
    return DescriptorEncoder("handcrafted", 576, fingerprint, _all_three)


def pixels() -> Encoder:
    """The pixels over 255, row by row, R, G and B together, 3072-d."""
    return DescriptorEncoder("pixels", 3072, _PIXELS, _scaled_pixels)


HANDCRAFTED: dict[str, Callable[[], Encoder]] = {
    "color": color,
    "texture": texture,
    "edges": edges,
    "handcrafted": handcrafted,
    "pixels": pixels,
}
"""Name of each encoder that needs nothing but pictures, and what makes it."""


def _all_three(images: Images) -> Vectors:
    parts = (baselines.color_histogram(images), baselines.texture(images), baselines.hog(images))
    return np.concatenate([unit_rows(part) for part in parts], axis=1)


def _scaled_pixels(images: Images) -> Vectors:
    return np.divide(images.reshape(len(images), -1), np.float32(255), dtype=np.float32)
