"""What a filter matches, on each engine: hand-made cases, and random trees against a slow evaluation in Python."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from engines import ENGINES, opening
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoenc.errors import ArgumentError, UnknownFieldError
from autoenc.store import And, Contains, Not, Or, Range, Store, VectorSpec, point_id
from autoenc.store.filters import Conditions, equalities

KINDS = {
    "brand": "keyword", "base color": "keyword", "tags": "keyword", "year": "integer", "price": "float",
    "added": "datetime", "sale": "bool", "title": "text",
}  # fmt: skip
GOODS: list[dict[str, Any]] = [
    {"brand": "Nike", "base color": "light blue", "year": 2020, "price": 9.5, "sale": True, "title": "Red shoe, used"},
    {"brand": "Puma", "tags": ["new", "hot"], "year": 2021, "price": 50, "added": "2026-01-31", "title": "SHOE-red, é"},
    {"brand": "Nike", "tags": ["hot"], "price": 120.0, "added": "2026-02-01T12:00:00+02:00", "sale": False},
    {"base color": "red", "tags": [], "year": 2020, "title": ["red hat", "blue shoe"]},
    {"brand": ["Nike", "Puma"], "year": [2019, 2021], "price": None, "sale": [True, False], "title": ""},
    {},
    {"brand": "", "year": -1, "price": -0.5, "added": "2025-12-31T23:59:59.5Z", "title": "reddish shoes"},
]  # fmt: skip
IDS = [point_id("goods", str(number)) for number in range(len(GOODS))]


def fill(store: Store) -> Store:
    store.add_vector("paint", VectorSpec(2, "paint-1", 1))
    store.add_fields(KINDS)
    store.upsert(IDS, {"paint": np.ones((len(IDS), 2), np.float32)}, GOODS)
    return store


@pytest.fixture(scope="module", params=ENGINES)
def goods(request, tmp_path_factory) -> Iterator[Store]:
    with opening(request.param, tmp_path_factory.mktemp("goods")) as opener:
        yield fill(opener())


def matched(store: Store, where: Any) -> set[int]:
    found = {IDS.index(record.id) for record in store.scroll(where)}
    assert store.count(where) == len(found)
    assert {IDS.index(hit.id) for hit in store.search([1, 1], using="paint", k=99, where=where)} == found
    return found


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("brand = Nike", {0, 2, 4}),
        ("brand != Nike", {1, 3, 5, 6}),  # what has no brand is not of this one either
        ("brand = ''", {6}),
        ("brand in (Nike, Puma) and not year = 2020", {1, 2, 4}),
        ("price < 50", {0, 6}),
        ("price >= 9.5 and price <= 50", {0, 1}),
        ("not price < 50", {1, 2, 3, 4, 5}),
        ("added > 2026-01-31 and sale = no", {2}),
        ("'base color' = \"light blue\" or tags = hot", {0, 1, 2}),
        ("tags in (new, hot)", {1, 2}),
        ("tags not in (new)", {0, 2, 3, 4, 5, 6}),
        ('title contains "shoe RED"', {0, 1, 3}),
        ("title contains É", {1}),
        ("title contains 'shoe-red'", {0, 1, 3}),  # its words are "shoe" and "red"
        ("not title contains shoe", {2, 4, 5, 6}),
        ("price is null", {3, 4, 5}),
        ("tags is null and 'base color' is not null", {0, 3}),
        ("sale is null or title IS NULL", {1, 2, 3, 5, 6}),
        ({"brand": None, "year": 2020}, {3}),
        (Or({"brand": "Puma"}, And({"year": Range(lt=0)}, "price < 0")), {1, 4, 6}),
        (And(), {0, 1, 2, 3, 4, 5, 6}),
        (And({}, Not(Not("sale = true"))), {0, 4}),
        (Not({}), set()),
        (Or({}, "brand = none"), {0, 1, 2, 3, 4, 5, 6}),
        ({"title": Contains("red"), "year": [2020, 2021]}, {0, 1, 3}),
        ({}, {0, 1, 2, 3, 4, 5, 6}),
    ],
    ids=str,
)
def test_a_filter_matches_what_it_says(goods, where, expected):
    assert matched(goods, where) == expected


def test_facets_and_excluded_points_take_filters_too(goods):
    assert goods.facets("brand", where="title contains red or price > 100") == {"Nike": 2, "Puma": 1}
    hits = goods.search([1, 1], using="paint", where="not brand = Puma or brand = Nike", exclude=[IDS[0], IDS[5]])
    assert {IDS.index(hit.id) for hit in hits} == {2, 3, 4, 6}


# ---- random trees -------------------------------------------------------------------------------------

_MOMENTS = ["2025-12-31T23:59:59.5Z", "2026-01-31", "2026-02-01T10:00:00Z", "2027-01-01"]
_CHOICES: dict[str, list[Any]] = {
    "brand": ["Nike", "Puma", "", "nike"],
    "base color": ["red", "light blue"],
    "tags": ["new", "hot", "old"],
    "year": [2019, 2020, 2021, -1, 7],
    "price": [9.5, 50, 120.0, -0.5, 0],
    "added": _MOMENTS,
    "sale": [True, False],
}
_WORDS = ["red", "SHOE", "shoe-red", "É", "red hat", "hat blue", "reddish", "none"]


@st.composite
def comparisons(draw: Any) -> dict[str, Any]:
    field = draw(st.sampled_from(sorted(KINDS)))
    if draw(st.integers(0, 7)) == 0:
        return {field: None}
    if field == "title":
        return {field: Contains(draw(st.sampled_from(_WORDS)))}
    value = st.sampled_from(_CHOICES[field])
    if field in ("year", "price", "added") and draw(st.booleans()):
        bounds = draw(st.dictionaries(st.sampled_from(["gte", "gt", "lte", "lt"]), value, min_size=1, max_size=2))
        return {field: Range(**bounds)}
    return {field: draw(value | st.lists(value, min_size=1, max_size=3))}


def trees() -> Any:
    leaves = st.lists(comparisons(), max_size=2).map(lambda parts: {key: one[key] for one in parts for key in one})
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3).map(lambda parts: And(*parts))
            | st.lists(inner, min_size=1, max_size=3).map(lambda parts: Or(*parts))
            | inner.map(Not)
        ),
        max_leaves=6,
    )


def matches(where: Any, payload: dict[str, Any]) -> bool:
    """The meaning of a filter, word by word."""
    if isinstance(where, And):
        return all(matches(part, payload) for part in where.filters)
    if isinstance(where, Or):
        return any(matches(part, payload) for part in where.filters)
    if isinstance(where, Not):
        return not matches(where.filter, payload)
    return all(compares(payload.get(field), field, given) for field, given in where.items())


def compares(stored: Any, field: str, given: Any) -> bool:
    there = [value for value in (stored if isinstance(stored, list) else [stored]) if value is not None]
    if given is None:
        return not there
    if isinstance(given, Contains):
        held = [word for text in there for word in words(text)]
        return all(word in held for word in words(given.words))
    if KINDS[field] == "datetime":
        there = [moment(value) for value in there]
    if isinstance(given, Range):
        bound = {name: moment(v) if isinstance(v, str) else v for name, v in vars(given).items() if v is not None}
        holds = {"gte": "__ge__", "gt": "__gt__", "lte": "__le__", "lt": "__lt__"}
        return any(all(getattr(_wide(value), holds[b])(_wide(v)) for b, v in bound.items()) for value in there)
    asked = given if isinstance(given, list) else [given]
    if KINDS[field] == "datetime":
        asked = [moment(value) for value in asked]
    return any(value in asked for value in there)


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())


def moment(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read


def _wide(value: Any) -> Any:
    return value if isinstance(value, datetime) else float(value)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(trees())
def test_every_tree_of_conditions_matches_what_a_slow_evaluation_does(goods, where):
    assert matched(goods, where) == {number for number, payload in enumerate(GOODS) if matches(where, payload)}


# ---- what cannot be -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("price < cheap", "'price' holds finite numbers; got 'cheap'"),
        ("brand < Nike", r"'brand' holds keyword values, which have no range\..* and types=\{'brand': 'float'\}"),
        ("title < a", "'title' holds text, which is searched by words"),
        ("title = red", "'title' holds text, which is searched by words and not compared as a whole"),
        ("brand contains Nike", "'brand' holds keyword values; words are searched for in fields of kind text"),
        ("title contains '--'", "'title' must contain need a letter or a digit; got '--'"),
        ("title contains", r"cannot be read at its end: expected words after 'contains'"),
        ("title is", r"expected 'null' or 'not null' after 'is'"),
        ("title is not red", r"column 14, before 'red': expected 'null'"),
        (And("brand ="), "cannot be read at its end"),
        (Or(), "autoenc.Or in where= needs at least one part"),
        (["brand"], "where= maps fields to values"),
        (Not(5), "where= maps fields to values"),
    ],
    ids=str,
)
def test_a_filter_that_cannot_be(goods, where, message):
    with pytest.raises(ArgumentError, match=message):
        goods.count(where)


def test_an_unknown_field_anywhere_in_an_expression_is_named(goods):
    with pytest.raises(UnknownFieldError, match=r"no filterable field 'colour'; it has 'added', 'base color', 'brand'"):
        goods.count("price < 50 or not (colour = red)")


def test_filters_inside_one_another_have_a_limit(goods):
    where: Any = {}
    for _ in range(90):
        where = Not(where)
    assert matched(goods, where) == set(range(len(GOODS)))
    for _ in range(5000):
        where = Not(where)
    with pytest.raises(ArgumentError, match="filters can stand inside one another"):
        goods.count(where)


def test_words_are_not_counted(goods):
    with pytest.raises(ArgumentError, match=r"'title' holds text values\. Filter it by words instead"):
        goods.facets("title")


def test_the_values_that_a_filter_wants_to_be_equal():
    where = And("a = 1 or b in (2, 3)", Not({"c": 4}), {"d": Range(lt=5), "e": 6}, "title contains x and not f = 7")
    assert list(equalities(where)) == [("a", "1"), ("b", "2"), ("b", "3"), ("e", 6)]


def test_leaving_out_points_alone_narrows_nothing(goods):
    assert not Conditions().without(()).narrows
    assert not Conditions().without(tuple(IDS)).narrows
    assert goods._conditions("not brand = Nike").narrows
    assert goods._conditions("brand = Nike or brand = Puma").without(tuple(IDS)).narrows
