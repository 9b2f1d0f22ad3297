"""Retrieval metrics for each query, and what may be concluded from them: pure NumPy.

A ranking is described by its relevance: (..., R) bool, one row a query, nearest result first, the query itself
left out. Every metric looks along the last axis and returns one float64 for each query; the scores of queries are
kept apart, because intervals and paired differences are made from them, not from their mean.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from autoenc.errors import ArgumentError
from autoenc.vectors import Indices

METRICS = ("p@5", "p@10", "hit@5", "recall@10", "map", "knn@10")
"""What a comparison measures."""

RESAMPLES = 2000
"""How often a bootstrap draws the queries anew."""

LEVEL = 0.95
"""The share of the resampled means that an interval holds."""

Scores = npt.NDArray[np.float64]
Relevance = npt.NDArray[np.bool_]

_METRIC = re.compile(r"(p|hit|recall|knn)@([1-9][0-9]*)|map")
_DRAWS_AT_ONCE = 2**22  # bounds the memory of a bootstrap over many queries


class Metric(NamedTuple):
    """A parsed metric: kind "p", "hit", "recall", "map" or "knn", and k, None for "map"."""

    kind: str
    k: int | None


class Interval(NamedTuple):
    """A mean and the interval around it."""

    mean: float
    low: float
    high: float


def parse_metric(name: str) -> Metric:
    """Take a metric's name apart.

    Raises:
        ArgumentError: not one of p@k, hit@k, recall@k, knn@k (k from 1) and map.

    Example:
        >>> parse_metric("p@5")
        Metric(kind='p', k=5)
    """
    match = _METRIC.fullmatch(name)
    if match is None:
        raise ArgumentError(f"Expected a metric such as p@5, hit@5, recall@10, knn@10 (k from 1) or map; got '{name}'.")
    return Metric(match[1] or "map", int(match[2]) if match[2] else None)


def precision_at_k(relevant: Relevance, k: int) -> Scores:
    """Share of the first k results that are relevant.

    Args:
        relevant: (..., R) bool in rank order.
        k: from 1. Ranks past the end of the ranking count as not relevant, so the divisor is always k.

    Returns:
        (...) float64.

    Raises:
        ArgumentError: k below 1.
    """
    return np.asarray(_first(relevant, k).sum(axis=-1) / k, np.float64)


def hit_at_k(relevant: Relevance, k: int) -> Scores:
    """1.0 where any of the first k results is relevant, else 0.0; arguments as `precision_at_k`."""
    return np.asarray(_first(relevant, k).any(axis=-1), np.float64)


def recall_at_k(relevant: Relevance, k: int, total: npt.ArrayLike) -> Scores:
    """Share of the relevant items that are among the first k results.

    Args:
        relevant: (..., R) bool in rank order.
        k: from 1.
        total: how many relevant items there are in all, for each query: (...) or one number.

    Returns:
        (...) float64; NaN where `total` is 0: recall of nothing is not defined.

    Raises:
        ArgumentError: k below 1.
    """
    found = _first(relevant, k).sum(axis=-1)
    return _ratio(found, np.asarray(total))


def average_precision(relevant: Relevance) -> Scores:
    """Mean of the precision at the rank of each relevant item, over the full ranking.

    Args:
        relevant: (..., R) bool in rank order, every relevant item included.

    Returns:
        (...) float64; NaN where nothing is relevant.

    Source: Manning, Raghavan and Schütze, "Introduction to Information Retrieval", 2008, section 8.4: without
    interpolation. The mean over queries is mAP.
    """
    relevant = np.asarray(relevant, bool)
    found = np.cumsum(relevant, axis=-1)
    ranks = np.arange(1, relevant.shape[-1] + 1)
    return _ratio((found / ranks * relevant).sum(axis=-1), relevant.sum(axis=-1))


def knn_accuracy(neighbors: Indices, truth: npt.ArrayLike, k: int) -> Scores:
    """1.0 where the majority of the k nearest labels is the query's own.

    A tie goes to the label whose nearest member is nearest. Where fewer than k neighbors exist, those vote.

    Args:
        neighbors: (..., R) integer labels in rank order.
        truth: (...) integer label of each query.
        k: from 1.

    Returns:
        (...) float64; 0.0 where there is no neighbor.

    Raises:
        ArgumentError: k below 1.

    Source: Cover and Hart, "Nearest neighbor pattern classification", 1967. Departs from it: one rule for ties.
    """
    nearest = _first(neighbors, k)
    if nearest.shape[-1] == 0:
        return np.zeros(nearest.shape[:-1])
    votes = (nearest[..., :, None] == nearest[..., None, :]).sum(axis=-1)
    # argmax takes the first maximum, and the first member of a label is its nearest.
    winner = np.take_along_axis(nearest, votes.argmax(axis=-1)[..., None], axis=-1)[..., 0]
    return np.asarray(winner == np.asarray(truth), np.float64)


def score_ranking(neighbors: Indices, truth: int, names: Sequence[str] = METRICS) -> dict[str, float]:
    """Score one query's full ranking by every metric that is named.

    Args:
        neighbors: (R,) integer labels of all that could be found, nearest first.
        truth: the query's label: a result is relevant if it has the same.
        names: metrics, as `parse_metric` takes them.

    Raises:
        ArgumentError: an unknown metric.
    """
    relevant = neighbors == truth
    scores = {}
    for name in names:
        kind, k = parse_metric(name)
        if k is None:
            value = average_precision(relevant)
        elif kind == "p":
            value = precision_at_k(relevant, k)
        elif kind == "hit":
            value = hit_at_k(relevant, k)
        elif kind == "recall":
            value = recall_at_k(relevant, k, relevant.sum())
        else:
            value = knn_accuracy(neighbors, truth, k)
        scores[name] = float(value)
    return scores


def bootstrap_intervals(scores: npt.ArrayLike) -> list[Interval]:
    """Mean of each row of scores with its percentile bootstrap interval; queries are what is resampled.

    All rows see the same resamples, so one call for many metrics costs little more than for one, and a row
    gets the same interval whatever rows stand beside it, on every run. A paired difference of two metrics is the
    interval of a row of differences.

    Args:
        scores: (M, Q) one row a metric, one column a query, without NaN.

    Returns:
        M intervals, of RESAMPLES draws of Q queries with replacement. One query gives an interval of no width.

    Raises:
        ArgumentError: no scores, or NaN.

    Source: Efron, "Bootstrap methods: another look at the jackknife", 1979; percentile interval.
    """
    values = np.asarray(scores, np.float64)
    if values.ndim != 2 or values.shape[1] == 0 or np.isnan(values).any():
        raise ArgumentError(
            f"Expected scores of shape (M, Q) with Q from 1 and no NaN; got shape {values.shape}. "
            "Leave out queries that have no score."
        )
    count = values.shape[1]
    generator = np.random.default_rng(0)
    step = max(1, _DRAWS_AT_ONCE // count)
    means = np.empty((RESAMPLES, len(values)))
    for start in range(0, RESAMPLES, step):
        rows = min(step, RESAMPLES - start)
        draws = generator.integers(count, size=(rows, count))
        draws += np.arange(rows)[:, None] * count
        # How often each query was drawn: a resampled mean is then one matrix product for all rows of scores.
        weights = np.bincount(draws.ravel(), minlength=rows * count).reshape(rows, count)
        means[start : start + rows] = weights.astype(np.float64) @ values.T / count
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    # Rounded: a sum that cancels to 1e-17 instead of 0 must not read as an interval that excludes zero.
    return [
        Interval(*(round(float(figure), 12) for figure in row))
        for row in zip(values.mean(axis=1), low, high, strict=True)
    ]


def _first(ranking: npt.NDArray[Any], k: int) -> npt.NDArray[Any]:
    if k < 1:
        raise ArgumentError(f"Expected k from 1; got {k}.")
    return np.asarray(ranking)[..., :k]


def _ratio(part: npt.NDArray[Any], whole: npt.NDArray[Any]) -> Scores:
    result: Scores = np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan)
    np.divide(part, whole, out=result, where=np.asarray(whole > 0))
    return result
