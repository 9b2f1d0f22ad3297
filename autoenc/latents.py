"""What a set of latents looks like: how much of its room it uses, and the rotation that evens it out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True)
class LatentHealth:
    """Whether the latents have collapsed.

    Attributes:
        deviation_min, deviation_mean, deviation_max: standard deviation of a dimension.
        effective_rank: exp of the entropy of the covariance's normalized eigenvalues; between 1 and the dimension.
        dead: dimensions whose deviation is a hundredth of the largest or less; all of them where that is 0.
        dim: how many dimensions there are.

    Source: Roy and Vetterli, "The effective rank", EUSIPCO 2007. Departs from it: eigenvalues of the covariance for
    singular values of the matrix.
    """

    deviation_min: float
    deviation_mean: float
    deviation_max: float
    effective_rank: float
    dead: int
    dim: int

    @property
    def collapsed(self) -> bool:
        """Whether all pictures look alike to the encoder: (nearly) constant latents, or along one line."""
        return self.deviation_max < 1e-4 or (self.dim > 1 and self.effective_rank < 1.5)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "collapsed": self.collapsed}


def latent_health(latents: FloatArray) -> LatentHealth:
    """The health of (N, dim) latents."""
    deviations = latents.std(axis=0, dtype=np.float64)
    variances = np.clip(np.linalg.eigvalsh(_covariance(latents)), 0, None)
    total = variances.sum()
    shares = variances[variances > 0] / total if total > 0 else np.ones(1)
    return LatentHealth(
        deviation_min=float(deviations.min()),
        deviation_mean=float(deviations.mean()),
        deviation_max=float(deviations.max()),
        effective_rank=float(np.exp(-(shares * np.log(shares)).sum())),
        dead=int((deviations <= 0.01 * deviations.max()).sum()),
        dim=latents.shape[1],
    )


@dataclass(frozen=True)
class Whitening:
    """latents -> (latents - mean) @ matrix.

    Attributes:
        mean: (dim,) float32.
        matrix: (dim, dim) float32: principal axes, each divided by its standard deviation to the power `strength`.
        strength: 0 rotates alone and keeps every distance; 1 gives every axis variance 1.

    Source: Jegou and Chum, "Negative evidences and co-occurrences in image retrieval: the benefit of PCA and
    whitening", ECCV 2012.
    """

    mean: FloatArray
    matrix: FloatArray
    strength: float

    def apply(self, latents: FloatArray) -> FloatArray:
        """(N, dim) -> (N, dim) float32."""
        return np.asarray((latents - self.mean) @ self.matrix, np.float32)


def fit_whitening(latents: FloatArray, strength: float) -> Whitening:
    """The whitening of (N, dim) latents; axes without any variance are kept as they are."""
    variances, axes = np.linalg.eigh(_covariance(latents))
    variances, axes = variances[::-1], axes[:, ::-1]
    floor = max(float(variances[0]), 1e-12) * 1e-4  # what is all but constant must not be blown up
    scaled = axes * np.maximum(variances, floor) ** (-strength / 2)
    return Whitening(latents.mean(axis=0), scaled.astype(np.float32), strength)


def evenly(rows: npt.NDArray[Scalar], limit: int) -> npt.NDArray[Scalar]:
    """`limit` of the rows of an array, evenly drawn and in order; all of them if there are no more."""
    return np.asarray(rows[np.linspace(0, len(rows) - 1, min(len(rows), limit)).astype(int)])


def _covariance(latents: FloatArray) -> npt.NDArray[np.float64]:
    centered = latents.astype(np.float64) - latents.mean(axis=0, dtype=np.float64)
    return np.asarray(centered.T @ centered / len(centered), np.float64)
