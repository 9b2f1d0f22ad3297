"""Groups and diversity."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autoenc.catalog.arranging import POOL, arrange
from autoenc.store import Hit


def hits(*scores: float) -> list[Hit]:
    return [Hit(f"{number:03d}", score, {"product": number % 3}) for number, score in enumerate(scores)]


def cosines(count: int, seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((count, 3))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows @ rows.T


def test_nothing_asked_changes_nothing():
    found = hits(0.9, 0.8, 0.7)
    assert arrange(found) == found
    assert arrange([], diversity=0.5, alike=lambda _: np.zeros((0, 0))) == []


def test_of_each_group_the_best_stays():
    found = hits(0.9, 0.8, 0.7, 0.6, 0.5)
    assert arrange(found, group=lambda hit: hit.payload["product"]) == found[:3]


def slow(scores: list[float], alike: np.ndarray, diversity: float) -> list[int]:
    """Maximal marginal relevance as its paper puts it: pick what is relevant, and unlike all that was picked."""
    order: list[int] = []
    while len(order) < len(scores):
        left = [index for index in range(len(scores)) if index not in order]

        def gain(index: int) -> float:
            return (1 - diversity) * scores[index] - diversity * max(alike[index, one] for one in order)

        order.append(max(left, key=gain) if order else 0)
    return order


@given(st.integers(1, 12), st.integers(0, 9), st.sampled_from([0.1, 0.5, 0.9, 1.0]))
def test_diversity_is_maximal_marginal_relevance(count, seed, diversity):
    scores = sorted(np.random.default_rng(seed).random(count), reverse=True)
    found, alike = hits(*scores), cosines(count, seed)
    arranged = arrange(found, diversity=diversity, alike=lambda _: alike)
    assert arranged == [found[index] for index in slow(scores, alike, diversity)]


def test_pages_of_diverse_results_fit_together():
    """The order of the first hits does not depend on how many there are."""
    found = hits(*np.linspace(1, 0, POOL + 50))

    def alike(some):
        assert len(some) == POOL
        return cosines(POOL, 1)

    few, many = (arrange(found[:count], diversity=0.5, alike=alike) for count in (POOL, POOL + 50))
    assert many[:POOL] == few
    assert many[POOL:] == found[POOL:]
