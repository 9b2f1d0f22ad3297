"""The image's edges, color and texture themselves, as numbers that are predicted from the latents."""

from __future__ import annotations

from typing import Any

from autoenc.errors import ArgumentError
from autoenc.training.descriptors import principal_components
from autoenc.training.objectives.base import Prediction
from autoenc.training.settings import check_whole, is_number
from autoenc.vectors import Vectors


class Structure(Prediction):
    """A linear head predicts what the image looks like, from the latents of an altered copy.

    Args:
        weight: what the loss is multiplied by, 0 or more.
        components: how many principal components of the image's description to predict, 1 or more; fewer images have
            fewer.
        whitening: 0 keeps the components' variances, 1 makes them equal.

    Source: Wei et al., "Masked feature prediction for self-supervised visual pre-training", CVPR 2022, for handcrafted
    features as the target. Departs from it: the image is altered instead of masked; color and texture stand beside
    histograms of oriented gradients; targets are mirrored, decorrelated and of the whole image.

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

    def fit(self, described: Vectors) -> None:
        self._space = principal_components(described, self.components, self.whitening)

    def predicted(self, described: Vectors) -> Vectors:
        return self._space.apply(described)

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "components": self.components, "whitening": self.whitening}
