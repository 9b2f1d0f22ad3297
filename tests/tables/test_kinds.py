"""The kind of a column, from its cells; and what a cell means."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoenc.tables.kinds import COLUMN_KINDS, ColumnKind, infer, value_of


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "-20", "0"], "integer"),
        (["1", "2.50", ".5", "3.", "1.5e-07"], "float"),
        (["2026-01-31", "2026-01-31T12:00:00Z", "2026-01-31 12:00"], "datetime"),
        (["true", "False"], "bool"),
        (["yes", "no"], "bool"),
        (["Men", "Women"], "keyword"),
        (["0", "1"], "integer"),  # not bools: these could be counts
        (["007", "12"], "keyword"),  # a number would lose the zeros
        (["12E4", "13E5"], "keyword"),  # codes, not powers of ten
        (["9223372036854775807"], "integer"),
        (["9223372036854775808"], "float"),
        (["12,50"], "keyword"),
        (["31.01.2026"], "keyword"),
        (["2026-02-30"], "keyword"),  # no date
        (["2026-01-31", "soon"], "keyword"),
        (["1", "red"], "keyword"),
        (["1", "NA"], "integer"),  # NA is an empty cell among numbers
        (["NA"], "keyword"),  # and a word elsewhere
        (["+49"], "keyword"),
        (["-"], "keyword"),
        (["."], "keyword"),
        (["a red bag", "a blue bag with straps"], "text"),
        ([], "keyword"),
    ],
)
def test_the_narrowest_kind_that_fits_every_cell(cells: list[str], kind: ColumnKind) -> None:
    assert infer(set(cells), len(cells)) == kind


def test_sentences_that_recur_are_keywords() -> None:
    values = {"made in Italy", "made in Spain"}
    assert infer(values, 11) == "text"
    assert infer(values, 12) == "keyword"


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("integer", "+007", 7),
        ("integer", 3.0, 3),
        ("integer", "n/a", None),
        ("float", "1e3", 1000.0),
        ("float", float("nan"), None),
        ("bool", "YES", True),
        ("bool", "0", False),
        ("bool", True, True),
        ("datetime", "2026-01-31 12:00", "2026-01-31T12:00:00"),
        ("datetime", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00+00:00"),
        ("datetime", "2026-01-31", "2026-01-31"),
        ("datetime", date(2026, 1, 31), "2026-01-31"),
        ("datetime", datetime(2026, 1, 31, 12), "2026-01-31T12:00:00"),
        ("keyword", 1163.0, "1163"),
        ("keyword", "NA", "NA"),
        ("keyword", True, "true"),
        ("keywords", "red| blue||", ["red", "blue"]),
        ("keywords", ["red", None, " "], ["red"]),
        ("keywords", "|", None),
        ("text", "a bag", "a bag"),
    ],
)
def test_what_a_cell_means(kind: ColumnKind, cell: Any, value: Any) -> None:
    found = value_of(kind, cell)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("kind", COLUMN_KINDS)
@pytest.mark.parametrize("cell", ["", None])
def test_an_empty_cell_means_nothing(kind: ColumnKind, cell: object) -> None:
    assert value_of(kind, cell) is None


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("integer", "1.5"),
        ("integer", "1_000"),
        ("integer", "9223372036854775808"),
        ("integer", True),
        ("float", "12,50"),
        ("float", "1e999"),
        ("float", float("inf")),
        ("datetime", "2026-02-30"),
        ("datetime", "20260131"),
        ("datetime", "2026-13-01"),
        ("datetime", 5),
        ("bool", "maybe"),
    ],
)
def test_a_cell_of_another_kind_is_refused(kind: ColumnKind, cell: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        value_of(kind, cell)


@given(st.lists(st.one_of(st.integers().map(str), st.floats().map(repr), st.dates().map(str), st.text()), max_size=6))
def test_every_cell_has_a_value_of_the_inferred_kind(cells: list[str]) -> None:
    values = {cell.strip() for cell in cells} - {""}
    kind = infer(values, len(cells))
    for value in values:
        found = value_of(kind, value)
        assert found is not None or value.lower() in ("na", "n/a", "nan", "null", "none")
        if kind in ("integer", "float") and found is not None:
            assert float(found) == float(value)
