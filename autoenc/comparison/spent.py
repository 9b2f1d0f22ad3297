"""How long an encoder takes for images, though some batches take longer than they should."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Spent(NamedTuple):
    """How long it took to encode some images, in seconds."""

    seconds: float = 0.0
    images: int = 0

    def plus(self, seconds: float, images: int) -> Spent:
        return Spent(self.seconds + seconds, self.images + images)


def typical(batches: Sequence[Spent]) -> Spent:
    """What some batches take together if each image takes what one takes in the median batch.

    So a batch during which an encoder was set up, or something else had the machine, counts no more than others.

    Example:
        >>> typical([Spent(9.0, 1), Spent(2.0, 2), Spent(4.0, 4)])
        Spent(seconds=7.0, images=7)
    """
    images = sum(batch.images for batch in batches)
    rate = statistics.median(batch.seconds / batch.images for batch in batches) if batches else 0.0
    return Spent(rate * images, images)
