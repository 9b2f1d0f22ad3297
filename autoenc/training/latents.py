"""What a set of latents looks like: how much of its room it uses, and the rotation that evens it out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from autoenc.vectors import Vectors, covariance, principal_axes


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


def latent_health(latents: Vectors) -> LatentHealth:
    """The health of (N, dim) latents."""
    deviations = latents.std(axis=0, dtype=np.float64)
    variances = np.clip(np.linalg.eigvalsh(covariance(latents)), 0, None)
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

    mean: Vectors
    matrix: Vectors
    strength: float

    def apply(self, latents: Vectors) -> Vectors:
        """(N, dim) -> (N, dim) float32."""
        return np.asarray((latents - self.mean) @ self.matrix, np.float32)


def fit_whitening(latents: Vectors, strength: float) -> Whitening:
    """The whitening of (N, dim) latents; axes without any variance are kept as they are."""
    variances, axes = principal_axes(covariance(latents))
    floor = max(float(variances[0]), 1e-12) * 1e-4  # what is all but constant must not be blown up
    scaled = axes * np.maximum(variances, floor) ** (-strength / 2)
    return Whitening(latents.mean(axis=0), scaled.astype(np.float32), strength)
