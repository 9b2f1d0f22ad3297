"""The kinds of filterable fields, and the values that each of them holds."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Literal, get_args

from autoenc.errors import ArgumentError
from autoenc.tables.kinds import value_of

FieldKind = Literal["keyword", "integer", "float", "datetime", "bool", "text"]
FIELD_KINDS: tuple[FieldKind, ...] = get_args(FieldKind)
COUNTED: tuple[FieldKind, ...] = ("keyword", "integer", "bool")
"""The kinds whose values can be counted as facets; no engine counts floats, dates or words."""

PRODUCT_KINDS: tuple[FieldKind, ...] = ("keyword", "integer")
"""The kinds whose values can name products."""

RANGED: tuple[FieldKind, ...] = ("integer", "float", "datetime")
"""The kinds whose values have an order."""

Scalar = str | int | float | bool | datetime | date


def of_kind(field: str, kind: FieldKind, value: Any) -> Any:
    """A filter's value as its field holds it, by the rules for the cells of a table; `field` is its name in messages.

    Raises:
        ArgumentError: the field holds no such values.

    Example:
        >>> of_kind("price", "float", "12"), of_kind("sale", "bool", "yes"), of_kind("added", "datetime", "2026-01-31")
        (12.0, True, datetime.datetime(2026, 1, 31, 0, 0, tzinfo=datetime.timezone.utc))
    """
    given = value if isinstance(value, (str, bool, int, float, date)) else str(value)
    if kind in ("keyword", "text"):
        return _word(field, given)
    try:
        held = value_of(kind, given.strip() if isinstance(given, str) else given)
        if held is not None:
            return _moment(held) if kind == "datetime" else held
    except (ValueError, OverflowError):
        pass
    raise ArgumentError(f"Field '{field}' {_EXPECTED[kind]}; got {value!r}.")


def _word(field: str, given: Scalar) -> str:
    text = given if isinstance(given, str) else str(value_of("keyword", given))
    if text.encode(errors="replace").decode() != text:
        raise ArgumentError(f"Field '{field}' holds valid Unicode; got {text!r}.")
    return text


def _moment(text: str) -> datetime:
    """ISO 8601 text -> a moment in UTC, which is meant where no time zone is given.

    Raises:
        OverflowError: it is before year 1 or after year 9999 in UTC.
    """
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


_EXPECTED: dict[FieldKind, str] = {
    "integer": "holds signed 64-bit whole numbers",
    "float": "holds finite numbers",
    "datetime": "holds dates and times such as 2026-01-31 or 2026-01-31T12:00:00Z",
    "bool": "is true or false",
}
"""What a field of each kind that not every value fits holds, for messages."""
