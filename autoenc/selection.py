"""Which of two models retrieves better, told without labels: what whitening and models are chosen by."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.cluster.vq import kmeans2

from autoenc.latents import Whitening, fit_whitening
from autoenc.metrics import average_precision
from autoenc.ranking import rankings, unit_rows

FloatArray = npt.NDArray[np.float32]

CLUSTERS = 20
_MAX_CLUSTERED = 20_000
_SEEDS = 3


def cluster_map(
    latents: FloatArray, held_out: FloatArray, copies: Sequence[FloatArray], clusters: int = CLUSTERS
) -> float:
    """Mean average precision with clusters for labels: do altered copies find the pictures of their own cluster?

    It is high if the latents fall into clusters, if those are apart, and if an alteration does not lead from one into
    another; it is low if they are scattered evenly, or follow what an alteration changes. Similarity is the cosine; a
    copy does not search for its own original.

    Args:
        latents: (N, D) of the pictures trained on: the clusters' centres are found among them by k-means.
        held_out: (M, D) of pictures not trained on.
        copies: some (M, D), each of altered copies of those.
        clusters: how many; a tenth of N at most, 2 at least.

    Returns:
        Between 0 and 1, the mean over the copies and over three clusterings; 0 if no two pictures share a cluster.

    Source: in the spirit of Tibshirani and Walther, "Cluster validation by prediction strength", Journal of
    Computational and Graphical Statistics 2005. Departs from it: the ranking is scored instead of co-membership.
    `scripts/bench_selection.py` measures how well it ranks models.
    """
    fitted, gallery = unit_rows(latents[:: -(-len(latents) // _MAX_CLUSTERED)]), unit_rows(held_out)
    count = max(2, min(clusters, len(fitted) // 10))
    scores = []
    for seed in range(_SEEDS):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an empty cluster: pictures that are all alike
            centres, _ = kmeans2(fitted, count, minit="++", rng=seed)
        member = np.square(gallery[:, None] - centres[None]).sum(axis=2).argmin(axis=1)
        for copy in copies:
            for start, order in rankings(unit_rows(copy), gallery, np.arange(len(gallery))):
                # The last is the copy's own original.
                scores.append(average_precision(member[order[:, :-1]] == member[start : start + len(order), None]))
    found = np.concatenate(scores)
    return 0.0 if np.isnan(found).all() else float(np.nanmean(found))


def choose_whitening(
    strengths: Sequence[float], latents: FloatArray, held_out: FloatArray, copies: Sequence[FloatArray]
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
