"""The contract of a term of the loss, and what a training step hands to it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from autoenc.errors import ArgumentError
from autoenc.vectors import Images, Vectors, evenly

FITTED_ON = 20_000
"""Pictures at most, evenly drawn, that what is predicted is fitted on: that takes time with their square."""

BLOCK = 256
"""Pictures described at a time, so that memory stays bounded."""


@dataclass(frozen=True)
class Batch:
    """What a training step computes once and every objective may use.

    Attributes:
        pixels: (N, 32, 32, 3) float32 in [0, 1], what the encoder saw: altered copies, if an objective wants them.
        latents: (N, latent_dim) float32.
        decoded: (N, 32, 32, 3) float32 in [0, 1].
        targets: name of an objective -> (N, T) float32, what its `targets` made of the unaltered pictures.
    """

    pixels: Any
    latents: Any
    decoded: Any
    targets: Mapping[str, Any]


class Objective(ABC):
    """One term of the loss.

    Args:
        weight: what its loss is multiplied by, 0 or more.

    Attributes:
        name: what it is called on the command line and in `bundle.json`.
        altered: whether the encoder is to see altered copies of the pictures.
        decodes: whether its loss depends on the decoder, which is left untrained if no objective's does.
        heads: layers of its own that are trained with the autoencoder and left behind afterwards.
    """

    name: str
    altered: bool = False
    decodes: bool = False
    heads: Sequence[keras.layers.Layer] = ()

    def __init__(self, weight: float = 1.0) -> None:
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 <= weight < math.inf:
            raise ArgumentError(f"The weight of objective '{self.name}' must be 0 or more; got {weight!r}.")
        self.weight = weight

    def targets(self, images: Images) -> Vectors | None:
        """What the loss needs of (N, 32, 32, 3) uint8 pictures beside their pixels: (N, T) float32, or None."""
        return None

    def prepare(self, images: Images, latent_dim: int) -> None:  # noqa: B027  most need nothing
        """Look at the training pictures, (N, 32, 32, 3) uint8, once before `targets` and `loss`."""

    @abstractmethod
    def loss(self, batch: Batch) -> Any:
        """The scalar to minimize, unweighted, a tensor of the backend."""

    def to_dict(self) -> dict[str, Any]:
        """What `bundle.json` says of it."""
        return {"name": self.name, "weight": self.weight}


class Prediction(Objective):
    """From the latents of an altered copy, a linear head tells something of the picture itself.

    The loss is the mean squared error; targets are scaled to a mean square of 1. Because the copy is cropped, mirrored
    and recolored and the target is not, the latents learn what stays the same.
    """

    altered = True

    def prepare(self, images: Images, latent_dim: int) -> None:
        distinct: dict[int, int] = {}  # one of each: a placeholder that stands for hundreds of products is one picture
        for at, image in enumerate(images):
            distinct.setdefault(hash(image.tobytes()), at)
        fitted = images[evenly(np.array([*distinct.values()]), FITTED_ON)]
        self.fit(fitted)
        self._scale = 1.0
        targets = self.targets(fitted)
        # Pictures that are all alike have nothing to tell apart: their targets stay 0.
        self._scale = 1 / math.sqrt(max(float(np.square(targets, dtype=np.float64).mean()), 1e-6))
        head = keras.layers.Dense(targets.shape[1], kernel_initializer=keras.initializers.GlorotUniform(seed=1))
        head.build((None, latent_dim))
        self.heads = (head,)

    def targets(self, images: Images) -> Vectors:
        parts = [self.describe(images[i : i + BLOCK]) for i in range(0, len(images), BLOCK)]
        return np.asarray(np.concatenate(parts) * self._scale, np.float32)

    def loss(self, batch: Batch) -> Any:
        (head,) = self.heads
        return ops.mean(ops.square(head(batch.latents) - batch.targets[self.name]))

    @abstractmethod
    def fit(self, images: Images) -> None:
        """Look at (N, 32, 32, 3) uint8 pictures, 1 to about `FITTED_ON` of them, before `describe`."""

    @abstractmethod
    def describe(self, images: Images) -> Vectors:
        """What is to be predicted of (N, 32, 32, 3) uint8 pictures: (N, T) float32, of any scale."""
