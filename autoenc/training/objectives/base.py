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
from autoenc.vectors import Images, Indices, Vectors


@dataclass(frozen=True)
class Material:
    """What objectives may make their targets of, before the first step.

    Attributes:
        images: (N, 32, 32, 3) uint8, all of them.
        fitted: indices of those that may be fitted on: images to train on, no two the same, of many an even sample.
        described: (N, D) float32, rows of length 1: edges, color and texture of each image, as
            `autoenc.training.descriptors` joins them, and what a teacher sees in it, if there is one. None if no
            objective is altered.
        latent_dim: length of a latent.
        classes: (N,) int64, the class of each image, from 0; -1 for an image without a label, or with one that no
            image trained on has. None for a training without labels.
    """

    images: Images
    fitted: Indices
    described: Vectors | None
    latent_dim: int
    classes: Indices | None = None


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
        labeled: whether it learns from labels.
        heads: layers of the objective that are trained with the autoencoder and not saved.
    """

    name: str
    altered: bool = False
    decodes: bool = False
    labeled: bool = False
    heads: Sequence[keras.layers.Layer] = ()

    def __init__(self, weight: float = 1.0) -> None:
        if not (is_number(weight) and 0 <= weight < math.inf):
            raise ArgumentError(f"weight= of objective '{self.name}' must be a number, 0 or more; got {weight!r}.")
        self.weight = weight

    def prepare(self, material: Material) -> Vectors | None:
        """Compute what the loss needs beside the pixels of a batch.

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

    What is predicted is made of the image's edges, color and texture, joined as the training's emphasis says, and of
    what a teacher sees in it, if there is one. The loss is the mean squared error; targets are scaled to a mean square
    of 1. Because the copy is cropped, mirrored and recolored and the target is not, the latents learn what stays the
    same.
    """

    altered = True

    def prepare(self, material: Material) -> Vectors:
        assert material.described is not None  # of an altered objective
        self.fit(material.described[material.fitted])
        targets = self.predicted(material.described)
        # Images that are all alike have nothing to tell apart: their targets stay 0.
        scale = 1 / math.sqrt(max(float(np.square(targets[material.fitted], dtype=np.float64).mean()), 1e-6))
        head = keras.layers.Dense(targets.shape[1], kernel_initializer=keras.initializers.GlorotUniform(seed=1))
        head.build((None, material.latent_dim))
        self.heads = (head,)
        return np.asarray(targets * scale, np.float32)

    def loss(self, batch: Batch) -> Any:
        (head,) = self.heads
        return ops.mean(ops.square(head(batch.latents) - batch.targets[self.name]))

    @abstractmethod
    def fit(self, described: Vectors) -> None:
        """See (N, D) float32 rows of length 1, of one image or more, before `predicted`."""

    @abstractmethod
    def predicted(self, described: Vectors) -> Vectors:
        """What is to be predicted of the images with these rows: (N, T) float32, of any scale."""
