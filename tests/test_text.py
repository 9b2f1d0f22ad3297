"""Text for a terminal: what is written is what is expected, to the character, and any path can be printed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoenc.text import exact, is_text, meant, number, printable, short, shown, table


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.5124, "0.512"),
        (-0.5124, "-0.512"),
        (0.1, "0.100"),
        (0.08341, "0.0834"),  # three digits below .1
        (0.0080645, "0.00806"),
        (-0.0080645, "-0.00806"),
        (0.0, "0.000"),
        (1e-9, "0.000000"),  # six decimals at most
        (1.0, "1.000"),
        (12.3456, "12.346"),
    ],
)
def test_numbers_keep_three_digits(value: float, expected: str) -> None:
    assert number(value) == expected
    assert short(value) == expected.replace("0.", ".", 1) if abs(value) < 1 else short(value) == expected
    assert number(value, sign=True).lstrip("+") == expected


def test_an_interval_has_the_decimals_of_its_mean() -> None:
    assert [short(value, like=0.0083) for value in (0.0083, 0.2, 0.0)] == [".00830", ".20000", ".00000"]
    assert [short(value, sign=True) for value in (0.25, -0.25, 0.0, 1.5)] == ["+.250", "-.250", "+.000", "+1.500"]


def test_columns_of_numbers_stand_to_the_right() -> None:
    assert table(("rank", "path", "score"), [("1", "a.jpg", ".5 ±.1"), ("10", "bb.jpg", "-.25")]).splitlines() == [
        "rank  path     score",
        "   1  a.jpg   .5 ±.1",
        "  10  bb.jpg    -.25",
    ]


def test_a_path_is_shown_on_one_line() -> None:
    assert shown(Path("a\x1b[31m\nb é.jpg")) == r"a\x1b[31m\nb é.jpg"
    assert shown(os.fsdecode(b"\xff.jpg")) == r"\xff.jpg"


def test_a_name_that_is_almost_a_known_one_is_asked_about() -> None:
    known = ["baseColour", "season", "Price"]
    assert meant("basecolor", known) == " Did you mean 'baseColour'?"
    assert meant("price", known) == " Did you mean 'Price'?"
    assert meant("usage", known) == meant("x", []) == ""
    assert meant("seasonal", known, cutoff=0.9) == ""


def test_exact_spells_out_only_bytes_that_are_not_utf8() -> None:
    assert exact(Path("two\nlines é.jpg")) == "two\nlines é.jpg"
    assert exact(os.fsdecode(b"\xff.jpg")) == r"\xff.jpg"
    assert exact("\ud800.jpg") == r"\ud800.jpg"


@given(st.text(st.characters(), max_size=20))
def test_whatever_is_printable_is_one_line_that_can_be_encoded(text: str) -> None:
    line = printable(text)
    assert line.isprintable()
    line.encode("utf-8")
    if text.isprintable():
        assert line == text


def test_a_lone_surrogate_is_not_text() -> None:
    assert is_text("é\n")
    assert not is_text(os.fsdecode(b"\xff.jpg"))
