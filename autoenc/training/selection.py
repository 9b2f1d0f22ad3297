"""Which of two models retrieves better, told without labels: what whitening and models are chosen by."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from scipy.cluster.vq import kmeans2

from autoenc.metrics.ranking import rankings
from autoenc.metrics.scores import average_precision
from autoenc.training.latents import Whitening, fit_whitening
from autoenc.vectors import Indices, Vectors, evenly, unit_rows

CLUSTERS = 20
_CLUSTERED = 20_000
_SEEDS = 3


def cluster_map(latents: Vectors, held_out: Vectors, copies: Sequence[Vectors], clusters: int = CLUSTERS) -> float:
    """Mean average precision with clusters for labels: do altered copies find the pictures of their own cluster?

    It is high if the latents fall into clusters, if those are apart, and if an alteration does not lead from one into
    another; it is low if they are scattered evenly, or follow what an alteration changes. Similarity is the cosine; a
    copy does not search for its own original. Fewer dimensions score higher whatever they hold: compare models of one
    dimension, held to the same pictures.

    Args:
        latents: (N, D) of the pictures trained on: the clusters' centers are found among them by k-means.
        held_out: (M, D) of pictures not trained on.
        copies: some (M, D), each of altered copies of those.
        clusters: how many; a tenth of N at most, 2 at least.

    Returns:
        1 at most, the mean over the copies and over three clusterings, adjusted for chance: 0 for a random order, and
        where all pictures or none share a cluster, as in a collapse.

    Source: in the spirit of Tibshirani and Walther, "Cluster validation by prediction strength", Journal of
    Computational and Graphical Statistics 2005. Departs from it: the ranking is scored instead of co-membership, and
    adjusted as by Hubert and Arabie, "Comparing partitions", Journal of Classification 1985.
    `scripts/bench_selection.py` measures how well it ranks models.
    """
    if len(held_out) < 2:
        return 0.0
    fitted, gallery = unit_rows(evenly(latents, _CLUSTERED)), unit_rows(held_out)
    members = [_members(fitted, gallery, clusters, seed) for seed in range(_SEEDS)]
    scores = []
    for copy in copies:
        for start, order in rankings(unit_rows(copy), gallery, np.arange(len(gallery))):
            for member in members:
                # The last is the copy's own original.
                relevant = member[order[:, :-1]] == member[start : start + len(order), None]
                chance = relevant.mean(axis=1)
                scores.append((average_precision(relevant) - chance) / np.maximum(1 - chance, 1e-9))
    found = np.concatenate(scores)
    return 0.0 if np.isnan(found).all() else float(np.nanmean(found))


def _members(fitted: Vectors, held_out: Vectors, clusters: int, seed: int) -> Indices:
    """(M,) the cluster of each held-out picture."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an empty cluster: pictures that are all alike
        centers, _ = kmeans2(fitted, max(2, min(clusters, len(fitted) // 10)), minit="++", rng=seed)
    return np.asarray(np.square(held_out[:, None] - centers[None]).sum(axis=2).argmin(axis=1), np.int64)


def choose_whitening(
    strengths: Sequence[float], latents: Vectors, held_out: Vectors, copies: Sequence[Vectors]
) -> tuple[Whitening, float]:
    """The whitening by which `cluster_map` is highest, and that value; arguments as of `cluster_map`."""
    best: tuple[Whitening, float] | None = None
    for strength in strengths:
        whitening = fit_whitening(latents, strength)
        value = cluster_map(whitening.apply(latents), whitening.apply(held_out), [whitening.apply(c) for c in copies])
        if best is None or value > best[1]:
            best = whitening, value
    assert best is not None
    return best
