"""The image's edges, as numbers that are predicted from the latents."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

import baselines
from autoenc.errors import ArgumentError
from autoenc.training.latents import Whitening
from autoenc.training.objectives.base import Prediction
from autoenc.training.settings import check_whole, is_number
from autoenc.vectors import Images, Vectors, covariance, principal_axes

_ENLARGED = 48
_NO_VARIANCE = 1e-9


class Structure(Prediction):
    """A linear head predicts the image's edge structure from the latents of an altered copy.

    Args:
        weight: what the loss is multiplied by, 0 or more.
        components: how many principal components to predict, 1 or more; fewer images have fewer.
        whitening: 0 keeps the components' variances, 1 makes them equal.

    Source: Wei et al., "Masked feature prediction for self-supervised visual pre-training", CVPR 2022, for HOG as the
    target. Departs from it: the image is altered instead of masked, and targets are mirrored, decorrelated and of the
    whole image.

    Example:
        >>> Structure(0.5, components=8).to_dict()
        {'name': 'structure', 'weight': 0.5, 'components': 8, 'whitening': 0.25}
    """

    name = "structure"

    def __init__(self, weight: float = 1.0, *, components: int = 64, whitening: float = 0.25) -> None:
        super().__init__(weight)
        check_whole("components", components, 1)
        if not (is_number(whitening) and 0 <= whitening <= 1):
            raise ArgumentError(f"whitening= must be a number from 0 to 1; got {whitening!r}.")
        self.components = components
        self.whitening = whitening

    def fit(self, images: Images) -> None:
        self._space = edge_components(fine_hog(images), self.components, self.whitening)

    def describe(self, images: Images) -> Vectors:
        return self._space.apply(fine_hog(images))

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "components": self.components, "whitening": self.whitening}


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


def edge_components(features: Vectors, count: int, strength: float) -> Whitening:
    """The leading principal components of `fine_hog`, partly whitened.

    Args:
        features: (N, 900) float32, at least one row.
        count: how many components, 1 or more; fewer if the features have fewer with any variance, but at least one.
        strength: each is divided by its standard deviation to this power.

    Returns:
        The map from features to components.

    Example:
        >>> features = np.array([[1, 0, 0], [-1, 0, 0]], np.float32)
        >>> edge_components(features, 2, 0.0).apply(features).tolist()
        [[1.0], [-1.0]]
    """
    variances, axes = principal_axes(covariance(features), count)
    # Images that are all alike have no component with any variance: the one kept is 0 for all of them.
    kept = max(1, int((variances > _NO_VARIANCE).sum()))
    scales = np.maximum(variances[:kept], _NO_VARIANCE) ** (-strength / 2)
    mean = features.mean(axis=0, dtype=np.float64).astype(np.float32)
    return Whitening(mean, (axes[:, :kept] * scales).astype(np.float32), strength)
