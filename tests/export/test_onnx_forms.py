"""Which weights a graph with smaller weights keeps in float16."""

from __future__ import annotations

import numpy as np
import pytest

from autoenc.export.onnx_forms import fits_float16


@pytest.mark.parametrize(
    ("weight", "fits"),
    [
        (np.full(64, -65504, np.float32), True),  # the largest number of float16
        (np.full(64, 65536, np.float32), False),
        (np.ones(63, np.float32), False),
        (np.ones(64, np.int64), False),
        (np.ones(0, np.float32), False),
    ],
    ids=["fits", "overflows", "small", "integers", "empty"],
)
def test_a_weight_is_kept_in_float16_where_that_pays_and_holds_it(weight: np.ndarray, fits: bool) -> None:
    assert fits_float16(weight) is fits
