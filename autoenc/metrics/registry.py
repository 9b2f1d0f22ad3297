"""The metrics by name, each with its title and its explanation."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from autoenc.errors import ArgumentError
from autoenc.metrics.scores import (
    Scores,
    average_precision,
    hit_at_k,
    knn_accuracy,
    ndcg_at_k,
    precision_at_k,
    recall_at_k,
)
from autoenc.vectors import Indices

METRICS = ("p@5", "p@10", "hit@5", "recall@10", "map", "knn@10")
"""What a comparison measures for labeled queries."""

SELF_RECALL = (1, 5, 10)
"""The k of the self-recall that a comparison measures without labels."""


@dataclass(frozen=True)
class Metric:
    """A metric, and the words that explain it.

    Attributes:
        name: "p@5", as in tables, JSON and CSV.
        title: "Precision at 5", as in headings.
        explanation: what it measures, for a reader who has never met it.
        score: one query's score, from the (R,) labels of all results, nearest first, and the query's label. None
            for self-recall, which needs no labels: see `self_recall_at_k`.
    """

    name: str
    title: str
    explanation: str
    score: Callable[[Indices, int], Scores] | None = None

    @property
    def needs_labels(self) -> bool:
        return self.score is not None


@lru_cache
def find_metric(name: str) -> Metric:
    """The metric of that name.

    Raises:
        ArgumentError: not one of p@k, hit@k, recall@k, ndcg@k, knn@k, selfrecall@k (k from 1) and map.

    Example:
        >>> find_metric("p@5").title
        'Precision at 5'
    """
    if name == _MEAN_AVERAGE_PRECISION.name:
        return _MEAN_AVERAGE_PRECISION
    match = re.fullmatch(r"([a-z]+)@([1-9][0-9]*)", name)
    if match is None or match[1] not in _AT_K:
        known = ", ".join(f"{kind}@k" for kind in _AT_K)
        raise ArgumentError(f"Unknown metric '{name}'; there are {known} (k from 1, as in p@5) and map.")
    return _AT_K[match[1]](int(match[2]))


def score_ranking(neighbors: Indices, truth: int, names: Sequence[str] = METRICS) -> dict[str, float]:
    """Score one query's whole ranking.

    Args:
        neighbors: (R,) integer labels of everything that could be found, nearest first.
        truth: the query's label; a result is relevant if it has the same label.
        names: metrics that need labels, as `find_metric` takes them.

    Raises:
        ArgumentError: an unknown metric, or one that is not computed from labels.

    Example:
        >>> score_ranking(np.array([7, 3, 7]), 7, ["p@1", "map"])
        {'p@1': 1.0, 'map': 0.8333333333333333}
    """
    scores = {}
    for name in names:
        score = find_metric(name).score
        if score is None:
            raise ArgumentError(f"Expected metrics that are computed from labels; got '{name}'.")
        scores[name] = float(score(neighbors, truth))
    return scores


def _precision(k: int) -> Metric:
    return Metric(
        name=f"p@{k}",
        title=f"Precision at {k}",
        explanation=f"Of the {k} nearest images, the share with the query's label. A query whose label has fewer than "
        f"{k} other images cannot reach 1.",
        score=lambda neighbors, truth: precision_at_k(neighbors == truth, k),
    )


def _hit(k: int) -> Metric:
    return Metric(
        name=f"hit@{k}",
        title=f"Hit rate at {k}",
        explanation=f"The share of queries with at least one image of their label among the {k} nearest.",
        score=lambda neighbors, truth: hit_at_k(neighbors == truth, k),
    )


def _recall(k: int) -> Metric:
    return Metric(
        name=f"recall@{k}",
        title=f"Recall at {k}",
        explanation=f"Of all images with the query's label, the share among the {k} nearest. For a label with many "
        "images it is small even for a perfect encoder: 10 of 200 is 0.05.",
        score=lambda neighbors, truth: recall_at_k(neighbors == truth, k, (neighbors == truth).sum()),
    )


def _ndcg(k: int) -> Metric:
    return Metric(
        name=f"ndcg@{k}",
        title=f"NDCG at {k}",
        explanation=f"Of all images with the query's label, how many are among the {k} nearest, and how early they "
        "come: normalized discounted cumulative gain. It is 1 if all that can be among them are, and come first.",
        score=lambda neighbors, truth: ndcg_at_k(neighbors == truth, k, (neighbors == truth).sum()),
    )


def _knn(k: int) -> Metric:
    return Metric(
        name=f"knn@{k}",
        title=f"kNN accuracy at {k}",
        explanation=f"The share of queries whose label is the most common one among the {k} nearest images: the "
        "accuracy of a k-nearest-neighbor classifier.",
        score=lambda neighbors, truth: knn_accuracy(neighbors, truth, k),
    )


def _self_recall(k: int) -> Metric:
    place = "first" if k == 1 else f"among the first {k}"
    return Metric(
        name=f"selfrecall@{k}",
        title=f"Self-recall at {k}",
        explanation="An image is cropped, mirrored and recolored, and the gallery is searched with this altered copy. "
        f"The metric is the share of copies whose original comes back {place}. It needs no labels. It shows whether "
        "an encoder recognizes the same picture, not whether it finds similar things.",
    )


_MEAN_AVERAGE_PRECISION = Metric(
    name="map",
    title="Mean average precision",
    explanation="All images are ranked by similarity, and the precision is taken at the rank of each image with the "
    "query's label. Average precision (AP) is the mean of these values, and mAP is the mean of AP over the queries. "
    "It is 1 if all images of the label come first. It judges the whole ranking, not only the first few results.",
    score=lambda neighbors, truth: average_precision(neighbors == truth),
)

_AT_K = {"p": _precision, "hit": _hit, "recall": _recall, "ndcg": _ndcg, "knn": _knn, "selfrecall": _self_recall}
