"""Attributes as parts of a score: shared values and close numbers, as a store computes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autoenc import open_store
from autoenc.comparison.attributes import Attribute, Numbers, Words, column_of
from autoenc.store import FieldKind, Store, VectorSpec, point_id
from autoenc.store.blending import Closeness, Match

ALL = np.arange(4)


def test_words_count_where_one_is_shared() -> None:
    column = Words([["red"], ["blue", "red"], [], ["green"]], [["red"], ["green", "blue"], [], ["pink"]])
    found = column.part(None, ALL, None)
    assert found.tolist() == [[1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert column.part(None, np.array([1]), np.array([3, 1])).tolist() == [[1, 1]]


def test_numbers_count_by_their_distance_half_at_the_scale() -> None:
    column = Numbers([[10], [20.0], [], [10, 20]], [[10], [10, 30, 10], [], [0]])
    found = column.part(10.0, ALL, None)
    assert found.tolist() == [[1, 0.5, 0, 0], [0.5, 1, 0, 0], [0, 0, 0, 0], [0.5, 0.25, 0, 0]], "a mean of 10 and 30"
    assert column.part(5.0, np.array([0]), np.array([1])).tolist() == [[0.25]]


@pytest.mark.parametrize(
    ("values", "tried"),
    [
        ([["a"], ["a"], ["b"]], 1),
        ([["a"], ["b"], ["c"]], 0),
        ([["a"], ["a"], ["a"]], 0),
        ([["a"], ["a"], []], 1),
        ([[], [], []], 0),
    ],
)
def test_words_are_tried_if_some_share_one_and_not_all(values: list[list[str]], tried: int) -> None:
    assert Words(values, []).attributes("f") == [Attribute("f")] * tried


def test_numbers_are_tried_with_distances_from_their_differences() -> None:
    numbers = Numbers([[0]] * 50 + [[100]] * 50, [])
    assert numbers.attributes("price") == [Attribute("price", 12.0), Attribute("price", 50.0)], "to two digits"
    assert Numbers([[5]] * 9, []).attributes("price") == []
    assert Numbers([[5], [], [1, 2]], []).attributes("price") == []


KINDS: dict[str, FieldKind] = {"brand": "keyword", "sale": "bool", "price": "float", "year": "integer"}
ROWS: list[dict[str, Any]] = [
    {"brand": "Nike", "sale": True, "price": 49.5, "year": 2020},
    {"brand": ["Nike", "Puma"], "sale": False, "price": 60, "year": 2021},
    {"brand": "Puma", "sale": [True, False], "price": [10, 20], "year": 2019.5},
    {"brand": 7, "price": "49", "sale": "yes"},
    {"brand": "", "price": -1e6, "year": 2020},
    {},
]


@pytest.fixture
def store() -> Store:
    opened = open_store(":memory:")
    opened.add_vector("v", VectorSpec(2, "v", 1))
    opened.add_fields(KINDS)
    opened.upsert([point_id("s", str(n)) for n in range(len(ROWS))], {"v": np.eye(1, 2).repeat(len(ROWS), 0)}, ROWS)
    return opened


@pytest.mark.parametrize(
    ("field", "query", "part"),
    [
        ("brand", 0, Match({"brand": ["Nike"]})),
        ("brand", 1, Match({"brand": ["Nike", "Puma"]})),
        ("sale", 0, Match({"sale": [True]})),
        ("price", 0, Closeness("price", 49.5, 12.5)),
        ("price", 2, Closeness("price", 15, 12.5)),
        ("year", 1, Closeness("year", 2021, 0.5)),
    ],
)
def test_a_store_adds_the_same(store: Store, field: str, query: int, part: Match | Closeness) -> None:
    column = column_of(KINDS[field], field, ROWS, ROWS)
    assert column is not None
    found = column.part(getattr(part, "scale", None), np.array([query]), None)[0]
    ids = [point_id("s", str(n)) for n in range(len(ROWS))]
    added = store.contributions({"it": part}, ids)
    assert found.tolist() == pytest.approx([added[id]["it"] for id in ids], abs=1e-6)


def test_text_and_dates_are_no_columns() -> None:
    assert [column_of(kind, "f", ROWS, ROWS) for kind in ("text", "datetime")] == [None, None]
