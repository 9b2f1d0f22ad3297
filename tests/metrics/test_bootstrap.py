"""Bootstrap intervals: a plain loop beside them, and what they must say about pairs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from autoenc.errors import ArgumentError
from autoenc.metrics.bootstrap import LEVEL, RESAMPLES, bootstrap_intervals


def test_bootstrap_against_a_plain_loop() -> None:
    scores = np.random.default_rng(3).random(30)
    draws = np.random.default_rng(0).integers(30, size=(RESAMPLES, 30))
    means = [float(np.mean([scores[at] for at in row])) for row in draws]
    ((mean, low, high),) = bootstrap_intervals([scores])
    assert mean == pytest.approx(scores.mean())
    assert (low, high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])))
    assert LEVEL == 0.95


def test_bootstrap_comes_near_the_normal_interval() -> None:
    (interval,) = bootstrap_intervals([[0.0, 1.0] * 200])
    assert interval.mean == 0.5
    assert interval.low == pytest.approx(0.5 - 1.96 * 0.5 / 20, abs=0.006)
    assert interval.high == pytest.approx(0.5 + 1.96 * 0.5 / 20, abs=0.006)


def test_bootstrap_is_the_same_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = np.random.default_rng(0).random((2, 50))
    whole = bootstrap_intervals(scores)
    assert bootstrap_intervals(scores[1:]) == whole[1:]
    monkeypatch.setattr("autoenc.metrics.bootstrap._DRAWS_AT_ONCE", 50 * 7)  # 7 resamples at a time
    assert bootstrap_intervals(scores) == whole


def test_bootstrap_of_one_query_has_no_width() -> None:
    assert bootstrap_intervals([[0.25]]) == [(0.25, 0.25, 0.25)]


def test_bootstrap_of_differences_is_about_pairs() -> None:
    hard = np.random.default_rng(1).random(200)  # queries differ far more than the encoders do
    a, b = hard * 0.8 + 0.01, hard * 0.8
    first, second, difference = bootstrap_intervals([a, b, a - b])
    assert difference == pytest.approx((0.01, 0.01, 0.01))
    assert second.high > first.low


def test_bootstrap_takes_rounding_for_zero() -> None:
    # .1 + .2 - .3 is 5.6e-17 in floating point: no figure to conclude from.
    assert bootstrap_intervals([[0.1 + 0.2 - 0.3]]) == [(0, 0, 0)]


@pytest.mark.parametrize(
    ("scores", "message"), [([[]], "at least one query"), ([0.5], "at least one query"), ([[0.5, math.nan]], "no NaN")]
)
def test_bootstrap_refuses(scores: list[list[float]], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        bootstrap_intervals(scores)
