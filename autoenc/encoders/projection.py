"""Project any encoder's vectors to their principal components, fitted on the images at hand."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Self

import numpy as np
import numpy.typing as npt

from autoenc.encoders.base import Encoder, check_finite
from autoenc.errors import EncoderError
from autoenc.vectors import Images, Matrix, Vectors, principal_axes

_NAME = re.compile(r"(?P<base>.+)\+pca(?P<dim>[0-9]+)")


def parse_projection(name: str) -> tuple[str, int] | None:
    """Split "NAME+pcaK" into NAME and K; None for a name without "+pca".

    Raises:
        EncoderError: "+pca" without a positive whole number after it, or without a name before it.
    """
    if "+pca" not in name:
        return None
    match = _NAME.fullmatch(name)
    if match is None or int(match["dim"]) < 1:
        raise EncoderError(f"Expected NAME+pcaK with K of 1 or more, such as pixels+pca32; got '{name}'.")
    return match["base"], int(match["dim"])


def base_name(name: str) -> str:
    """The encoder that a projection projects; any other encoder itself.

    Example:
        >>> base_name("edges+pca32"), base_name("edges")
        ('edges', 'edges')
    """
    return name.partition("+pca")[0]


class Projection(Encoder):
    """An encoder whose vectors are projected to their principal components.

    Fit it before use. Fitting reads each batch once, and keeps one batch and a (D, D) float64 matrix in memory.

    Args:
        base: the encoder to project.
        dim: number of components to keep, from 1 to `base.dim`.

    Raises:
        EncoderError: `dim` out of that range.

    Source: Jolliffe, "Principal Component Analysis", 2002: covariance, not correlation; not whitened.

    Example:
        >>> images = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), np.uint8)
        >>> projection = autoenc.create_encoder("pixels+pca32")
        >>> projection.fit([images])
        <Projection 'pixels+pca32' 32x32 -> 32-d>
    """

    def __init__(self, base: Encoder, dim: int) -> None:
        self.base = base
        self.name = f"{base.name}+pca{dim}"
        self.dim = dim
        self.input_size = base.input_size
        self.fingerprint = f"{base.fingerprint}+pca{dim}, not fitted"
        self.origin = base.origin
        self.advice, self.slow_to_load, self.labeled = base.advice, base.slow_to_load, base.labeled
        self.emphasis = base.emphasis
        self.model_bytes = base.model_bytes
        if not 1 <= dim <= base.dim:
            raise EncoderError(
                f"Encoder '{self.name}' expected 1 to {base.dim} components, because a vector of '{base.name}' has "
                f"{base.dim} numbers; got {dim}."
            )
        self._mean: Matrix | None = None
        self._components: Matrix = np.empty((base.dim, 0))

    @property
    def fitted(self) -> bool:
        return self._mean is not None

    def fit(self, batches: Iterable[Images]) -> Self:
        """Fit the components to the vectors of images.

        Args:
            batches: (n, input_size, input_size, 3) uint8 each, with `dim` images or more in total.

        Returns:
            The projection itself.

        Raises:
            EncoderError: fewer than `dim` images, or a vector that is not finite.
        """
        return self.fit_vectors(self.base.encode(batch) for batch in batches)

    def fit_vectors(self, batches: Iterable[Vectors]) -> Self:
        """`fit` where the vectors of the images are known: (n, base.dim) float32 each."""
        shift = np.zeros(self.base.dim)
        total = np.zeros(self.base.dim)
        products = np.zeros((self.base.dim, self.base.dim))
        count = 0
        for batch in batches:
            vectors = check_finite(self.base.name, batch).astype(np.float64)
            if count == 0 and len(vectors):
                shift = vectors.mean(axis=0)  # close to the mean, so that squares do not swamp the variance
            vectors -= shift
            total += vectors.sum(axis=0)
            products += vectors.T @ vectors
            count += len(vectors)
        if count < self.dim:
            raise EncoderError(
                f"Encoder '{self.name}' expected {self.dim} images or more to fit {self.dim} components; got "
                f"{count}. Use more images, or leave this encoder out."
            )
        offset = total / count
        covariance = products / count - np.outer(offset, offset)
        values, axes = principal_axes(covariance, self.dim)
        # A direction without variance holds only rounding noise. It is zeroed, so that noise cannot make a cosine.
        noise = max(
            float(values[0]) * self.base.dim * float(np.finfo(np.float64).eps),
            float(shift @ shift) * float(np.finfo(np.float32).eps) ** 2,
        )
        kept: npt.NDArray[np.bool_] = np.greater(values, noise)
        self._components = axes * kept
        self._mean = shift + offset
        state = self._mean.tobytes() + self._components.tobytes()
        digest = hashlib.blake2b(state, digest_size=16).hexdigest()
        self.fingerprint = f"{self.base.fingerprint}+pca{self.dim}:{digest}"
        self.model_bytes = self.base.model_bytes + len(state)
        return self

    def project(self, vectors: Vectors) -> Vectors:
        """Vectors of the base, (N, base.dim), projected: (N, dim) float32.

        Raises:
            EncoderError: it is not fitted yet.
        """
        if self._mean is None:
            raise EncoderError(f"Encoder '{self.name}' is not fitted yet: call fit(batches of images) first.")
        return np.asarray((vectors.astype(np.float64) - self._mean) @ self._components, np.float32)

    def _encode(self, images: Images) -> Vectors:
        return self.project(self.base.encode(images))
