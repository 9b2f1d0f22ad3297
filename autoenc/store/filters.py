"""Filters: what callers write, and the checked conditions that engines receive."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from autoenc.errors import ArgumentError

OWN = "_autoenc"
"""The payload key that holds autoenc's own fields; every other key belongs to the user."""

SCANNED = frozenset(f"{OWN}.{name}" for name in ("path", "width", "height"))
"""Filterable fields without an index: they are seldom asked for, and an index of each takes memory and time at every
opening. A filter on one of them reads the payloads."""

FieldKind = Literal["keyword", "integer", "float", "datetime", "bool"]
FIELD_KINDS: tuple[FieldKind, ...] = get_args(FieldKind)
COUNTED: tuple[FieldKind, ...] = ("keyword", "integer", "bool")
"""The kinds whose values can be counted as facets; no engine counts floats or dates."""

Scalar = str | int | float | bool | datetime | date


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


Filter = Mapping[str, Scalar | Sequence[Scalar] | Range]
"""Field -> a value, several values of which one must match, or a range. Every field must match."""


class AnyOf(NamedTuple):
    """A payload field has one of these values, each of the kind's Python type (datetimes in UTC)."""

    field: str
    kind: FieldKind
    values: tuple[Any, ...]

    def ranges(self) -> list[Between]:
        """The same as ranges of one value each, for floats and datetimes, which engines match in no other way."""
        return [Between(self.field, self.kind, gte=value, lte=value) for value in self.values]


class Between(NamedTuple):
    """A payload field of numbers or dates lies between bounds; None means no bound."""

    field: str
    kind: FieldKind
    gte: Any = None
    gt: Any = None
    lte: Any = None
    lt: Any = None


class HasVector(NamedTuple):
    """A point has a vector of this name."""

    name: str


class HasId(NamedTuple):
    """A point's id is one of these."""

    ids: tuple[str, ...]


Condition = AnyOf | Between | HasVector | HasId


class Conditions(NamedTuple):
    """All of `must` hold and none of `must_not`."""

    must: tuple[Condition, ...] = ()
    must_not: tuple[Condition, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.must or self.must_not)


EVERYTHING = Conditions()

_INT64 = range(-(2**63), 2**63)
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNQUOTABLE = re.compile(r'["\\\x00-\x1f]')


def json_path(field: str) -> str:
    """A field's name as a JSON path. autoenc's own fields lie one level down; a user's name is one key, even with dots.

    Example:
        >>> json_path("price"), json_path("base color"), json_path("_autoenc.folder")
        ('price', '"base color"', '_autoenc.folder')
    """
    if field.startswith(f"{OWN}.") or _PLAIN.fullmatch(field):
        return field
    return f'"{field}"'


def short_name(field: str, fields: Collection[str]) -> str:
    """What a filterable field is called: autoenc's own by their short names, unless the user has such a field."""
    short = field.removeprefix(f"{OWN}.")
    return field if short in fields else short


def check_field_name(name: str) -> None:
    """Raise ArgumentError for a name that no JSON path can hold."""
    own = name.startswith(f"{OWN}.") and not _PLAIN.fullmatch(name.removeprefix(f"{OWN}."))
    if not name or _UNQUOTABLE.search(name) or name == OWN or own:
        raise ArgumentError(
            f"A filterable field's name holds no quotes, backslashes or control characters, and is neither empty "
            f"nor '{OWN}'; got {name!r}."
        )


def condition_of(field: str, kind: FieldKind, given: Scalar | Sequence[Scalar] | Range) -> Condition:
    """The condition on one field, with values converted to the field's kind: the command line passes strings.

    Raises:
        ArgumentError: no value, a value of another kind, or a range of keywords or bools.
    """
    name = field.removeprefix(f"{OWN}.")  # the name that callers use
    if isinstance(given, Range):
        if kind in ("keyword", "bool"):
            raise ArgumentError(f"Field '{name}' holds {kind} values, which have no range. Filter by values instead.")
        bounds = {bound: None if value is None else _of_kind(name, kind, value) for bound, value in vars(given).items()}
        if all(value is None for value in bounds.values()):
            raise ArgumentError(f"The range on '{name}' needs at least one bound.")
        return Between(field, kind, **bounds)
    values = values_of(given)
    if not values:
        raise ArgumentError(f"The filter on '{name}' needs at least one value to match.")
    return AnyOf(field, kind, tuple(_of_kind(name, kind, value) for value in values))


def values_of(given: Scalar | Sequence[Scalar]) -> list[Scalar]:
    """The values of a filter on one field: itself, if it is a single one."""
    if isinstance(given, np.generic):  # a value out of an array or a data frame
        given = given.item()
    if isinstance(given, (str, int, float, date)):
        return [given]
    if not isinstance(given, Iterable):
        raise ArgumentError(f"Expected a value, a list of values or an autoenc.Range in where=; got {given!r}.")
    return [value.item() if isinstance(value, np.generic) else value for value in given]


def _of_kind(field: str, kind: FieldKind, value: Any) -> Any:
    return _CONVERTERS[kind](field, value)


def _keyword(field: str, value: Any) -> str:
    text = str(value)
    if text.encode(errors="replace").decode() != text:
        raise ArgumentError(f"Field '{field}' holds valid Unicode; got {text!r}.")
    return text


def _integer(field: str, value: Any) -> int:
    try:
        number = int(str(value))
    except ValueError:
        raise ArgumentError(f"Field '{field}' holds whole numbers; got {value!r}.") from None
    if number not in _INT64:
        raise ArgumentError(f"Field '{field}' holds signed 64-bit whole numbers; got {value!r}.")
    return number


def _float(field: str, value: Any) -> float:
    try:
        number = float(str(value))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ArgumentError(f"Field '{field}' holds finite numbers; got {value!r}.")
    return number


def _datetime(field: str, value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        if not isinstance(moment, datetime):
            moment = datetime.combine(moment, time())
    except (TypeError, ValueError):
        raise ArgumentError(
            f"Field '{field}' holds dates and times such as 2026-01-31 or 2026-01-31T12:00:00Z; got {value!r}."
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _bool(field: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if str(value).lower() not in known:
        raise ArgumentError(f"Field '{field}' is true or false; got {value!r}.")
    return known[str(value).lower()]


_CONVERTERS: dict[FieldKind, Callable[[str, Any], Any]] = {
    "keyword": _keyword,
    "integer": _integer,
    "float": _float,
    "datetime": _datetime,
    "bool": _bool,
}
"""Of each kind of field: (field's name, a filter's value) -> the value as that kind holds it."""
