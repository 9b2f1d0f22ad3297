"""Vectors of items from what users did with them, against dense matrices."""

from __future__ import annotations

import numpy as np
import pytest

from autoenc.catalog.factors import item_factors
from autoenc.vectors import Matrix


def pairs_of(table: Matrix) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[int, int]]:
    """A dense matrix of items and users, as `item_factors` takes it."""
    item_of, user_of = np.nonzero(table)
    return user_of, item_of, table[item_of, user_of].astype(float), table.shape


def slow(table: Matrix, dim: int) -> Matrix:
    """Cosines of the items, by the definition."""
    cells = np.log1p(table * ((table > 0).sum(axis=0) > 1))
    cells = cells / np.sqrt(np.maximum(cells.sum(axis=0), 1e-300))
    cells /= np.maximum(np.linalg.norm(cells, axis=1), 1e-300)[:, None]
    left, singular, _ = np.linalg.svd(cells, full_matrices=False)
    rows = left[:, :dim] * singular[:dim]
    rows /= np.maximum(np.linalg.norm(rows, axis=1), 1e-300)[:, None]
    return rows @ rows.T


def some_table(items: int, users: int, seed: int = 3) -> Matrix:
    """Clicks of users with three tastes, and some at random."""
    rng = np.random.default_rng(seed)
    chance = np.where(np.arange(items)[:, None] % 3 == np.arange(users) % 3, 0.5, 0.03)
    return (rng.random((items, users)) < chance) * rng.integers(1, 9, (items, users))


def test_all_singular_vectors_keep_the_cosines_of_whole_rows() -> None:
    """By hand: ann and bob have items 0 and 1 in common, cem has 1 and 2; log(1 + 1) cancels out."""
    table = np.array([[1, 1, 0], [1, 1, 1], [0, 0, 1]])
    rows, known = item_factors(*pairs_of(table), dim=9)
    assert rows.shape == (3, 3)
    assert rows.dtype == np.float32
    assert known.all()
    both = 2 / np.sqrt(2 * 3)
    np.testing.assert_allclose(rows @ rows.T, [[1, both, 0], [both, 1, 1 / 3**0.5], [0, 1 / 3**0.5, 1]], atol=1e-6)


@pytest.mark.parametrize(("shape", "dim"), [((40, 60), 3), ((60, 40), 3), ((30, 20), 20), ((20, 50), 50)])
def test_the_vectors_are_those_of_the_singular_value_decomposition(shape: tuple[int, int], dim: int) -> None:
    table = some_table(*shape)
    rows, known = item_factors(*pairs_of(table), dim=dim)
    assert rows.shape == (shape[0], min(dim, *shape))
    assert known.all()
    np.testing.assert_allclose(rows @ rows.T, slow(table, dim), atol=2e-3)


def test_items_with_no_user_in_common_are_near_if_their_users_are() -> None:
    """Users of one taste, each with three of its items: few singular vectors tell more than the rows themselves."""
    rng = np.random.default_rng(0)
    table = np.zeros((24, 90))
    for user in range(90):
        table[rng.choice(12, 3, replace=False) + 12 * (user % 2), user] = 1
    cosines = np.triu(slow(table, 24), 1)[:12, :12]
    apart = np.argwhere((table @ table.T)[:12, :12] == 0)
    assert len(apart)
    rows, _ = item_factors(*pairs_of(table), dim=2)
    assert (rows[:12] @ rows[:12].T).min() > 0.95
    assert np.abs(rows[:12] @ rows[12:].T).max() < 0.05
    assert all(abs(cosines[min(pair), max(pair)]) < 1e-6 for pair in apart)


def test_users_of_one_item_relate_it_to_no_other() -> None:
    table = np.array([[1, 0, 0], [1, 0, 7], [0, 5, 0], [0, 0, 0]])
    rows, known = item_factors(*pairs_of(table), dim=2)
    assert known.tolist() == [True, True, False, False]
    assert not rows[2:].any()
    np.testing.assert_allclose(rows[:2] @ rows[:2].T, 1, atol=1e-6)


def test_the_hundredth_click_counts_less_and_a_busy_user_too() -> None:
    clicks = np.array([[100, 1, 0], [100, 0, 1], [0, 1, 1]])
    rows, _ = item_factors(*pairs_of(clicks), dim=3)
    np.testing.assert_allclose(rows @ rows.T, slow(clicks, 3), atol=1e-6)
    linear = clicks / np.linalg.norm(clicks, axis=1, keepdims=True)
    assert rows[0] @ rows[1] < linear[0] @ linear[1] - 0.01
    busy = np.array([[1, 1, 0], [1, 0, 1], [1, 0, 0], [1, 1, 0], [1, 0, 1]])  # one does something with everything
    rows, _ = item_factors(*pairs_of(busy), dim=3)
    assert rows[0] @ rows[3] == pytest.approx(1)
    assert rows[0] @ rows[1] < 0.5  # which is the cosine of the table itself


def test_the_same_table_gives_the_same_vectors() -> None:
    table = some_table(50, 70)
    first, again = (item_factors(*pairs_of(table), dim=8)[0] for _ in range(2))
    np.testing.assert_array_equal(first, again)
