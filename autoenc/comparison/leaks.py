"""Which fields of images tell the label by which a search is judged."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from autoenc.comparison.attributes import Column, Words
from autoenc.vectors import Indices

LEAK = 0.8
"""A field that tells so much of the label determines it: nine in ten of the images of a value have one label."""


def told(column: Column, labels: Indices) -> float:
    """How much of the labels a field tells: 1 if all images with one value have one label, 0 if it tells nothing.

    Of the images with the same value as an image, or with the nearest number, the share with its label is taken, and
    chance is taken off. Images that share their value with no other are left out.

    Args:
        column: the field of the gallery.
        labels: (G,) integers, -1 for none.

    Returns:
        at most 1; 0 if there is nothing to judge by.

    Source: Goodman and Kruskal, "Measures of association for cross classifications", JASA 1954 (tau). Departs from it:
    no image counts for itself, so that a field with another value for each image tells nothing.

    Example:
        >>> brand = Words([["A"], ["A"], ["B"], ["B"]], [])
        >>> told(brand, np.array([0, 0, 1, 1])), round(told(brand, np.array([0, 1, 0, 1])), 2)
        (1.0, -0.5)
    """
    rows, values = _values(column, labels)
    seen = labels[rows]
    others = _others(values)
    shared = others > 0
    if not shared.any():
        return 0.0
    agreed = float((_others(values, seen)[shared] / others[shared]).mean())
    chance = float(_others(seen).mean()) / (len(seen) - 1)
    return (agreed - chance) / (1 - chance) if chance < 1 else 0.0


def follows(column: Column, labels: Indices) -> bool:
    """Whether all images with one label have one value, so that the field is a part of the label."""
    if not isinstance(column, Words):
        return False
    rows, values = _values(column, labels)
    seen = labels[rows]
    others = _others(seen)
    return bool((others > 0).any() and (_others(seen, values) == others).all())


def _values(column: Column, labels: Indices) -> tuple[Indices, Indices]:
    """Rows of labeled images, and a code of a value of each; a row for each value."""
    if isinstance(column, Words):
        rows, places = np.nonzero((column.gallery >= 0) & (labels >= 0)[:, None])
        return rows, column.gallery[rows, places].astype(np.int64)
    rows = np.flatnonzero(~np.isnan(column.gallery) & (labels >= 0))
    return rows, _neighborhoods(column.gallery[rows])


def _neighborhoods(numbers: npt.NDArray[np.float64]) -> Indices:
    """A code for each number, the same for equal ones; those that occur once are paired with the next higher one."""
    different, codes, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    joined = np.arange(len(different))
    place = 0
    while place < len(different) - 1:
        if counts[place] == counts[place + 1] == 1:
            joined[place + 1] = place
            place += 1
        place += 1
    return np.asarray(joined[codes], np.int64)


def _others(values: Indices, also: Indices | None = None) -> Indices:
    """How many other rows have the value of each, and what it has in `also`."""
    keys = values if also is None else values * (int(also.max(initial=0)) + 1) + also
    _, codes, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return np.asarray(counts[codes] - 1, np.int64)
