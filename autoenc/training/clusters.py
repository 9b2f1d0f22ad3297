"""Cluster mAP: how well vectors retrieve, measured without labels."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from scipy.cluster.vq import kmeans2

from autoenc.metrics.ranking import rankings
from autoenc.metrics.scores import average_precision
from autoenc.vectors import Indices, Vectors, evenly, unit_rows

CLUSTERS = 20
VIEW_SEEDS = (1, 2, 3)
"""Seeds of the altered copies of each held-out image."""

_CLUSTERED = 20_000


def cluster_map(
    latents: Vectors, held_out: Vectors, copies: Sequence[Vectors], clusters: int = CLUSTERS, clusterings: int = 3
) -> float:
    """Mean average precision with clusters for labels: do altered copies find the images of their own cluster?

    It is high if the latents form clusters, if the clusters are far apart, and if an altered copy stays in the cluster
    of its original. It is low if the latents are scattered evenly, or follow what an alteration changes. Similarity is
    the cosine; the original of a copy does not count. Fewer dimensions score higher whatever they hold: compare models
    of one dimension, measured on the same images.

    Args:
        latents: (N, D) float32 of the images trained on; k-means finds the cluster centers among them.
        held_out: (M, D) float32 of images not trained on.
        copies: arrays (M, D) float32, each of altered copies of the held-out images.
        clusters: how many; at most a tenth of N, and at least 2.
        clusterings: how often k-means starts anew.

    Returns:
        The mean over the copies and over the clusterings, adjusted for chance: 1 is perfect, 0 is a random order. It
        is 0, too, where all images or none share a cluster, as in a collapse.

    Source: in the spirit of Tibshirani and Walther, "Cluster validation by prediction strength", Journal of
    Computational and Graphical Statistics 2005. Departs from it: the ranking is scored instead of co-membership, and
    adjusted as by Hubert and Arabie, "Comparing partitions", Journal of Classification 1985.
    `scripts/bench_selection.py` measures how well it ranks models.

    Example:
        >>> latents = np.repeat(np.eye(2, dtype=np.float32), 10, axis=0)  # two clusters of ten
        >>> cluster_map(latents, latents, [latents], clusters=2)
        1.0
    """
    if len(held_out) < 2:
        return 0.0
    fitted, gallery = unit_rows(evenly(latents, _CLUSTERED)), unit_rows(held_out)
    members = [_members(fitted, gallery, clusters, seed) for seed in range(clusterings)]
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
    """(M,) the cluster of each held-out image."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an empty cluster: images that are all alike
        centers, _ = kmeans2(fitted, max(2, min(clusters, len(fitted) // 10)), minit="++", rng=seed)
    return np.asarray(np.square(held_out[:, None] - centers[None]).sum(axis=2).argmin(axis=1), np.int64)
