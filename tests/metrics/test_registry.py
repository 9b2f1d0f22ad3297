"""The registry of metrics: names, words, and scores by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from autoenc.errors import ArgumentError
from autoenc.metrics.registry import METRICS, SELF_RECALL, find_metric, score_ranking


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("p@5", "Precision at 5"),
        ("hit@10", "Hit rate at 10"),
        ("recall@12", "Recall at 12"),
        ("ndcg@5", "NDCG at 5"),
        ("knn@3", "kNN accuracy at 3"),
        ("map", "Mean average precision"),
        ("selfrecall@1", "Self-recall at 1"),
    ],
)
def test_a_metric_has_a_name_and_a_title(name: str, title: str) -> None:
    metric = find_metric(name)
    assert (metric.name, metric.title) == (name, title)


@pytest.mark.parametrize("name", [*METRICS, *(f"selfrecall@{k}" for k in SELF_RECALL)])
def test_an_explanation_names_its_k_and_is_a_few_sentences(name: str) -> None:
    metric = find_metric(name)
    assert metric.explanation.endswith(".")
    assert 60 < len(metric.explanation) < 400
    k = name.partition("@")[2]
    assert k in metric.explanation or (name == "selfrecall@1" and "comes back first." in metric.explanation)


def test_self_recall_alone_needs_no_labels() -> None:
    assert all(find_metric(name).needs_labels for name in METRICS)
    assert not find_metric("selfrecall@5").needs_labels


def test_a_name_is_parsed_once() -> None:
    assert find_metric("p@7") is find_metric("p@7")
    with pytest.raises(dataclasses.FrozenInstanceError):
        find_metric("p@7").title = "other"  # type: ignore[misc]


@pytest.mark.parametrize("name", ["", "p", "p@0", "p@-1", "p@05", "map@5", "dcg@5", "p@5 ", "P@5", "p@1.5"])
def test_an_unknown_name_is_answered_with_those_that_exist(name: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        find_metric(name)
    assert str(caught.value) == (
        f"Unknown metric '{name}'; there are p@k, hit@k, recall@k, ndcg@k, knn@k, selfrecall@k (k from 1, as in p@5) "
        f"and map."
    )


def test_scores_by_hand() -> None:
    scores = score_ranking(np.array([1, 0, 1, 0, 0, 1]), 1)
    assert tuple(scores) == METRICS
    assert scores == pytest.approx(
        {"p@5": 0.4, "p@10": 0.3, "hit@5": 1, "recall@10": 1, "map": (1 + 2 / 3 + 1 / 2) / 3, "knn@10": 1}
    )
    assert score_ranking(np.array([1, 0]), 1, ["recall@1", "p@1"]) == {"recall@1": 1.0, "p@1": 1.0}
    assert score_ranking(np.array([0, 1, 1]), 1, ["hit@1", "recall@2", "knn@3"]) == {
        "hit@1": 0.0, "recall@2": 0.5, "knn@3": 1.0
    }  # fmt: skip


def test_self_recall_is_not_computed_from_labels() -> None:
    with pytest.raises(ArgumentError, match="from labels; got 'selfrecall@1'"):
        score_ranking(np.array([1, 0]), 1, ["selfrecall@1"])
