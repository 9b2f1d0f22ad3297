"""Retrieval metrics as functions: rankings in, one score per query out, in NumPy alone.

A ranking is described by its relevance: (..., R) bool, one row per query, the nearest result first, the query itself
left out. Every function looks along the last axis and returns one float64 per query. Scores stay separate for each
query, because intervals and paired differences are computed from them, not from their mean.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from autoenc.errors import ArgumentError
from autoenc.vectors import Indices

Scores = npt.NDArray[np.float64]
Relevance = npt.NDArray[np.bool_]


def precision_at_k(relevant: Relevance, k: int) -> Scores:
    """The share of the first k results that are relevant.

    Args:
        relevant: (..., R) bool in rank order.
        k: from 1. The divisor is always k: ranks past the end of the ranking count as not relevant.

    Returns:
        (...) float64.

    Raises:
        ArgumentError: k below 1.

    Example:
        >>> precision_at_k(np.array([[True, False, True], [False, False, False]]), 2).tolist()
        [0.5, 0.0]
    """
    return np.asarray(_first(relevant, k).sum(axis=-1) / k, np.float64)


def hit_at_k(relevant: Relevance, k: int) -> Scores:
    """1.0 where any of the first k results is relevant, else 0.0; arguments as for `precision_at_k`.

    Example:
        >>> hit_at_k(np.array([[True, False, True], [False, False, False]]), 2).tolist()
        [1.0, 0.0]
    """
    return np.asarray(_first(relevant, k).any(axis=-1), np.float64)


def recall_at_k(relevant: Relevance, k: int, total: npt.ArrayLike) -> Scores:
    """The share of the relevant items that are among the first k results.

    Args:
        relevant: (..., R) bool in rank order.
        k: from 1.
        total: the number of relevant items for each query: (...), or one number for all.

    Returns:
        (...) float64; NaN where `total` is 0, because recall is then undefined.

    Raises:
        ArgumentError: k below 1.

    Example:
        >>> float(recall_at_k(np.array([True, False, True]), 2, total=4))
        0.25
    """
    found = _first(relevant, k).sum(axis=-1)
    return _ratio(found, np.asarray(total))


def ndcg_at_k(relevant: Relevance, k: int, total: npt.ArrayLike) -> Scores:
    """Normalized discounted cumulative gain: recall that counts a relevant item more, the earlier it comes.

    An item at rank r counts 1 / log2(r + 1). The sum over the first k results is divided by that of the best ranking.

    Args:
        relevant: (..., R) bool in rank order.
        k: from 1.
        total: the number of relevant items for each query: (...), or one number for all.

    Returns:
        (...) float64; NaN where `total` is 0, because there is no best ranking.

    Raises:
        ArgumentError: k below 1.

    Source: Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", ACM TOIS 2002. Departs from it:
    the second result is discounted, too, as is usual now, and an item is relevant or not.

    Example:
        >>> ndcg_at_k(np.array([[True, False], [False, True], [False, False]]), 2, total=1).round(4).tolist()
        [1.0, 0.6309, 0.0]
    """
    first = _first(relevant, k)
    gains = 1 / np.log2(np.arange(2, k + 2))
    best = np.concatenate([[0.0], np.cumsum(gains)])[np.minimum(np.asarray(total), k)]
    return _ratio(np.asarray((first * gains[: first.shape[-1]]).sum(axis=-1)), np.asarray(best))


def average_precision(relevant: Relevance) -> Scores:
    """The mean of the precision at the rank of each relevant item, over the whole ranking.

    Args:
        relevant: (..., R) bool in rank order, every relevant item included.

    Returns:
        (...) float64; NaN where nothing is relevant.

    Source: Manning, Raghavan and Schütze, "Introduction to Information Retrieval", 2008, section 8.4,
    without interpolation. The mean over queries is mAP.

    Example:
        >>> float(average_precision(np.array([True, False, False, True])))  # precision 1 at rank 1, 2/4 at rank 4
        0.75
    """
    relevant = np.asarray(relevant, bool)
    found = np.cumsum(relevant, axis=-1)
    ranks = np.arange(1, relevant.shape[-1] + 1)
    return _ratio((found / ranks * relevant).sum(axis=-1), relevant.sum(axis=-1))


def knn_accuracy(neighbors: Indices, truth: npt.ArrayLike, k: int) -> Scores:
    """1.0 where the most common label among the k nearest neighbors is the query's own, else 0.0.

    A tie goes to the label with the nearest member. With fewer than k neighbors, all of them vote.

    Args:
        neighbors: (..., R) integer labels in rank order.
        truth: (...) integer label of each query.
        k: from 1.

    Returns:
        (...) float64; 0.0 where there are no neighbors.

    Raises:
        ArgumentError: k below 1.

    Source: Cover and Hart, "Nearest neighbor pattern classification", 1967. Departs from it: a fixed rule for ties.

    Example:
        >>> float(knn_accuracy(np.array([7, 3, 3]), truth=3, k=3))
        1.0
    """
    nearest = _first(neighbors, k)
    if nearest.shape[-1] == 0:
        return np.zeros(nearest.shape[:-1])
    votes = (nearest[..., :, None] == nearest[..., None, :]).sum(axis=-1)
    # argmax takes the first maximum, and the first member of a label is its nearest.
    winner = np.take_along_axis(nearest, votes.argmax(axis=-1)[..., None], axis=-1)[..., 0]
    return np.asarray(winner == np.asarray(truth), np.float64)


def self_recall_at_k(ranks: Indices, k: int) -> Scores:
    """1.0 where an altered copy of an image finds the original among the first k results, else 0.0.

    Args:
        ranks: (...) rank of the original, from 0.
        k: from 1.

    Returns:
        (...) float64.

    Example:
        >>> self_recall_at_k(np.array([0, 4, 5]), 5).tolist()
        [1.0, 1.0, 0.0]
    """
    return np.asarray(ranks < k, np.float64)


def _first(ranking: npt.NDArray[Any], k: int) -> npt.NDArray[Any]:
    if k < 1:
        raise ArgumentError(f"k= must be 1 or more; got {k}.")
    return np.asarray(ranking)[..., :k]


def _ratio(part: npt.NDArray[Any], whole: npt.NDArray[Any]) -> Scores:
    result: Scores = np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan)
    np.divide(part, whole, out=result, where=np.asarray(whole > 0))
    return result
