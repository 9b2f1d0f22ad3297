"""The picture's edges, as numbers that the latents are to tell."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

import baselines
from autoenc.errors import ArgumentError
from autoenc.training.objectives.base import Prediction
from autoenc.vectors import Images, Vectors, covariance, principal_axes

_ENLARGED = 48
_NO_VARIANCE = 1e-9


class Structure(Prediction):
    """A linear head tells the picture's edge structure from the latents of an altered copy.

    Args:
        weight: as of every objective.
        components: how many principal components, 1 or more; fewer pictures have fewer.
        whitening: 0 keeps their variances, 1 evens them out.

    Source: Wei et al., "Masked feature prediction for self-supervised visual pre-training", CVPR 2022, for HOG as the
    target. Departs from it: the picture is altered instead of masked, and targets are mirrored, decorrelated and of
    the whole picture.
    """

    name = "structure"

    def __init__(self, weight: float = 1.0, *, components: int = 64, whitening: float = 0.25) -> None:
        super().__init__(weight)
        if components < 1 or not 0 <= whitening <= 1:
            raise ArgumentError(
                f"Expected components of 1 or more and a whitening from 0 to 1; got {components} and {whitening}."
            )
        self.components = components
        self.whitening = whitening

    def fit(self, images: Images) -> None:
        self._space = EdgeComponents(images, self.components, self.whitening)

    def describe(self, images: Images) -> Vectors:
        return self._space.transform(images)

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "components": self.components, "whitening": self.whitening}


class EdgeComponents:
    """Principal components of a fine histogram of oriented gradients that is the same for a picture's mirror image.

    Its cells are finer than those of the `edges` encoder: the 32x32 pixels are enlarged to 48x48, cells stay 8x8. It
    is averaged with that of the mirrored picture.

    Args:
        images: (N, 32, 32, 3) uint8 to fit on, at least one.
        count: how many components; fewer if the pictures have fewer, at least one.
        whitening: each is divided by its standard deviation to this power.
    """

    def __init__(self, images: Images, count: int, whitening: float) -> None:
        features = _fine_hog(images)
        variances, axes = principal_axes(covariance(features), count)
        # Pictures that are all alike have no component with any variance: the one kept is 0 for all of them.
        kept = max(1, int((variances > _NO_VARIANCE).sum()))
        scales = np.maximum(variances[:kept], _NO_VARIANCE) ** (-whitening / 2)
        self._mean = features.mean(axis=0, dtype=np.float64).astype(np.float32)
        self._axes = (axes[:, :kept] * scales).astype(np.float32)

    def transform(self, images: Images) -> Vectors:
        """(N, 32, 32, 3) uint8 -> (N, components) float32."""
        return np.asarray((_fine_hog(images) - self._mean) @ self._axes, np.float32)


def _fine_hog(images: Images) -> Vectors:
    """(N, 32, 32, 3) uint8 -> (N, 900) float32."""
    shape = (_ENLARGED, _ENLARGED)
    enlarged = np.stack([cv2.resize(image, shape, interpolation=cv2.INTER_LINEAR) for image in images])
    return np.asarray((baselines.hog(enlarged) + baselines.hog(enlarged[:, :, ::-1])) / 2, np.float32)
