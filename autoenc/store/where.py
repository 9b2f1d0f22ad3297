"""Filters as callers write them: mappings of fields, text expressions, and And, Or and Not of both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from autoenc.errors import ArgumentError
from autoenc.store.kinds import Scalar


@dataclass(frozen=True)
class Range:
    """A filter that matches numbers or dates between bounds. Every bound that is set must hold.

    Attributes:
        gte, gt: the lower bound: at least this (gte), or greater than this (gt).
        lte, lt: the upper bound: at most this (lte), or less than this (lt).

    Example:
        >>> where = {"price": Range(gte=10, lt=50), "added": Range(gte="2026-01-01")}
    """

    gte: Scalar | None = None
    gt: Scalar | None = None
    lte: Scalar | None = None
    lt: Scalar | None = None


@dataclass(frozen=True)
class Contains:
    """A filter on a field of kind text, which must contain every one of these words, in any order.

    Words are runs of letters and digits; upper and lower case are the same.

    Example:
        >>> where = {"title": Contains("red shoe")}  # matches "A pair of SHOES? No: one red shoe."
    """

    words: str


@dataclass(frozen=True, init=False)
class And:
    """A filter that matches what every one of its parts matches.

    Attributes:
        filters: the parts; each is a mapping, a text expression, or another And, Or or Not.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     store.count(And({"folder": "shoe"}, "width > 1000"))
        0
    """

    filters: tuple[Filter, ...]

    def __init__(self, *filters: Filter) -> None:
        object.__setattr__(self, "filters", filters)


@dataclass(frozen=True, init=False)
class Or:
    """A filter that matches what at least one of its parts matches.

    Attributes:
        filters: the parts, as of `And`.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     store.count(Or({"folder": "shoe"}, {"folder": "watch"}))
        24
    """

    filters: tuple[Filter, ...]

    def __init__(self, *filters: Filter) -> None:
        object.__setattr__(self, "filters", filters)


@dataclass(frozen=True)
class Not:
    """A filter that matches what its part does not match. An image without a field matches no value of that field.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     store.count(Not({"folder": "shoe"}))
        36
    """

    filter: Filter


Comparison = Scalar | Sequence[Scalar] | Range | Contains | None
"""What one field is compared with: a value, several values of which one must match, a range, words, or None for an
image that has no value in it."""

Filter = Mapping[str, Comparison] | str | And | Or | Not
"""A mapping of fields, all of which must match; a text expression; or And, Or and Not of these."""


def values_of(given: Scalar | Sequence[Scalar]) -> list[Scalar]:
    """The values of a filter on one field: itself, if it is a single one."""
    if isinstance(given, np.generic):  # a value out of an array or a data frame
        given = given.item()
    if isinstance(given, (str, int, float, date)):
        return [given]
    if not isinstance(given, Iterable):
        raise ArgumentError(
            f"Expected a value, a list of values, an autoenc.Range or an autoenc.Contains in where=; got {given!r}."
        )
    return [value.item() if isinstance(value, np.generic) else value for value in given]
