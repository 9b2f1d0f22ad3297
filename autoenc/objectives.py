"""What training minimises: small composable terms, written with `keras.ops`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from autoenc.errors import ArgumentError


@dataclass(frozen=True)
class Batch:
    """What a training step computes once and every objective may use.

    Attributes:
        pixels: (N, 32, 32, 3) float32 in [0, 1], what the encoder saw.
        latents: (N, latent_dim) float32.
        decoded: (N, 32, 32, 3) float32 in [0, 1].
    """

    pixels: Any
    latents: Any
    decoded: Any


class Objective(ABC):
    """One term of the loss.

    Attributes:
        name: what it is called on the command line and in `bundle.json`.
        heads: layers of its own that are trained with the autoencoder and left behind afterwards.
    """

    name: str
    heads: Sequence[keras.layers.Layer] = ()

    @abstractmethod
    def loss(self, batch: Batch) -> Any:
        """The scalar to minimise, a tensor of the backend."""


class Reconstruction(Objective):
    """The decoder paints the picture back: mean squared error over pixels and channels.

    Source: Hinton and Salakhutdinov, "Reducing the dimensionality of data with neural networks", Science 2006.
    """

    name = "reconstruction"

    def loss(self, batch: Batch) -> Any:
        return ops.mean(ops.square(batch.decoded - batch.pixels))


OBJECTIVES: dict[str, type[Objective]] = {"reconstruction": Reconstruction}
DEFAULT_OBJECTIVE = "reconstruction"


def create_objective(name: str) -> Objective:
    """The objective of that name.

    Raises:
        ArgumentError: there is none; the message lists them.
    """
    if name not in OBJECTIVES:
        raise ArgumentError(f"Unknown objective '{name}'; there are: {', '.join(sorted(OBJECTIVES))}.")
    return OBJECTIVES[name]()
