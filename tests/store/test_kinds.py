"""What a filter's value means: the same as a cell of a table in a column of the field's kind."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoenc.errors import ArgumentError
from autoenc.store.kinds import FieldKind, of_kind
from autoenc.tables.kinds import value_of


@pytest.mark.parametrize(
    ("kind", "value", "held"),
    [
        ("integer", " +007 ", 7),
        ("integer", 3.0, 3),
        ("float", "1e3", 1000.0),
        ("float", 5, 5.0),
        ("bool", "YES", True),
        ("bool", 0, False),
        ("keyword", 1163.0, "1163"),
        ("keyword", True, "true"),
        ("keyword", "", ""),
        ("keyword", " NA", " NA"),
        ("datetime", "2026-01-31 12:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("datetime", date(2026, 1, 31), datetime(2026, 1, 31, tzinfo=UTC)),
        ("datetime", "2026-01-31T12:00+02:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
    ],
)
def test_a_value_becomes_what_the_field_holds(kind: FieldKind, value: Any, held: Any) -> None:
    found = of_kind("x", kind, value)
    assert found == held
    assert type(found) is type(held)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("integer", "1_000"),
        ("integer", "\u0665"),  # a digit of another script
        ("integer", True),
        ("integer", 1.5),
        ("integer", "n/a"),
        ("float", "1_000"),
        ("float", "nan"),
        ("float", "1e999"),
        ("float", True),
        ("bool", "maybe"),
        ("datetime", "20260131"),
        ("datetime", 5),
        ("datetime", datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))),  # before year 1 in UTC
    ],
)
def test_a_value_that_the_field_cannot_hold_is_refused(kind: FieldKind, value: Any) -> None:
    with pytest.raises(ArgumentError, match="Field 'x' "):
        of_kind("x", kind, value)


_TYPED = st.one_of(st.integers().map(str), st.floats().map(repr), st.booleans().map(str), st.text("0123456789_.+-eE"))


@given(st.sampled_from(["integer", "float", "bool"]), _TYPED)
def test_a_filter_takes_what_a_column_takes(kind: FieldKind, text: str) -> None:
    try:
        cell = value_of(kind, text)
    except ValueError:
        cell = None
    if cell is None:
        with pytest.raises(ArgumentError):
            of_kind("x", kind, text)
    else:
        assert of_kind("x", kind, text) == cell
