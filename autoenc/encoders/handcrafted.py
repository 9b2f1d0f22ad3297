"""The encoders that learn nothing: color, texture, edges, the three together, and the pixels themselves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import baselines
from autoenc.encoders.base import Encoder
from autoenc.encoders.description import EncoderDescription
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


def _all_three(images: Images) -> Vectors:
    parts = (baselines.color_histogram(images), baselines.texture(images), baselines.hog(images))
    return np.concatenate([unit_rows(part) for part in parts], axis=1)


def _scaled_pixels(images: Images) -> Vectors:
    return np.divide(images.reshape(len(images), -1), np.float32(255), dtype=np.float32)


def _description(
    name: str, dim: int, fingerprint: str, describe: Callable[[Images], Vectors], summary: str, source: str
) -> EncoderDescription:
    return EncoderDescription(
        name=name,
        dim=dim,
        input_size=32,
        preprocessing="RGB, squeezed to 32x32 by area",
        summary=summary,
        source=source,
        make=lambda _: DescriptorEncoder(name, dim, fingerprint, describe),
    )


_HANDCRAFTED = f"handcrafted-1 [{_COLOR}] [{_TEXTURE}] [{_EDGES}]"

DESCRIPTIONS = (
    _description(
        "color",
        128,
        _COLOR,
        baselines.color_histogram,
        "HSV histogram, Hellinger-normalized",
        "Swain and Ballard 1991",
    ),
    _description(
        "texture",
        124,
        _TEXTURE,
        baselines.texture,
        "local binary patterns at two scales and gray-level co-occurrence",
        "Ojala et al. 2002, Haralick et al. 1973",
    ),
    _description("edges", 324, _EDGES, baselines.hog, "histograms of oriented gradients", "Dalal and Triggs 2005"),
    _description(
        "handcrafted",
        576,
        _HANDCRAFTED,
        _all_three,
        "color, texture and edges side by side, each of length 1, so that their cosines count alike",
        "those of the three",
    ),
    _description("pixels", 3072, _PIXELS, _scaled_pixels, "the 32x32 pixels over 255, row by row", "none"),
)
"""The encoders that need nothing but pictures."""
