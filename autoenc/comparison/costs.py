"""What is worth its cost: the Pareto front."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, get_args

Cost = Literal["ms_per_image", "bytes_per_image"]
"""What one image costs: the time to encode it, and the room that its vector takes."""

COSTS: tuple[Cost, ...] = get_args(Cost)


def pareto_front(costs: Mapping[str, float], quality: Mapping[str, float]) -> list[str]:
    """The names than which no other is as good and cheaper, or better and as cheap.

    Args:
        costs: name -> cost; less is better.
        quality: name -> quality; more is better.

    Returns:
        the names, the cheapest first; of two with equal cost and quality, both.

    Example:
        >>> pareto_front({"a": 1, "b": 2, "c": 3, "d": 2}, {"a": 0.5, "b": 0.75, "c": 0.75, "d": 0.25})
        ['a', 'b']
    """
    front: list[str] = []
    best, price = -math.inf, math.nan
    for name in sorted(costs, key=lambda name: (costs[name], -quality[name])):
        if quality[name] > best or (quality[name], costs[name]) == (best, price):
            front.append(name)
            best, price = quality[name], costs[name]
    return front
