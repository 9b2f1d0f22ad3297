"""What every store remembers of its encoders, sources and fields, on each engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from autoenc.errors import ArgumentError, StoreMismatchError, UnknownFieldError, VectorError
from autoenc.store import Better, Contains, Range, Scale, Store, VectorSpec, point_id
from autoenc.store.runs import Run

RED, GREEN, BLUE = (point_id("demo", f"{name}.jpg") for name in ("red", "green", "blue"))
PAINT = VectorSpec(dim=2, fingerprint="paint-1", preprocessing=1)
SHAPE = VectorSpec(dim=3, fingerprint="shape-1", preprocessing=1)


@pytest.fixture
def store(empty) -> Store:
    """Three points: red (1, 0), green (3, 4), blue (0, 2); red and green lie in folder "warm"."""
    empty.add_vector("paint", PAINT)
    empty.add_fields({"folder": "keyword", "year": "integer"})
    empty.upsert(
        [RED, GREEN, BLUE],
        {"paint": np.array([[1, 0], [3, 4], [0, 2]], np.float32)},
        [{"folder": "warm", "year": 1999}, {"folder": "warm", "year": 2024}, {"folder": "cold", "year": 2024}],
    )
    return empty


def test_reopening_remembers_everything(store, reopen):
    store.add_vector("edges+pca32", SHAPE)
    store.add_source("demo", "/photos/old")
    store.add_source("demo", "/photos/new")
    info = store.info
    again = reopen()
    assert again.info == info
    assert again.info.sources == {"demo": "/photos/new"}
    assert again.info.fields == {"folder": "keyword", "year": "integer"}
    assert [hit.id for hit in again.search([1, 0], using="paint", where={"folder": "warm"})] == [RED, GREEN]
    assert again.facets("year") == {2024: 2, 1999: 1}
    assert again.search([1, 0, 0], using="edges+pca32") == []


def test_threads_that_change_the_record_lose_nothing(empty):
    def add(number: int) -> None:
        empty.add_vector(f"v{number}", PAINT)
        empty.add_source(f"s{number}", f"/{number}")
        empty.add_field(f"f{number}", "keyword")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(8)))
    expected = [str(number) for number in range(8)]
    assert sorted(name[1:] for name in empty.info.vectors) == expected
    assert sorted(name[1:] for name in empty.info.sources) == expected
    assert sorted(name[1:] for name in empty.info.fields) == expected


def test_the_same_encoder_again_is_no_change_and_another_is_refused(store):
    store.add_vector("paint", PAINT)
    store.check_vector("paint", PAINT)
    other = VectorSpec(dim=2, fingerprint="paint-2", preprocessing=1)
    for attempt in (store.add_vector, store.check_vector):
        with pytest.raises(StoreMismatchError, match=r"2-d vectors of encoder 'paint' \(paint-1.*this encoder.*-2"):
            attempt("paint", other)
    with pytest.raises(StoreMismatchError, match="holds no vector 'shape'; it holds 'paint'"):
        store.check_vector("shape", SHAPE)


def test_a_bundle_that_moved_is_remembered_anew(store):
    moved = VectorSpec(dim=2, fingerprint="paint-1", preprocessing=1, origin="models/new")
    store.add_vector("paint", moved)
    assert store.info.vectors["paint"] == moved
    with pytest.raises(StoreMismatchError, match="use the encoder of models/new"):
        store.check_vector("paint", VectorSpec(dim=2, fingerprint="x", preprocessing=1))


def test_a_vector_is_dropped_from_every_point(store, reopen):
    store.add_vector("shape", SHAPE)
    store.update_vectors([RED], {"shape": np.ones((1, 3))})
    store.drop_vector("shape")
    assert list(store.info.vectors) == ["paint"]
    with pytest.raises(VectorError, match="holds no vector 'shape'"):
        store.search([1, 1, 1], using="shape")
    again = reopen()
    assert list(again.info.vectors) == ["paint"]
    assert len(again) == 3
    again.add_vector("shape", VectorSpec(dim=5, fingerprint="other", preprocessing=1))  # nothing of the old one is left
    assert again.having_vectors([RED], ["shape"]) == set()


def test_a_field_keeps_its_kind(store):
    store.add_field("year", "integer")
    with pytest.raises(StoreMismatchError, match=r"'year' of collection .* holds integer values, not keyword"):
        store.add_field("year", "keyword")
    with pytest.raises(ArgumentError, match="'integer', 'keyword', 'text'; got 'money' for 'price'"):
        store.add_field("price", "money")


def test_a_field_of_integers_may_become_one_of_floats(store, reopen):
    store.add_field("year", "float")
    store.set_payload(RED, {"year": 1999.5})
    for opened in (lambda: store, reopen):
        again = opened()
        assert again.kind_of("year") == "float"
        assert {record.id for record in again.scroll({"year": Range(lt=2000)})} == {RED}
        assert again.count({"year": 2024}) == 2
    with pytest.raises(StoreMismatchError, match="holds float values, not integer"):
        again.add_field("year", "integer")


@pytest.mark.parametrize(("kind", "value"), [("float", 7.5), ("bool", True), ("text", "7"), ("keyword", "7")])
def test_a_field_may_get_another_kind_and_be_forgotten(store, reopen, kind, value):
    records = [record.id for record in store]
    store.set_payloads(records, [{"year": value}] * len(records))
    store.change_field("year", kind)
    for opened in (lambda: store, reopen):
        again = opened()
        assert again.kind_of("year") == kind
        assert again.count({"year": Contains(value) if kind == "text" else value}) == len(records)
    again.forget_field("year")
    assert "year" not in again.info.fields
    for change in (lambda: again.forget_field("year"), lambda: again.change_field("year", "float")):
        with pytest.raises(UnknownFieldError, match="no filterable field 'year'"):
            change()
    again.add_field("year", "keyword")
    assert again.count({"year": "other"}) == 0
    assert all(record.payload["year"] == value for record in again)


def test_the_field_that_names_products_is_remembered(store, reopen):
    assert store.info.product is None
    with pytest.raises(UnknownFieldError, match=r"no filterable field 'sku'; it has 'folder', 'year'\."):
        store.set_product("sku")
    store.add_field("price", "float")
    with pytest.raises(ArgumentError, match="a whole number; field 'price' holds float values"):
        store.set_product("price")
    store.set_product("folder")
    again = reopen()
    assert again.info.product == again.status().product == "folder"
    assert not again.info.product_folders
    again.set_product("folder", folders=True)
    again = reopen()
    assert (again.info.product, again.info.product_folders) == ("folder", True)
    again.set_product(None)
    again = reopen()
    assert (again.info.product, again.info.product_folders) == (None, False)


def test_the_better_encoder_is_remembered_while_the_store_holds_both(store, reopen):
    prints = {"shape": SHAPE.fingerprint, "paint": PAINT.fingerprint}
    ahead = Better("shape=1,paint=0.5", "paint", 0.5, 0.25, 0.125, 0.375, 700, "2026-01-31", prints)
    store.add_vector("shape", SHAPE)
    store.set_better("picture", ahead)
    again = reopen()
    again.add_source("demo", "/photos")
    again.add_vectors({"paint": PAINT, "more": SHAPE})
    again.drop_vector("more")
    assert again.status().better == again.info.better == {"picture": ahead}
    assert again.status().to_dict()["better"] == {"picture": {**vars(ahead)}}
    again.drop_vector("shape")
    assert again.info.better == {}
    again.add_vector("shape", VectorSpec(dim=3, fingerprint="shape-2", preprocessing=1))
    assert again.info.better == reopen().info.better == {}


def ahead_of_paint(name: str, **told: Any) -> Better:
    prints = {name: SHAPE.fingerprint, "paint": PAINT.fingerprint}
    return Better(name, "paint", 0.5, 0.25, 0.125, 0.375, 700, "2026-01-31", prints, **told)


def test_what_is_better_is_replaced_or_forgotten_for_each_kind_of_query(store):
    store.add_vectors({"shape": SHAPE, "tone": SHAPE})
    for name in ("shape", "tone"):
        store.set_better("picture", ahead_of_paint(name))
        assert store.info.better == {"picture": ahead_of_paint(name)}
    store.set_better("stored", ahead_of_paint("shape"))
    assert store.info.better == {"picture": ahead_of_paint("tone"), "stored": ahead_of_paint("shape")}
    store.set_better("picture", None)
    assert store.info.better == {"stored": ahead_of_paint("shape")}
    with pytest.raises(VectorError, match="holds no vector 'none'"):
        store.set_better("picture", ahead_of_paint("none"))


def test_what_is_better_with_boosts_is_known_while_the_store_can_filter_by_their_fields(store, reopen):
    store.add_vectors({"shape": SHAPE})
    boosted = ahead_of_paint("shape", boost="brand=1", near="weight~10=0.5", fields=("brand", "weight"))
    store.add_fields({"brand": "keyword"})
    store.set_better("stored", boosted)
    assert store.info.better == {}
    store.add_fields({"weight": "float"})
    store.set_better("stored", boosted)
    assert store.info.better == reopen().info.better == {"stored": boosted}


def test_scales_are_remembered_until_their_vectors_are_dropped(store, reopen):
    cosines = tuple(number / 100 for number in range(101))
    scale, newer = (Scale(0.25, 0.5, cosines, points, PAINT.fingerprint) for points in (3, 4))
    store.set_scales({"paint": scale})
    again = reopen()
    again.add_source("demo", "/photos")
    assert again.info.scales == {"paint": scale}
    again.set_scales({"paint": newer})
    assert again.info.scales == {"paint": newer}
    again.drop_vector("paint")
    again.add_vector("paint", PAINT)  # the same encoder, but no vectors yet
    assert again.info.scales == reopen().info.scales == {}
    with pytest.raises(VectorError, match="holds no vector 'none'"):
        again.set_scales({"none": newer})


def test_the_last_five_runs_of_a_source_are_remembered(store, reopen):
    store.add_source("demo", "/photos")
    runs = [Run(f"2026-01-3{day}T12:00:00Z", 1.5, indexed=day) for day in (0, 1)] * 3
    for run in runs:
        store.add_run("demo", run)
    again = reopen()
    assert again.info.runs == again.status().runs == {"demo": tuple(runs[1:])}
    assert again.status().to_dict()["sources"]["demo"]["runs"][0]["indexed"] == 1
    again.forget_source("demo")
    assert again.info.sources == again.info.runs == {}
    again.add_source("demo", "/photos")
    assert reopen().info.runs == {}
