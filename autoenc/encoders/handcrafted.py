"""The encoders that learn nothing: color, texture, edges, the three together, and the pixels themselves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import baselines
from autoenc.encoders.base import Encoder
from autoenc.encoders.description import EncoderDescription, Model
from autoenc.models.bundle import Bundle, load_bundle
from autoenc.vectors import Images, Vectors, unit_rows

# Each fingerprint is NAME-VERSION and the parameters. Raise the version whenever the same picture would get
# another vector with the same parameters; the pinned vectors in the tests say when.
_COLOR = "color-2 lab=3,7,6 ab=60 center=2 hellinger"
_TEXTURE = "texture-1 lbp=8@1,16@2 glcm=16@1,2,4,8"
_EDGES = "edges-1 hog=9 cell=8 block=2"
_PIXELS = "pixels-1 32x32"

_PREPROCESSING = "RGB, squeezed to 32x32 by area"


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


class Handcrafted(DescriptorEncoder):
    """Color, texture and edges side by side: a cosine is the mean of theirs, weighted by the squares of the weights.

    Args:
        model: a trained model whose weights are taken; without one, or if it has none, the three weigh alike.

    Raises:
        BundleError: the model cannot be used.
    """

    def __init__(self, model: Model | None) -> None:
        bundle = model if model is None or isinstance(model, Bundle) else load_bundle(model)
        weights = bundle.weights if bundle is not None else None
        largest = max(weights.values()) if weights else 1.0
        self.weights = {name: weights[name] / largest if weights else 1.0 for name in _PARTS}
        listed = ",".join(f"{self.weights[name]:g}" for name in _PARTS)
        parts = f"[{_COLOR}] [{_TEXTURE}] [{_EDGES}]"
        super().__init__("handcrafted", _HANDCRAFTED_DIM, f"handcrafted-2 weights={listed} {parts}", self._joined)
        self.origin = bundle.location if bundle is not None and weights else None

    def _joined(self, images: Images) -> Vectors:
        weighted = (unit_rows(describe(images)) * np.float32(self.weights[name]) for name, describe in _PARTS.items())
        return np.concatenate([*weighted], axis=1)


_PARTS: dict[str, Callable[[Images], Vectors]] = {
    "color": baselines.color_histogram,
    "texture": baselines.texture,
    "edges": baselines.hog,
}
_HANDCRAFTED_DIM = 126 + 124 + 324


def _scaled_pixels(images: Images) -> Vectors:
    return np.divide(images.reshape(len(images), -1), np.float32(255), dtype=np.float32)


def _description(
    name: str, dim: int, fingerprint: str, describe: Callable[[Images], Vectors], summary: str, source: str
) -> EncoderDescription:
    return EncoderDescription(
        name=name,
        dim=dim,
        input_size=32,
        preprocessing=_PREPROCESSING,
        summary=summary,
        source=source,
        make=lambda _: DescriptorEncoder(name, dim, fingerprint, describe),
    )


DESCRIPTIONS = (
    _description(
        "color",
        126,
        _COLOR,
        baselines.color_histogram,
        "CIELAB histogram, soft-assigned and Hellinger-normalized",
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
    EncoderDescription(
        name="handcrafted",
        dim=_HANDCRAFTED_DIM,
        input_size=32,
        preprocessing=_PREPROCESSING,
        summary="color, texture and edges side by side, weighted as the model's targets if there is one, else alike",
        source="those of the three",
        make=Handcrafted,
    ),
    _description("pixels", 3072, _PIXELS, _scaled_pixels, "the 32x32 pixels over 255, row by row", "none"),
)
"""The encoders that need nothing but pictures."""
