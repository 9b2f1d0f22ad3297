"""The autoencoder's own term."""

from __future__ import annotations

from typing import Any

from keras import ops

from autoenc.training.objectives.base import Batch, Objective


class Reconstruction(Objective):
    """The decoder reconstructs the image: mean squared error over pixels and channels.

    Source: Hinton and Salakhutdinov, "Reducing the dimensionality of data with neural networks", Science 2006.

    Example:
        >>> Reconstruction(0.2).to_dict()
        {'name': 'reconstruction', 'weight': 0.2}
    """

    name = "reconstruction"
    decodes = True

    def loss(self, batch: Batch) -> Any:
        """Mean squared error of what was decoded, in pixel values from 0 to 1."""
        return ops.mean(ops.square(batch.decoded - batch.pixels))
