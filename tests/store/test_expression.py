"""Filters as text."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoenc.errors import ArgumentError
from autoenc.store import And, Contains, Not, Or, Range
from autoenc.store.expression import MAX_DEPTH, parse


@pytest.mark.parametrize(
    ("text", "filter"),
    [
        ("brand = Nike", {"brand": "Nike"}),
        ("brand=Nike", {"brand": "Nike"}),
        ("brand != Nike", Not({"brand": "Nike"})),
        ("price<50", {"price": Range(lt="50")}),
        ("price <= -1.5e3", {"price": Range(lte="-1.5e3")}),
        ("added > 2026-01-31T12:00:00+01:00", {"added": Range(gt="2026-01-31T12:00:00+01:00")}),
        ("price >= 1", {"price": Range(gte="1")}),
        ("brand in (Nike, 'Flying Machine',Puma)", {"brand": ["Nike", "Flying Machine", "Puma"]}),
        ("brand IN(Nike)", {"brand": ["Nike"]}),
        ("brand not in (Nike, Puma)", Not({"brand": ["Nike", "Puma"]})),
        ('title contains "red shoe"', {"title": Contains("red shoe")}),
        ("title not contains red", Not({"title": Contains("red")})),
        ("price is null", {"price": None}),
        ("price IS NOT NULL", Not({"price": None})),
        ("'base color' = \"light blue\"", {"base color": "light blue"}),
        ('a.b = "6\\" pipe \\\\ \\n"', {"a.b": '6" pipe \\ \\n'}),
        ("brand = Levi's", {"brand": "Levi's"}),
        ("state = or", {"state": "or"}),  # after a sign, every word is a value
        ("'not' = ''", {"not": ""}),
        ("été = größe", {"été": "größe"}),
        ("a = 1 and b = 2 and c = 3", And({"a": "1"}, {"b": "2"}, {"c": "3"})),
        ("a = 1 or b = 2 and c = 3", Or({"a": "1"}, And({"b": "2"}, {"c": "3"}))),
        ("(a = 1 or b = 2) and c = 3", And(Or({"a": "1"}, {"b": "2"}), {"c": "3"})),
        ("not a = 1 and b = 2", And(Not({"a": "1"}), {"b": "2"})),
        ("NOT (a = 1 AND NOT b = 2)", Not(And({"a": "1"}, Not({"b": "2"})))),
        (
            "price < 50 and brand in (Nike, Puma) and not gender = Kids",
            And({"price": Range(lt="50")}, {"brand": ["Nike", "Puma"]}, Not({"gender": "Kids"})),
        ),
    ],
)
def test_an_expression_means_what_it_says(text, filter):
    assert parse(text) == filter


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        ("", "its end", "a field"),
        ("   ", "its end", "a field"),
        ("price", "its end", "one of = != < <= > >= in contains is after the field 'price'"),
        ("price <", "its end", "a value after '<', such as 50"),
        ("price < and b = 2", "column 13, before 'b = 2'", "'and', 'or' or the end"),
        ("price == 5", "column 8, before '= 5'", "a value: one '=' is enough"),
        ("price < 49,90", "column 11, before ',90'", "numbers have a decimal point (49.90)"),
        ("5 < price < 9", "column 11, before '< 9'", "'and', 'or' or the end"),
        ("brand = Flying Machine", "column 16, before 'Machine'", "(quote what holds spaces)"),
        ("(a = 1 or b = 2", "its end", "a closing ')'"),
        ("a = 1)", "column 6, before ')'", "'and', 'or' or the end"),
        ("a in Nike", "column 6, before 'Nike'", "'('"),
        ("a in ()", "column 7, before ')'", "a value"),
        ("a in (x y)", "column 9, before 'y)'", "',' or ')'"),
        ("a in (x, )", "column 10, before ')'", "a value"),
        ("a not = 1", "column 7, before '= 1'", "'in' or 'contains' after 'not'"),
        ("a = 1 and", "its end", "a field"),
        ("a = 1 or or b = 2", "column 13, before 'b = 2'", "one of"),
        ('a = "open', "column 5, before '\"open'", "a closing quote"),
        ("a ! b", "column 3, before '! b'", "one of ="),
        ("a = 1 & b = 2", "column 7, before '& b = 2'", "'and', 'or' or the end"),
    ],
)
def test_a_mistake_is_told_with_its_place(text, place, expected):
    with pytest.raises(ArgumentError) as caught:
        parse(text)
    message = str(caught.value)
    assert message.startswith(f"The filter where= {text!r} cannot be read at {place}: expected ")
    assert expected in message


def test_nesting_has_a_limit():
    deepest = "(" * (MAX_DEPTH - 1) + "a = 1" + ")" * (MAX_DEPTH - 1)
    assert parse(deepest) == {"a": "1"}
    for deeper in (f"({deepest})", f"not {deepest}", "not " * 10_000 + "a = 1"):
        with pytest.raises(ArgumentError, match=f"at most {MAX_DEPTH} parentheses"):
            parse(deeper)


@given(st.text(alphabet="ab =!<>()',\"\\ \n\té5") | st.text())
def test_any_text_is_an_expression_or_one_clear_error(text):
    with contextlib.suppress(ArgumentError):
        assert isinstance(parse(text), (dict, And, Or, Not))


_VALUES = st.text(min_size=0, max_size=8)


@given(_VALUES, _VALUES)
def test_whatever_is_quoted_comes_back(field, value):
    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    assert parse(f"{quoted(field)}={quoted(value)}") == {field: value}
