"""The label of an image, where it has one."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from autoenc.errors import ArgumentError
from autoenc.training.objectives.base import Batch, Material, Objective
from autoenc.training.settings import is_number
from autoenc.vectors import Vectors


class Supervised(Objective):
    """Latents of one class gather about its proxy, a vector that is learned, and keep away from the others'.

    The encoder sees an altered copy of the image. Images without a label do not count. Every proxy is compared with
    every image of a batch, so that a batch need not hold two images of a class.

    Args:
        weight: what the loss is multiplied by, 0 or more.
        margin: how much farther than necessary images are pulled and pushed, as a cosine, from 0 to 1.
        sharpness: above 0; the larger, the more the hardest images of a class count.

    Source: Kim et al., "Proxy anchor loss for deep metric learning", CVPR 2020. Departs from it: divided by the
    sharpness, so that it weighs about as much as the other terms.

    Example:
        >>> Supervised(0.5).to_dict()
        {'name': 'supervised', 'weight': 0.5, 'margin': 0.1, 'sharpness': 32.0}
    """

    name = "supervised"
    altered = True
    labeled = True

    def __init__(self, weight: float = 1.0, *, margin: float = 0.1, sharpness: float = 32.0) -> None:
        super().__init__(weight)
        if not (is_number(margin) and 0 <= margin <= 1):
            raise ArgumentError(f"margin= must be a number from 0 to 1; got {margin!r}.")
        if not (is_number(sharpness) and 0 < sharpness < float("inf")):
            raise ArgumentError(f"sharpness= must be a number above 0; got {sharpness!r}.")
        self.margin = margin
        self.sharpness = float(sharpness)

    def prepare(self, material: Material) -> Vectors:
        assert material.classes is not None  # of a labeled objective
        self._count = int(material.classes.max()) + 1
        proxies = keras.layers.Dense(
            self._count, use_bias=False, kernel_initializer=keras.initializers.GlorotUniform(seed=2)
        )
        proxies.build((None, material.latent_dim))
        self.heads = (proxies,)
        return np.asarray(material.classes[:, None], np.float32)

    def loss(self, batch: Batch) -> Any:
        """The mean over the proxies of classes in the batch that pull, and over all proxies, which push."""
        (proxies,) = self.heads
        classes = ops.cast(batch.targets[self.name], "int32")  # (N, 1), -1 for an image without a label
        own = ops.equal(classes, ops.arange(self._count, dtype="int32"))  # (N, C)
        other = ops.logical_and(ops.logical_not(own), classes >= 0)
        cosines = ops.matmul(ops.normalize(batch.latents, axis=1), ops.normalize(proxies.kernel, axis=0))
        pull = _soft_maximum(self.sharpness * (self.margin - cosines), own)
        push = _soft_maximum(self.sharpness * (self.margin + cosines), other)
        present = ops.cast(ops.any(own, axis=0), "float32")
        pulled = ops.sum(pull * present) / ops.maximum(ops.sum(present), 1.0)
        return (pulled + ops.mean(push)) / self.sharpness

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "margin": self.margin, "sharpness": self.sharpness}


def _soft_maximum(values: Any, counted: Any) -> Any:
    """(C,) log(1 + the sum of exp(value) over the images that count), of (N, C) values."""
    kept = ops.where(counted, values, -1e9)
    return ops.logsumexp(ops.concatenate([ops.zeros_like(kept[:1]), kept], axis=0), axis=0)
