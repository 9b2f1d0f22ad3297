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
from autoenc.training.settings import is_number
from autoenc.vectors import Images, Indices, Vectors, evenly

FITTED_ON = 20_000
"""Images at most, evenly drawn, that a prediction is fitted on: the time it takes grows with their square."""

BLOCK = 256
"""Images described at a time, so that memory stays bounded."""


@dataclass(frozen=True)
class Batch:
    """What a training step computes once and every objective may use.

    Attributes:
        pixels: (N, 32, 32, 3) float32 in [0, 1], what the encoder saw: altered copies, if an objective wants them.
        latents: (N, latent_dim) float32.
        decoded: (N, 32, 32, 3) float32 in [0, 1].
        targets: name of an objective -> (N, T) float32, the targets that its `prepare` made.
    """

    pixels: Any
    latents: Any
    decoded: Any
    targets: Mapping[str, Any]


class Objective(ABC):
    """One term of the loss.

    Args:
        weight: what the loss is multiplied by, 0 or more.

    Attributes:
        name: what it is called in `objective=` and in `bundle.json`.
        altered: whether the encoder is to see altered copies of the images.
        decodes: whether the loss depends on the decoder; if no objective's does, the decoder is not trained.
        heads: layers of the objective that are trained with the autoencoder and not saved.
    """

    name: str
    altered: bool = False
    decodes: bool = False
    heads: Sequence[keras.layers.Layer] = ()

    def __init__(self, weight: float = 1.0) -> None:
        if not (is_number(weight) and 0 <= weight < math.inf):
            raise ArgumentError(f"weight= of objective '{self.name}' must be a number, 0 or more; got {weight!r}.")
        self.weight = weight

    def prepare(self, images: Images, training: Indices, latent_dim: int) -> Vectors | None:
        """See the images once, before the first step, and compute what the loss needs beside their pixels.

        Args:
            images: (N, 32, 32, 3) uint8.
            training: indices of those that may be fitted on.
            latent_dim: length of a latent.

        Returns:
            (N, T) float32, the targets of all images; None if the loss needs none.
        """
        return None

    @abstractmethod
    def loss(self, batch: Batch) -> Any:
        """The scalar to minimize, unweighted, a tensor of the backend."""

    def to_dict(self) -> dict[str, Any]:
        """What `bundle.json` says of the objective."""
        return {"name": self.name, "weight": self.weight}


class Prediction(Objective):
    """A linear head predicts, from the latents of an altered copy, something about the image itself.

    The loss is the mean squared error; targets are scaled to a mean square of 1. Because the copy is cropped, mirrored
    and recolored and the target is not, the latents learn what stays the same.
    """

    altered = True

    def prepare(self, images: Images, training: Indices, latent_dim: int) -> Vectors:
        distinct: dict[int, int] = {}  # one of each: a placeholder that stands for hundreds of products is one image
        for at in np.sort(training):
            distinct.setdefault(hash(images[at].tobytes()), at)
        fitted = evenly(np.array([*distinct.values()]), FITTED_ON)
        self.fit(images[fitted])
        described = np.concatenate([self.describe(images[i : i + BLOCK]) for i in range(0, len(images), BLOCK)])
        # Images that are all alike have nothing to tell apart: their targets stay 0.
        scale = 1 / math.sqrt(max(float(np.square(described[fitted], dtype=np.float64).mean()), 1e-6))
        head = keras.layers.Dense(described.shape[1], kernel_initializer=keras.initializers.GlorotUniform(seed=1))
        head.build((None, latent_dim))
        self.heads = (head,)
        return np.asarray(described * scale, np.float32)

    def loss(self, batch: Batch) -> Any:
        (head,) = self.heads
        return ops.mean(ops.square(head(batch.latents) - batch.targets[self.name]))

    @abstractmethod
    def fit(self, images: Images) -> None:
        """See (N, 32, 32, 3) uint8 images, 1 to `FITTED_ON` of them and no two the same, before `describe`."""

    @abstractmethod
    def describe(self, images: Images) -> Vectors:
        """What is to be predicted of (N, 32, 32, 3) uint8 images: (N, T) float32, of any scale."""
