"""Whether two payloads are one, as far as Qdrant keeps them."""

from __future__ import annotations

import math
from typing import Any

LAST_DIGIT = 1e-14
"""How far, relatively, two copies of a number in a payload may lie apart: Qdrant reads some back with another last
digit than was written (121.42857142857143 as 121.42857142857144)."""


def alike(one: Any, other: Any) -> bool:
    """Whether two values of JSON are equal, but for the last digit of floats. 1, 1.0 and True are three values.

    Example:
        >>> alike({"price": 121.42857142857143}, {"price": 121.42857142857144}), alike([1], [True])
        (True, False)
    """
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, float):
        return math.isclose(one, other, rel_tol=LAST_DIGIT)
    return bool(one == other)
