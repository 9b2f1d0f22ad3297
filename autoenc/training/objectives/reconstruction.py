"""The autoencoder's own term."""

from __future__ import annotations

from typing import Any

from keras import ops

from autoenc.training.objectives.base import Batch, Objective


class Reconstruction(Objective):
    """The decoder paints the picture back: mean squared error over pixels and channels.

    Source: Hinton and Salakhutdinov, "Reducing the dimensionality of data with neural networks", Science 2006.
    """

    name = "reconstruction"
    decodes = True

    def loss(self, batch: Batch) -> Any:
        return ops.mean(ops.square(batch.decoded - batch.pixels))
