"""Attributes of images as parts of a hybrid score: computed as a store computes them, for many queries at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from autoenc.store import FieldKind
from autoenc.vectors import Indices, Vectors

Values = Sequence[Mapping[str, Any]]
"""The fields of each image, under their names."""

NUMBERS: tuple[FieldKind, ...] = ("integer", "float")
WORDS: tuple[FieldKind, ...] = ("keyword", "bool")

_STEPS = (0.125, 0.5)  # of the median difference of two images: the distances at which half of the weight is left
_PAIRS = 10_000  # drawn for that median


class Attribute(NamedTuple):
    """What a hybrid search can weigh beside encoders.

    Attributes:
        field: a field whose value the query and a result share.
        scale: of a field of numbers, the distance at which half of the weight is left; None where values must be equal.
    """

    field: str
    scale: float | None = None


class Words:
    """A field of keywords or bools, in the gallery and in the queries.

    Args:
        gallery: the values of each image, none, one or several.
        queries: likewise.
    """

    def __init__(self, gallery: Sequence[Sequence[Any]], queries: Sequence[Sequence[Any]]) -> None:
        code_of: dict[Any, int] = {}
        for values in (*gallery, *queries):
            for value in values:
                code_of.setdefault(value, len(code_of))
        self.gallery, self.queries = _codes(gallery, code_of, -1), _codes(queries, code_of, -2)

    def part(self, scale: float | None, queries: Indices, images: Indices | None) -> Vectors:
        """(q, g) float32: 1 where a query and an image share a value, else 0. None stands for all images."""
        gallery = self.gallery if images is None else self.gallery[images]
        found = np.zeros((len(queries), len(gallery)), np.bool_)
        for mine in self.queries[queries].T:
            for theirs in gallery.T:
                found |= mine[:, None] == theirs
        return found.astype(np.float32)

    def attributes(self, field: str) -> list[Attribute]:
        """What can be tried of the field: nothing where no two images, or all of them, share a value."""
        codes = self.gallery[self.gallery >= 0]
        counts = np.bincount(codes)
        shared = counts.size and counts.max() > 1
        everywhere = counts.size == 1 and len(codes) == len(self.gallery)
        return [Attribute(field)] if shared and not everywhere else []


class Numbers:
    """A field of numbers, in the gallery and in the queries.

    As in a store, a query aims at the mean of its different numbers, and an image that does not have exactly one number
    has no part.
    """

    def __init__(self, gallery: Sequence[Sequence[Any]], queries: Sequence[Sequence[Any]]) -> None:
        self.gallery = np.array([values[0] if len(values) == 1 else np.nan for values in gallery], np.float64)
        targets = [dict.fromkeys(values) for values in queries]
        self.queries = np.array([sum(each) / len(each) if each else np.nan for each in targets], np.float64)

    def part(self, scale: float | None, queries: Indices, images: Indices | None) -> Vectors:
        """(q, g) float32: 0.5 ** (the difference of the numbers / scale); 0 where one is missing."""
        gallery = self.gallery if images is None else self.gallery[images]
        away = np.abs(gallery - self.queries[queries][:, None])
        away /= -1.0 if scale is None else -scale
        return np.nan_to_num(np.exp2(away, out=away), copy=False).astype(np.float32)

    @property
    def names_images(self) -> bool:
        """Whether no two images of the gallery have one number."""
        known = self.gallery[~np.isnan(self.gallery)]
        return len(np.unique(known)) == len(known) > 1

    def attributes(self, field: str) -> list[Attribute]:
        """What can be tried of the field: two distances; nothing where all numbers are one."""
        known = self.gallery[~np.isnan(self.gallery)]
        if len(known) < 2:
            return []
        one, other = np.random.default_rng(0).integers(len(known), size=(2, _PAIRS))
        apart = np.abs(known[one] - known[other])
        apart = apart[apart > 0]
        if not apart.size:
            return []
        return [Attribute(field, float(f"{step * float(np.median(apart)):.2g}")) for step in _STEPS]


Column = Words | Numbers


def column_of(kind: FieldKind, field: str, gallery: Values, queries: Values) -> Column | None:
    """A field as numbers to compute with; None for kinds that a query product's value cannot boost: text and dates."""
    there = [[_listed(values.get(field), kind) for values in side] for side in (gallery, queries)]
    if kind in NUMBERS:
        return Numbers(*there)
    return Words(*there) if kind in WORDS else None


def _listed(value: Any, kind: FieldKind) -> list[Any]:
    """The values of a field that are of its kind; a store looks at no others."""
    values = value if isinstance(value, list) else [value]
    if kind in NUMBERS:
        return [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    return [value for value in values if isinstance(value, bool if kind == "bool" else str) and value != ""]


def _codes(rows: Sequence[Sequence[Any]], code_of: Mapping[Any, int], none: int) -> npt.NDArray[np.int32]:
    """(N, most values of a row) the code of each value, `none` where there is none."""
    codes = np.full((len(rows), max([1, *map(len, rows)])), none, np.int32)
    for row, values in enumerate(rows):
        codes[row, : len(values)] = [code_of[value] for value in values]
    return codes
