"""Arrange what a search has found, the same way for every store: one image a product, and diverse results first."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence

import numpy as np

from autoenc.store import Hit
from autoenc.vectors import Matrix

Alike = Callable[[Sequence[Hit]], Matrix]
"""Hits -> (N, N) how similar they are to one another, on the scale of their scores."""

POOL = 256
"""How many of the best hits are rearranged. It does not depend on the page that is asked for, so that pages fit."""


def arrange(
    hits: Iterable[Hit],
    *,
    group: Callable[[Hit], Hashable] | None = None,
    diversity: float = 0.0,
    alike: Alike | None = None,
) -> list[Hit]:
    """Hits in a new order, with fewer of them where groups are asked for.

    Args:
        hits: best first.
        group: what a hit belongs to; of each group only the best hit stays.
        diversity: 0 leaves the order; up to 1, the more a hit is like one before it, the later it comes. The best hit
            stays first.
        alike: needed for diversity.

    Source: Carbonell and Goldstein, "The use of MMR, diversity-based reranking", SIGIR 1998. Their lambda is
    1 - diversity.

    Example:
        >>> hits = [Hit("a", 0.9, {}), Hit("b", 0.8, {}), Hit("c", 0.5, {})]
        >>> same = lambda hits: np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]], float)  # a and b show the same
        >>> [hit.id for hit in arrange(hits, diversity=0.5, alike=same)]
        ['a', 'c', 'b']
    """
    best = list(hits)
    if group is not None:
        first: dict[Hashable, Hit] = {}
        for hit in best:
            first.setdefault(group(hit), hit)
        best = list(first.values())
    if not diversity or alike is None or not best:
        return best
    pool = best[:POOL]
    similarities = alike(pool)
    value = (1 - diversity) * np.array([hit.score for hit in pool])
    order, left = [0], list(range(1, len(pool)))
    closest = similarities[0].copy()
    while left:
        gains = value[left] - diversity * closest[left]
        following = left.pop(int(gains.argmax()))
        order.append(following)
        np.maximum(closest, similarities[following], out=closest)
    return [pool[index] for index in order] + best[POOL:]
