"""Ranking by cosine: against a slow reference, ties, zeros, and blocks of any size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autoenc.metrics.ranking import _GRID, rankings, ranks
from autoenc.vectors import unit_rows


def order_of(queries: np.ndarray, gallery: np.ndarray, own: list[int] | None = None) -> list[list[int]]:
    none = np.full(len(queries), -1) if own is None else np.array(own)
    return [row for _, rows in rankings(unit_rows(queries), unit_rows(gallery), none) for row in rows.tolist()]


def vectors(*rows: list[float]) -> np.ndarray:
    return np.array(rows, np.float32)


def test_order_by_angle() -> None:
    gallery = vectors([0, 1], [1, 0], [-1, 0], [5, 5])
    assert order_of(vectors([2, 1]), gallery) == [[3, 1, 0, 2]]


def test_ties_go_to_the_first_and_zero_has_cosine_zero() -> None:
    gallery = vectors([0, 0], [1, 1], [2, 2], [-1, 0], [1, 1], [0, 3])
    assert order_of(vectors([1, 1]), gallery) == [[1, 2, 4, 5, 0, 3]]
    assert order_of(vectors([0, 0]), gallery) == [[0, 1, 2, 3, 4, 5]]  # nothing is nearer than anything else


def test_copies_tie_however_the_product_is_summed() -> None:
    generator = np.random.default_rng(0)
    row = generator.normal(size=(1, 331)).astype(np.float32)
    query = row + generator.normal(size=row.shape).astype(np.float32)
    assert order_of(query, np.repeat(row, 203, axis=0)) == [list(range(203))]


def test_the_query_itself_comes_last() -> None:
    gallery = vectors([1, 0], [1, 0.1], [-1, 0])
    assert order_of(gallery, gallery, [0, -1, 2]) == [[1, 2, 0], [1, 0, 2], [1, 0, 2]]


@given(
    hnp.arrays(np.float32, st.tuples(st.integers(1, 6), st.just(3)), elements=st.integers(-3, 3).map(float)),
    hnp.arrays(np.float32, st.tuples(st.integers(1, 9), st.just(3)), elements=st.integers(-3, 3).map(float)),
)
def test_against_the_slow_one(queries: np.ndarray, gallery: np.ndarray) -> None:
    """But for queries with a cosine halfway between two marks of the grid, where float32's noise decides."""

    def cosine(a: np.ndarray, b: np.ndarray) -> float:
        length = np.linalg.norm(a) * np.linalg.norm(b)
        return float(a @ b / length) if length else 0.0

    cosines = [[cosine(query, row) for row in gallery] for query in queries.astype(np.float64)]
    found = order_of(queries, gallery)
    ranked = [
        ranks(unit_rows(queries), unit_rows(gallery), np.full(len(queries), target)) for target in range(len(gallery))
    ]
    for query, exact in enumerate(cosines):
        if all(abs(value * _GRID % 1 - 0.5) > 0.1 for value in exact):
            expected = sorted(range(len(gallery)), key=lambda at: (-round(exact[at], 5), at))
            assert found[query] == expected
            assert [rank[query] for rank in ranked] == [expected.index(target) for target in range(len(gallery))]


@pytest.mark.parametrize("cells", [1, 25, 60])
def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch, cells: int) -> None:
    rows = np.random.default_rng(2).normal(size=(20, 4)).astype(np.float32)
    whole, targets = order_of(rows[:7], rows, list(range(7))), np.arange(7) + 3
    rank = ranks(unit_rows(rows[:7]), unit_rows(rows), targets)
    monkeypatch.setattr("autoenc.metrics.ranking._CELLS", cells)
    assert order_of(rows[:7], rows, list(range(7))) == whole
    assert ranks(unit_rows(rows[:7]), unit_rows(rows), targets).tolist() == rank.tolist()
