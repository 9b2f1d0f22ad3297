"""Arrays: unit rows, even samples, covariance and principal axes, beside NumPy's own."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autoenc.vectors import covariance, evenly, principal_axes, unit_rows


def rows(*values: list[float]) -> np.ndarray:
    return np.array(values, np.float32)


# ---- unit_rows --------------------------------------------------------------------------------------


def test_unit_rows_by_hand() -> None:
    given = rows([3, 4], [0, 0], [0, -2])
    unit = unit_rows(given)
    assert unit.dtype == np.float32
    np.testing.assert_allclose(unit, [[0.6, 0.8], [0, 0], [0, -1]], rtol=1e-7)
    np.testing.assert_array_equal(given, rows([3, 4], [0, 0], [0, -2]), "what was given stays")


def test_unit_rows_of_extreme_lengths() -> None:
    np.testing.assert_allclose(unit_rows(rows([3e38, 3e38], [1e-30, 0])), [[0.5**0.5] * 2, [1, 0]], rtol=1e-6)


# ---- evenly -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "limit", "expected"),
    [
        (5, 9, [0, 1, 2, 3, 4]),  # all, where there are no more
        (5, 5, [0, 1, 2, 3, 4]),
        (9, 3, [0, 4, 8]),  # the first, the middle, the last
        (10, 4, [0, 3, 6, 9]),
        (4, 1, [0]),
        (0, 3, []),
    ],
)
def test_evenly_by_hand(count: int, limit: int, expected: list[int]) -> None:
    assert evenly(np.arange(count), limit).tolist() == expected


@given(st.integers(1, 300), st.integers(1, 300))
def test_evenly_draws_as_many_as_asked_for_and_none_twice(count: int, limit: int) -> None:
    drawn = evenly(np.arange(count), limit).tolist()
    assert len(drawn) == min(count, limit)
    assert drawn == sorted(set(drawn))
    gaps = {after - before for before, after in pairwise(drawn)}
    assert max(gaps, default=0) - min(gaps, default=0) <= 1, "gaps differ by one at most"


def test_evenly_takes_rows_of_any_shape() -> None:
    assert len(evenly(np.zeros((101, 2)), 100)) == 100


# ---- covariance -------------------------------------------------------------------------------------


def test_covariance_by_hand() -> None:
    # Means 2 and 1; deviations -1, 0, 1 and -1, 2, -1.
    np.testing.assert_allclose(covariance(rows([1, 0], [2, 3], [3, 0])), [[2 / 3, 0], [0, 2]], atol=1e-15)


@given(hnp.arrays(np.float32, st.tuples(st.integers(2, 9), st.integers(2, 5)), elements=st.floats(-8, 8, width=32)))
def test_covariance_is_that_of_numpy_without_the_correction(vectors: np.ndarray) -> None:
    found = covariance(vectors)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, np.cov(vectors.astype(np.float64).T, bias=True), atol=1e-12)


def test_covariance_far_from_zero() -> None:
    spread = np.random.default_rng(0).integers(0, 8, (50, 3)).astype(np.float32)
    np.testing.assert_allclose(covariance(spread + np.float32(2**20)), covariance(spread), atol=1e-9)


# ---- principal_axes ---------------------------------------------------------------------------------


def test_principal_axes_by_hand() -> None:
    # [[3, 1], [1, 3]] stretches the diagonal by 4 and the other diagonal by 2.
    values, axes = principal_axes(np.array([[3.0, 1.0], [1.0, 3.0]]))
    np.testing.assert_allclose(values, [4, 2])
    np.testing.assert_allclose(axes[:, 0], [0.5**0.5, 0.5**0.5])


@pytest.mark.parametrize("count", [1, 3, 40])
def test_the_largest_entry_of_an_axis_is_positive(count: int) -> None:
    generator = np.random.default_rng(0)
    mixed = generator.standard_normal((400, 400)) * 0.9 ** np.arange(400)
    _, axes = principal_axes(mixed @ mixed.T, count)
    largest = axes[np.abs(axes).argmax(axis=0), np.arange(count)]
    assert (largest > 0).all()
    np.testing.assert_allclose(np.linalg.norm(axes, axis=0), 1)


def test_more_axes_than_there_are_is_all_of_them() -> None:
    values, axes = principal_axes(np.diag([1.0, 4.0, 9.0]), 7)
    assert values.tolist() == [9, 4, 1]
    assert axes.shape == (3, 3)


@pytest.mark.parametrize("spectrum", ["falling", "flat", "low rank", "zero"])
def test_few_of_many_axes_are_those_of_all(monkeypatch: pytest.MonkeyPatch, spectrum: str) -> None:
    generator = np.random.default_rng(0)
    turned = np.linalg.qr(generator.standard_normal((200, 200)))[0]
    values = {
        "falling": 0.9 ** np.arange(200),
        "flat": np.linspace(1, 0.99, 200),  # does not converge: all axes are computed
        "low rank": np.array([3.0, 2.0, 1.0] + [0.0] * 197),
        "zero": np.zeros(200),
    }[spectrum]
    matrix = turned * values @ turned.T
    found, axes = principal_axes(matrix, 5)
    np.testing.assert_allclose(found, values[:5], atol=1e-8)
    np.testing.assert_allclose(axes.T @ axes, np.eye(5), atol=1e-9)
    distinct = int((values[:5] > 0).sum())
    overlap = np.abs((axes * turned[:, :5]).sum(axis=0))[:distinct]
    np.testing.assert_allclose(overlap, 1, atol=1e-6)
    eigh = np.linalg.eigh
    monkeypatch.setattr(np.linalg, "eigh", lambda of: pytest.fail("all axes") if len(of) == 200 else eigh(of))
    if spectrum == "flat":
        with pytest.raises(pytest.fail.Exception, match="all axes"):
            principal_axes(matrix, 5)
    else:
        np.testing.assert_array_equal(principal_axes(matrix, 5)[1], axes)
