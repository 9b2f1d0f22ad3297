"""How far a mean over queries can be trusted: bootstrap intervals, in NumPy alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from autoenc.errors import ArgumentError

RESAMPLES = 2000
"""How many times the queries are resampled."""

LEVEL = 0.95
"""The share of the resampled means that lies inside an interval."""

_DRAWS_AT_ONCE = 2**22  # bounds the memory of a bootstrap over many queries


class Interval(NamedTuple):
    """A mean and the interval around it."""

    mean: float
    low: float
    high: float


def bootstrap_intervals(scores: npt.ArrayLike) -> list[Interval]:
    """The mean of each row of scores, with its percentile bootstrap interval over queries.

    All rows see the same resamples. One call for many metrics therefore costs little more than a call for one, and
    a row's interval does not depend on the other rows or on the run. For a paired difference, pass a row of
    differences.

    Args:
        scores: (M, Q), one row per metric and one column per query, without NaN.

    Returns:
        M intervals, each from RESAMPLES draws of Q queries with replacement. A single query gives an interval of
        zero width.

    Raises:
        ArgumentError: no scores, or NaN.

    Source: Efron, "Bootstrap methods: another look at the jackknife", 1979; percentile interval.

    Example:
        >>> bootstrap_intervals([[0.5, 0.5, 0.5], [0.0, 0.0, 1.0]])[0]
        Interval(mean=0.5, low=0.5, high=0.5)
    """
    values = np.asarray(scores, np.float64)
    if values.ndim != 2 or values.shape[1] == 0 or np.isnan(values).any():
        raise ArgumentError(
            f"Expected scores of shape (M, Q) with at least one query and no NaN; got shape {values.shape}. "
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
