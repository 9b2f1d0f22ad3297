"""What a set of latents looks like: how many of its dimensions it uses, and the rotation that whitens it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from autoenc.vectors import Vectors, covariance, principal_axes


@dataclass(frozen=True)
class LatentHealth:
    """Whether the latents have collapsed.

    Attributes:
        deviation_min, deviation_mean, deviation_max: of the dimensions' standard deviations.
        effective_rank: exp of the entropy of the covariance's normalized eigenvalues; from 1 to `dim`.
        dead: dimensions whose deviation is a hundredth of the largest or less; all of them if the largest is 0.
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
        """Whether the latents cannot tell most images apart: they are nearly constant, or lie on one line."""
        return self.deviation_max < 1e-4 or (self.dim > 1 and self.effective_rank < 1.5)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "collapsed": self.collapsed}


def latent_health(latents: Vectors) -> LatentHealth:
    """Measure how (N, dim) float32 latents are spread.

    Example:
        >>> health = latent_health(np.array([[1, 0], [-1, 0]], np.float32))
        >>> health.effective_rank, health.dead, health.collapsed
        (1.0, 1, True)
    """
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
        matrix: (dim, K) float32: principal axes, each divided by its standard deviation to the power `strength`.
        strength: 0 only rotates and keeps every distance; 1 gives every axis variance 1.
        head: the objective whose linear head the latents are stretched by before they are whitened; empty for none.
        power: how far: with 0, distances are those between latents, with 1 those between what the head predicts.

    Source: Jegou and Chum, "Negative evidences and co-occurrences in image retrieval: the benefit of PCA and
    whitening", ECCV 2012.
    """

    mean: Vectors
    matrix: Vectors
    strength: float
    head: str = ""
    power: float = 0.0

    def apply(self, latents: Vectors) -> Vectors:
        """(N, dim) -> (N, K) float32."""
        return np.asarray((latents - self.mean) @ self.matrix, np.float32)

    @property
    def inverse(self) -> Vectors:
        """(K, dim) float32: whitened @ inverse + mean are the latents again, if no axis was left out."""
        return np.asarray(np.linalg.pinv(self.matrix.astype(np.float64)), np.float32)


def fit_whitening(
    latents: Vectors, strength: float, head: str = "", kernel: Vectors | None = None, power: float = 0.0
) -> Whitening:
    """Fit a whitening with all axes.

    Args:
        latents: (N, dim) float32.
        strength: see `Whitening`.
        head: likewise.
        kernel: (dim, T) float32, T at least dim, the weights of that head. Its singular values, to the power `power`,
            stretch the latents.
        power: see `Whitening`.

    Example:
        >>> latents = np.array([[4, 0], [-4, 0], [0, 1], [0, -1]], np.float32)
        >>> fit_whitening(latents, 1.0).apply(latents).std(axis=0).round(3).tolist()
        [1.0, 1.0]
    """
    stretch = np.eye(latents.shape[1])
    if kernel is not None:
        left, singular, _ = np.linalg.svd(kernel.astype(np.float64), full_matrices=False)
        stretch = left * singular**power
    variances, axes = principal_axes(stretch.T @ covariance(latents) @ stretch)
    floor = max(float(variances[0]), 1e-12) * 1e-4  # axes that are nearly constant must not be blown up
    scaled = stretch @ axes * np.maximum(variances, floor) ** (-strength / 2)
    return Whitening(latents.mean(axis=0), scaled.astype(np.float32), strength, head, power)
