"""Edges, color and texture of images, side by side in one space: what the targets of training are made of."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

import cv2
import numpy as np

import baselines
from autoenc.errors import ArgumentError
from autoenc.models.manifest import DESCRIPTORS, MOST_WEIGHT
from autoenc.training.latents import Whitening
from autoenc.training.settings import is_number
from autoenc.vectors import Images, Vectors, covariance, principal_axes, unit_rows

COLOR_BINS = (5, 10, 10)
"""Of L*, a* and b*: finer than those of the `color` encoder, because only the components are kept."""

_COMPONENTS = 64
_WHITENING = 0.5
_BLOCK = 256  # images described at a time, so that memory stays bounded
_ENLARGED = 48
_NO_VARIANCE = 1e-9
_GRAY = 2.0  # mean chroma (largest minus smallest channel, of 255) below which images count as gray


@dataclass(frozen=True)
class Mix:
    """How much each descriptor weighs: in the joined space, a cosine is the mean of theirs, weighted by the squares.

    Args:
        edges, color, texture: from 0 to 1,000,000 each, and one of them above 0; only their ratios count.

    Raises:
        ArgumentError: other weights.

    Example:
        >>> print(Mix(edges=1, texture=0.7))
        edges 1, texture 0.7
    """

    edges: float = 0.0
    color: float = 0.0
    texture: float = 0.0

    def __post_init__(self) -> None:
        for name, weight in self.to_dict().items():
            if not (is_number(weight) and 0 <= weight <= MOST_WEIGHT):
                raise ArgumentError(
                    f"The weight of {name} must be a number from 0 to {MOST_WEIGHT:,}; got {reprlib.repr(weight)}."
                )
            object.__setattr__(self, name, float(weight))
        if not any(self.to_dict().values()):
            raise ArgumentError("One of the weights of edges, color and texture must be above 0.")

    def to_dict(self) -> dict[str, float]:
        return asdict(self)

    def relative(self) -> dict[str, float]:
        """The weights over the largest of them."""
        weights = self.to_dict()
        return {name: weight / max(weights.values()) for name, weight in weights.items()}

    def __str__(self) -> str:
        return ", ".join(f"{name} {weight:g}" for name, weight in self.to_dict().items() if weight)


class Describer:
    """Each descriptor's principal components, fitted on some images.

    Components are divided by the square root of their standard deviation, and each descriptor's row is then scaled to
    length 1, so that descriptors of different lengths and spreads weigh alike.

    Args:
        images: (N, 32, 32, 3) uint8 to fit to, at least one.

    Attributes:
        colorful: False if the images are gray.

    Example:
        >>> images = np.random.default_rng(0).integers(0, 256, (70, 32, 32, 3), np.uint8)
        >>> parts = Describer(images)(images[:2])
        >>> {name: rows.shape for name, rows in parts.items()}
        {'edges': (2, 64), 'color': (2, 64), 'texture': (2, 64)}
        >>> joined(parts, Mix(edges=1, texture=0.7)).shape
        (2, 128)
    """

    def __init__(self, images: Images) -> None:
        pieces = [*_features(images)]
        self._spaces = {
            name: principal_components(np.concatenate([piece[name] for piece in pieces]), _COMPONENTS, _WHITENING)
            for name in DESCRIPTORS
        }
        self.colorful = bool(np.ptp(images, axis=3).mean() >= _GRAY)

    def __call__(self, images: Images) -> dict[str, Vectors]:
        """Descriptor -> (N, K) float32, rows of length 1, or 0 where the descriptor tells nothing apart."""
        pieces = [*_features(images)]
        return {
            name: np.concatenate([unit_rows(space.apply(piece[name])) for piece in pieces])
            for name, space in self._spaces.items()
        }


def joined(parts: Mapping[str, Vectors], mix: Mix) -> Vectors:
    """What a `Describer` returned, each descriptor times its weight, side by side: (N, D) float32, rows of length 1."""
    return unit_rows(np.concatenate([parts[name] * np.float32(w) for name, w in mix.relative().items() if w], axis=1))


def _features(images: Images) -> Iterator[dict[str, Vectors]]:
    """Each descriptor of some of the images after the other, the same for an image and its mirror image."""
    for start in range(0, len(images), _BLOCK):
        block = images[start : start + _BLOCK]
        yield {
            "edges": fine_hog(block),
            "color": baselines.color_histogram(block, COLOR_BINS),
            "texture": np.asarray((baselines.texture(block) + baselines.texture(block[:, :, ::-1])) / 2, np.float32),
        }


def fine_hog(images: Images) -> Vectors:
    """Histograms of oriented gradients that are the same for an image and its mirror image.

    Cells are finer than those of the `edges` encoder: the 32x32 pixels are enlarged to 48x48, and cells stay 8x8. The
    histogram is averaged with that of the mirrored image.

    Args:
        images: (N, 32, 32, 3) uint8, at least one.

    Returns:
        (N, 900) float32.

    Example:
        >>> fine_hog(np.zeros((2, 32, 32, 3), np.uint8)).shape
        (2, 900)
    """
    shape = (_ENLARGED, _ENLARGED)
    enlarged = np.stack([cv2.resize(image, shape, interpolation=cv2.INTER_LINEAR) for image in images])
    return np.asarray((baselines.hog(enlarged) + baselines.hog(enlarged[:, :, ::-1])) / 2, np.float32)


def principal_components(features: Vectors, count: int, strength: float) -> Whitening:
    """The leading principal components, partly whitened.

    Args:
        features: (N, D) float32, at least one row.
        count: how many components, 1 or more; fewer if the features have fewer with any variance, but at least one.
        strength: each is divided by its standard deviation to this power.

    Returns:
        The map from features to components.

    Example:
        >>> features = np.array([[1, 0, 0], [-1, 0, 0]], np.float32)
        >>> principal_components(features, 2, 0.0).apply(features).tolist()
        [[1.0], [-1.0]]
    """
    variances, axes = principal_axes(covariance(features), count)
    # Images that are all alike have no component with any variance: the one kept is 0 for all of them.
    kept = max(1, int((variances > _NO_VARIANCE).sum()))
    scales = np.maximum(variances[:kept], _NO_VARIANCE) ** (-strength / 2)
    mean = features.mean(axis=0, dtype=np.float64).astype(np.float32)
    return Whitening(mean, (axes[:, :kept] * scales).astype(np.float32), strength)
