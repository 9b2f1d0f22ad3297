"""What `find_duplicates` finds: groups of copies, and what they were told by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from autoenc.images.finding import SkippedFile
from autoenc.text import counted, exact

THRESHOLD = 0.86
"""The least likeness of copies where the data suggest none."""

_VALLEY = (0.82, 0.92)
"""Where a suggested threshold lies."""

_WIDTH = 0.04
_ENOUGH = 20  # likenesses above the valley, for it to suggest anything


@dataclass(frozen=True)
class Copy:
    """An image in a group of copies.

    Attributes:
        id: the point's id.
        path: the file, absolute; None for a picture that was indexed from memory.
        width, height: in pixels.
        bytes: of the file.
        likeness: to the best image of the group, 0 to 1; 1 for the best one itself. It may be below the threshold: a
            group is what is like its center, the image with the most copies, which need not be the best.
        exact: whether it is the best image's file, byte for byte.
        missing: whether the file is gone.
        worse: whether it can go without a loss: it is not the best, and one image of the group that stays holds all of
            its fields with the same values.
    """

    id: str
    path: Path | None
    width: int
    height: int
    bytes: int
    likeness: float = 1.0
    exact: bool = True
    missing: bool = False
    worse: bool = False

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "path": None if self.path is None else exact(self.path)}


@dataclass(frozen=True)
class Duplicates:
    """What `find_duplicates` found.

    Attributes:
        groups: copies of one picture, best first: those with a product, then with the most fields (your own, beside
            those of autoenc), most pixels, most bytes; a file that is gone last. The largest groups come first.
        threshold: the least likeness of a copy to the center of its group.
        suggested: whether the data suggested it.
        likenesses: of every pair of pictures that was compared pixel by pixel.
        using: the encoders that looked for neighbors.
        images: how many images were looked at.
        lacking: how many of them have no vector of any of the encoders; only exact copies of them are found.
        foreign: points that `index_images` did not write, which were not looked at.
        unread: pictures that could not be compared, and why; only exact copies of them are found.
    """

    groups: list[tuple[Copy, ...]]
    threshold: float
    suggested: bool
    likenesses: tuple[float, ...] = field(repr=False)
    using: tuple[str, ...]
    images: int
    lacking: int
    foreign: int
    unread: list[SkippedFile] = field(repr=False)

    @property
    def worse(self) -> list[str]:
        """The ids of the copies that can go without a loss: what `remove_images(store, ids=…)` takes.

        The best of each group stays, and so do copies with a field, or a value of it, that it does not hold.
        """
        return [copy.id for group in self.groups for copy in group if copy.worse]

    def told(self) -> str:
        """What was found, in one line."""
        how = "suggested by the data" if self.suggested else "fixed"
        beside = sum(len(group) - 1 for group in self.groups)
        staying = beside - len(self.worse)
        own = "fields of its own" if staying == 1 else "fields of their own"
        fields = f"; {counted(staying, 'copy', 'copies')} with {own}" if staying else ""
        return (
            f"{counted(len(self.groups), 'group')} with {counted(beside, 'copy', 'copies')} beside the best, "
            f"in {counted(self.images, 'image')} by {', '.join(self.using)}; likeness {self.threshold:.2f} or more "
            f"({how}){fields}"
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "images": self.images,
            "using": list(self.using),
            "threshold": self.threshold,
            "suggested": self.suggested,
            "compared": len(self.likenesses),
            "lacking": self.lacking,
            "foreign": self.foreign,
            "groups": [[copy.to_dict() for copy in group] for group in self.groups],
            "unread": [skipped.to_dict() for skipped in self.unread],
        }


def suggested_threshold(likenesses: Sequence[float]) -> float | None:
    """The middle of the valley between the likenesses of copies and those of other pictures.

    Returns:
        The middle of the stretch of .04 between .82 and .92 that holds the fewest likenesses; of several, the middle
        one. None with fewer than 20 likenesses above .92: then there are too few copies to tell.

    Source: Prewitt and Mendelsohn, "The analysis of cell images", 1966 (the mode method: a threshold at the valley).

    Example:
        >>> suggested_threshold([0.5] * 30 + [0.83] * 5 + [0.95] * 30)
        0.88
        >>> suggested_threshold([0.5] * 30) is None
        True
    """
    values = np.sort(np.asarray(likenesses, np.float64))
    if np.sum(values > _VALLEY[1]) < _ENOUGH:
        return None
    middles = np.arange(round(100 * (_VALLEY[0] + _WIDTH / 2)), round(100 * (_VALLEY[1] - _WIDTH / 2)) + 1) / 100
    inside = np.searchsorted(values, middles + _WIDTH / 2) - np.searchsorted(values, middles - _WIDTH / 2)
    fewest = middles[inside == inside.min()]
    return float(fewest[len(fewest) // 2])
