"""What training minimises: small terms, written with `keras.ops`, that add up."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import keras
import numpy as np
import numpy.typing as npt
from keras import ops

import baselines
from autoenc.errors import ArgumentError

Images = npt.NDArray[np.uint8]


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
        if not (weight >= 0 and math.isfinite(weight)):
            raise ArgumentError(f"The weight of objective '{self.name}' must be 0 or more; got {weight}.")
        self.weight = weight

    def targets(self, images: Images) -> npt.NDArray[np.float32] | None:
        """What the loss needs of (N, 32, 32, 3) uint8 pictures beside their pixels: (N, T) float32, or None."""
        return None

    def prepare(self, images: Images, latent_dim: int) -> None:  # noqa: B027  most need nothing
        """Look at the training pictures, (N, 32, 32, 3) uint8, once before `targets` and `loss`."""

    @abstractmethod
    def loss(self, batch: Batch) -> Any:
        """The scalar to minimise, unweighted, a tensor of the backend."""

    def to_dict(self) -> dict[str, Any]:
        """What `bundle.json` says of it."""
        return {"name": self.name, "weight": self.weight}


class Reconstruction(Objective):
    """The decoder paints the picture back: mean squared error over pixels and channels.

    Source: Hinton and Salakhutdinov, "Reducing the dimensionality of data with neural networks", Science 2006.
    """

    name = "reconstruction"
    decodes = True

    def loss(self, batch: Batch) -> Any:
        return ops.mean(ops.square(batch.decoded - batch.pixels))


class Structure(Objective):
    """From the latents of an altered copy, a linear head tells the edge structure of the picture itself.

    The structure is a histogram of oriented gradients with cells finer than those of the `edges` encoder (the 32x32
    pixels are enlarged to 48x48, cells stay 8x8), averaged with that of the mirrored picture, as principal components
    of the training pictures, each divided by its standard deviation to the power `whitening` and all scaled to a mean
    square of 1. The loss is the mean squared error. Because the copy is cropped, mirrored and recolored and the
    target is not, the latents learn what stays the same.

    Args:
        weight: as of every objective; beside reconstruction, .15 makes it lead.
        components: how many principal components, 1 or more; fewer pictures have fewer.
        whitening: 0 keeps their variances, 1 evens them out.

    Source: Wei et al., "Masked feature prediction for self-supervised visual pre-training", CVPR 2022, for HOG as the
    target. Departs from it: the picture is altered instead of masked, and targets are mirrored, decorrelated and of
    the whole picture.
    """

    name = "structure"
    altered = True

    def __init__(self, weight: float = 0.15, *, components: int = 64, whitening: float = 0.25) -> None:
        super().__init__(weight)
        if components < 1 or not 0 <= whitening <= 1:
            raise ArgumentError(
                f"Expected components of 1 or more and a whitening from 0 to 1; got {components} and {whitening}."
            )
        self.components = components
        self.whitening = whitening

    def prepare(self, images: Images, latent_dim: int) -> None:
        features = _fine_hog(images[:: max(1, len(images) // _FITTED_ON)]).astype(np.float64)
        self._mean = features.mean(axis=0)
        features -= self._mean
        variances, axes = np.linalg.eigh(features.T @ features / len(features))
        # Pictures that are all alike have no component with any variance: the one kept is 0 for all of them.
        count = max(1, min(self.components, int((variances > 1e-9).sum())))
        variances, axes = np.maximum(variances[: -count - 1 : -1], 1e-9), axes[:, : -count - 1 : -1]
        scaled = axes * variances ** (-self.whitening / 2)
        self._axes = scaled / math.sqrt(max(float(np.square(features @ scaled).mean()), 1e-6))
        head = keras.layers.Dense(count, kernel_initializer=keras.initializers.GlorotUniform(seed=1))
        head.build((None, latent_dim))
        self.heads = (head,)

    def targets(self, images: Images) -> npt.NDArray[np.float32]:
        return np.concatenate(
            [
                ((_fine_hog(images[i : i + 1024]) - self._mean) @ self._axes).astype(np.float32)
                for i in range(0, len(images), 1024)
            ]
        )

    def loss(self, batch: Batch) -> Any:
        (head,) = self.heads
        return ops.mean(ops.square(head(batch.latents) - batch.targets[self.name]))

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "components": self.components, "whitening": self.whitening}


OBJECTIVES: dict[str, type[Objective]] = {objective.name: objective for objective in (Reconstruction, Structure)}
DEFAULT_OBJECTIVE = "reconstruction+structure"
_FITTED_ON = 20_000  # pictures: components of more are the same
_ENLARGED = 48


def create_objectives(names: str) -> list[Objective]:
    """The objectives of "reconstruction", "reconstruction+structure" and so on, with their usual weights.

    Raises:
        ArgumentError: an unknown name, or one given twice.
    """
    parts = names.split("+")
    for part in parts:
        if part not in OBJECTIVES:
            raise ArgumentError(
                f"Unknown objective '{part}'; there are: {', '.join(OBJECTIVES)}; join several with '+'."
            )
        if parts.count(part) > 1:
            raise ArgumentError(f"Objective '{part}' is named twice; name it once.")
    return [OBJECTIVES[part]() for part in parts]


def _fine_hog(images: Images) -> npt.NDArray[np.float32]:
    """(N, 32, 32, 3) uint8 -> (N, 900) float32: finer than `edges`, the same for a picture and its mirror image."""
    shape = (_ENLARGED, _ENLARGED)
    enlarged = np.stack([cv2.resize(image, shape, interpolation=cv2.INTER_LINEAR) for image in images])
    return np.asarray((baselines.hog(enlarged) + baselines.hog(enlarged[:, :, ::-1])) / 2, np.float32)
