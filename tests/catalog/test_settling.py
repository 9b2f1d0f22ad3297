"""One image of a group of copies is kept, the others go where nothing is lost with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoenc.catalog.settling import keep_copy
from autoenc.errors import ArgumentError, PointNotFoundError
from autoenc.store import Store, VectorSpec, open_store, point_id

IDS = [point_id("shop", f"{number}.jpg") for number in range(4)]


def filled(payloads: list[dict[str, Any]]) -> Store:
    store = open_store(":memory:")
    store.add_vector("color", VectorSpec(2, "print", 1))
    store.upsert(IDS[: len(payloads)], {"color": np.eye(2, dtype=np.float32)[[0] * len(payloads)]}, payloads)
    return store


@pytest.fixture
def opened() -> Iterator[list[Store]]:
    stores: list[Store] = []
    yield stores
    for store in stores:
        store.close()


def fields(store: Store) -> dict[str, dict[str, Any]]:
    return {record.id: record.payload for record in store}


def test_a_kept_image_takes_over_what_it_lacks(opened: list[Store]) -> None:
    opened.append(store := filled([{}, {"sku": "a", "price": 5}, {"sku": "a", "tags": ["new"]}]))
    settled = keep_copy(store, IDS[0], IDS[1:3])
    assert (settled.removed, settled.staying) == (IDS[1:3], {})
    assert settled.joined == {"sku": "a", "price": 5, "tags": ["new"]}
    assert fields(store) == {IDS[0]: {"sku": "a", "price": 5, "tags": ["new"]}}


def test_a_copy_with_another_value_stays_with_all_that_it_holds(opened: list[Store]) -> None:
    opened.append(store := filled([{"price": 5}, {"price": 6, "sku": "b"}, {"sku": "c"}, {"price": 6}]))
    settled = keep_copy(store, IDS[0], IDS[1:])
    assert settled.staying == {IDS[1]: ["price"]}
    assert settled.joined == {"sku": "c"}, "not that of a copy that stays"
    assert fields(store) == {IDS[0]: {"price": 5, "sku": "c"}, IDS[1]: {"price": 6, "sku": "b"}}


def test_of_copies_with_the_same_other_values_one_stays(opened: list[Store]) -> None:
    opened.append(store := filled([{"price": 5}, {"price": 6, "sku": "b"}, {"price": 6}, {"price": 6, "sku": "c"}]))
    settled = keep_copy(store, IDS[0], IDS[1:])
    assert (settled.removed, settled.staying) == ([IDS[2]], {IDS[1]: ["price"], IDS[3]: ["price"]})


def test_an_empty_value_is_none(opened: list[Store]) -> None:
    opened.append(store := filled([{"price": 5}, {"price": None, "note": "", "tags": []}]))
    assert keep_copy(store, IDS[0], [IDS[1]]).removed == [IDS[1]]
    assert fields(store) == {IDS[0]: {"price": 5}}


VALUES = st.dictionaries(st.sampled_from("abc"), st.integers(0, 1), max_size=3)


@settings(max_examples=40, deadline=None)
@given(st.lists(VALUES, min_size=2, max_size=4))
def test_no_value_is_lost_and_none_is_changed(payloads: list[dict[str, Any]]) -> None:
    store = filled(payloads)
    try:
        planned = keep_copy(store, IDS[0], IDS[1 : len(payloads)], dry_run=True)
        assert fields(store) == dict(zip(IDS, payloads, strict=False))
        assert keep_copy(store, IDS[0], IDS[1 : len(payloads)]) == planned
        left = fields(store)
    finally:
        store.close()
    values = {(name, value) for payload in payloads for name, value in payload.items()}
    assert {(name, value) for payload in left.values() for name, value in payload.items()} == values
    assert payloads[0].items() <= left[IDS[0]].items()
    assert all(left[id] == payloads[IDS.index(id)] for id in planned.staying)
    assert {*left, *planned.removed} == set(IDS[: len(payloads)])


def test_what_cannot_be_settled_changes_nothing(opened: list[Store]) -> None:
    opened.append(store := filled([{"a": 1}, {"b": 2}]))
    before = fields(store)
    with pytest.raises(PointNotFoundError, match=IDS[3]):
        keep_copy(store, IDS[0], [IDS[1], IDS[3]])
    for others in ([], [IDS[1], IDS[0]]):
        with pytest.raises(ArgumentError, match="others of its group"):
            keep_copy(store, IDS[0], others)
    assert fields(store) == before
