"""Metrics: values worked out by hand, a slow reference, and properties of any ranking."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoenc.errors import ArgumentError
from autoenc.metrics.scores import (
    average_precision,
    hit_at_k,
    knn_accuracy,
    ndcg_at_k,
    precision_at_k,
    recall_at_k,
    self_recall_at_k,
)

RANKING = np.array([True, False, True, False, False, True])  # relevant at ranks 1, 3 and 6

relevances = st.lists(st.booleans(), min_size=1, max_size=40).map(lambda row: np.array(row, bool))


def slow_average_precision(relevant: list[bool]) -> float:
    precisions = [sum(relevant[:rank]) / rank for rank in range(1, len(relevant) + 1) if relevant[rank - 1]]
    return statistics.fmean(precisions)


def slow_knn(neighbors: list[int], truth: int, k: int) -> float:
    votes: dict[int, int] = {}  # in order of the nearest member
    for label in neighbors[:k]:
        votes[label] = votes.get(label, 0) + 1
    most = max(votes.values(), default=0)
    return float(next((label for label, count in votes.items() if count == most), None) == truth)


def test_values_by_hand() -> None:
    assert precision_at_k(RANKING, 1) == 1
    assert precision_at_k(RANKING, 5) == 2 / 5
    assert precision_at_k(RANKING, 10) == 3 / 10  # past the end nothing is relevant
    assert hit_at_k(RANKING[1:], 1) == 0
    assert hit_at_k(RANKING[1:], 2) == 1
    assert recall_at_k(RANKING, 5, 3) == pytest.approx(2 / 3)
    assert recall_at_k(RANKING, 5, 8) == 2 / 8  # more are relevant than were ranked
    assert average_precision(RANKING) == pytest.approx((1 / 1 + 2 / 3 + 3 / 6) / 3)
    second, third = 1 / math.log2(3), 1 / 2
    assert ndcg_at_k(RANKING, 3, 3) == pytest.approx((1 + third) / (1 + second + third))
    assert ndcg_at_k(RANKING, 2, 1) == 1  # one was to be found, and came first
    assert ndcg_at_k(RANKING[1:2], 5, 2) == 0  # fewer were ranked than asked for


def test_nothing_relevant_is_not_defined() -> None:
    nothing = np.zeros(4, bool)
    assert math.isnan(average_precision(nothing))
    assert math.isnan(recall_at_k(nothing, 2, 0))
    assert math.isnan(ndcg_at_k(nothing, 2, 0))
    assert precision_at_k(nothing, 2) == 0
    assert hit_at_k(np.zeros(0, bool), 2) == 0


@pytest.mark.parametrize(
    ("neighbors", "truth", "k", "expected"),
    [
        ([7, 3, 3], 3, 3, 1.0),  # two against one
        ([7, 3, 3], 7, 1, 1.0),
        ([7, 3, 3, 7], 7, 4, 1.0),  # two each: 7 has the nearest member
        ([7, 3, 3, 7], 3, 4, 0.0),
        ([7, 3, 3, 7], 3, 3, 1.0),
        ([5], 5, 10, 1.0),  # those who are there vote
        ([], 5, 10, 0.0),
    ],
)
def test_knn_by_hand(neighbors: list[int], truth: int, k: int, expected: float) -> None:
    assert knn_accuracy(np.array(neighbors, np.int64), truth, k) == expected


@pytest.mark.parametrize("k", [0, -3])
def test_k_below_one(k: int) -> None:
    for call in (
        lambda: precision_at_k(RANKING, k),
        lambda: hit_at_k(RANKING, k),
        lambda: recall_at_k(RANKING, k, 3),
        lambda: ndcg_at_k(RANKING, k, 3),
        lambda: knn_accuracy(np.array([1, 2]), 1, k),
    ):
        with pytest.raises(ArgumentError, match=f"k= must be 1 or more; got {k}"):
            call()


@given(relevances)
def test_average_precision_against_the_slow_one(relevant: np.ndarray) -> None:
    if relevant.any():
        assert average_precision(relevant) == pytest.approx(slow_average_precision(relevant.tolist()))


@given(st.lists(st.integers(0, 4), max_size=30), st.integers(0, 4), st.integers(1, 12))
def test_knn_against_the_slow_one(neighbors: list[int], truth: int, k: int) -> None:
    assert knn_accuracy(np.array(neighbors, np.int64), truth, k) == slow_knn(neighbors, truth, k)


@given(relevances, st.integers(1, 50))
def test_what_holds_for_every_ranking(relevant: np.ndarray, k: int) -> None:
    total = int(relevant.sum())
    precision, hit = precision_at_k(relevant, k), hit_at_k(relevant, k)
    assert 0 <= precision <= hit <= 1
    if total:
        assert precision * k == pytest.approx(recall_at_k(relevant, k, total) * total)
        best = np.sort(relevant)[::-1]
        assert average_precision(best) == 1
        assert 0 < average_precision(relevant) <= 1
        assert recall_at_k(relevant, len(relevant), total) == 1
        assert ndcg_at_k(best, k, total) == pytest.approx(1)
        assert 0 <= ndcg_at_k(relevant, k, total) <= ndcg_at_k(best, k, total) + 1e-9


@given(st.lists(st.lists(st.integers(0, 3), min_size=7, max_size=7), min_size=1, max_size=5), st.integers(1, 9))
def test_a_batch_is_its_rows(rows: list[list[int]], k: int) -> None:
    codes = np.array(rows, np.int64)
    truth = np.arange(len(rows)) % 4
    relevant = codes == truth[:, None]
    total = relevant.sum(axis=1)
    for metric in (
        lambda at: precision_at_k(relevant[at], k),
        lambda at: hit_at_k(relevant[at], k),
        lambda at: recall_at_k(relevant[at], k, total[at]),
        lambda at: ndcg_at_k(relevant[at], k, total[at]),
        lambda at: average_precision(relevant[at]),
        lambda at: knn_accuracy(codes[at], truth[at], k),
    ):
        np.testing.assert_array_equal(metric(slice(None)), [metric(at) for at in range(len(rows))])


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30, unique=True), st.data(), st.integers(1, 12))
def test_self_recall_is_the_hit_rate_of_the_one_original(order: list[int], data: st.DataObject, k: int) -> None:
    original = data.draw(st.sampled_from(order))
    rank = np.array(order.index(original))
    assert self_recall_at_k(rank, k) == hit_at_k(np.array(order) == original, k)
