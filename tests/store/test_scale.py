"""A scale: what an encoder's cosines mean in one catalog."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoenc.store import Scale
from autoenc.store.scale import scale_from

EVEN = tuple(number / 100 for number in range(101))


def test_random_pairs_are_0_and_neighbors_are_1() -> None:
    scale = Scale(0.1, 0.5, EVEN, 48, "p")
    assert [scale.scaled(cosine) for cosine in (0.1, 0.3, 0.5, 0.9, -0.3)] == pytest.approx([0, 0.5, 1, 2, -1])
    assert scale.span == pytest.approx(0.4)


@pytest.mark.parametrize("median", [1.0, 0.999995], ids=["equal", "told apart by rounding alone"])
def test_where_all_vectors_are_equal_cosines_keep_their_differences(median: float) -> None:
    scale = Scale(median, 1.0, (1.0,) * 101, 48, "p")
    assert scale.span == 1
    assert [scale.scaled(cosine) for cosine in (1.0, 0.75, -1.0)] == [1, 0.75, -1]


def test_percentiles_are_interpolated() -> None:
    scale = Scale(0.0, 0.6, (0.2, *[0.4] * 49, *[0.6] * 50, 0.8), 48, "p")
    told = {-1.0: 0, 0.1: 0, 0.2: 0, 0.3: 0.5, 0.4: 49, 0.5: 49.5, 0.6: 99, 0.7: 99.5, 0.8: 100, 1.0: 100}
    assert {cosine: scale.percentile(cosine) for cosine in told} == pytest.approx(told)


@given(
    percentiles=st.lists(st.floats(-1, 1), min_size=101, max_size=101).map(sorted),
    below=st.floats(0, 1),
    cosines=st.lists(st.floats(-1, 1), min_size=2, max_size=2).map(sorted),
)
def test_a_higher_cosine_never_counts_less(percentiles: list[float], below: float, cosines: list[float]) -> None:
    scale = Scale(max(-1.0, percentiles[50] - below), percentiles[50], tuple(percentiles), 48, "p")
    low, high = cosines
    assert scale.scaled(low) <= scale.scaled(high)
    assert 0 <= scale.percentile(low) <= scale.percentile(high) <= 100


def test_a_sample_makes_a_scale() -> None:
    angles = np.radians([0, 60, 60, 180])  # pairs, but for the two copies: cosines of .5, .5, -1, -.5 and -.5
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    scale = scale_from(rows, np.array([0.5, 0.5, 0.5, -0.5]), 9, "p")
    assert (scale.median, scale.nearest, scale.points, scale.fingerprint) == (-0.5, 0.5, 9, "p")
    assert (scale.percentiles[0], scale.percentiles[34], scale.percentiles[100]) == (-0.5, 0.5, 0.5)
    without = scale_from(rows, np.array([0.5, np.nan, np.nan, 0.25]), 9, "p")
    assert (without.median, without.nearest) == (-1, 0.375), "only the first and the last image count"
    nobody = scale_from(rows, np.full(4, np.nan), 9, "p")
    assert (nobody.median, nobody.nearest) == (1, 1)
