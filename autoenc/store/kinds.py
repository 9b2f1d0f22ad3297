"""The kinds of filterable fields, and the values that each of them holds."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any, Literal, get_args

from autoenc.errors import ArgumentError

FieldKind = Literal["keyword", "integer", "float", "datetime", "bool", "text"]
FIELD_KINDS: tuple[FieldKind, ...] = get_args(FieldKind)
COUNTED: tuple[FieldKind, ...] = ("keyword", "integer", "bool")
"""The kinds whose values can be counted as facets; no engine counts floats, dates or words."""

RANGED: tuple[FieldKind, ...] = ("integer", "float", "datetime")
"""The kinds whose values have an order."""

_INT64 = range(-(2**63), 2**63)

Scalar = str | int | float | bool | datetime | date


def of_kind(field: str, kind: FieldKind, value: Any) -> Any:
    """A filter's value as its field holds it; `field` is its name in messages.

    Raises:
        ArgumentError: the field holds no such values.
    """
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
    "text": _keyword,
}
"""Of each kind of field: (field's name, a filter's value) -> the value as that kind holds it."""
