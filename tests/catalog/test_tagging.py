"""Fields of images that a store holds, set by a filter or by a table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from autoenc import Metadata, Store, index_images, open_store, tag_images
from autoenc.catalog.tagging import typed
from autoenc.errors import ArgumentError, PointNotFoundError, StoreMismatchError, TableError, UnknownFieldError
from autoenc.store import point_id


@pytest.fixture(params=["memory", "edge"])
def store(request: pytest.FixtureRequest, picture_folder: Path, tmp_path: Path) -> Iterator[Store]:
    """Twelve pictures in folders red, green and blue, four in each."""
    location = ":memory:" if request.param == "memory" else tmp_path / "store"
    with open_store(location, create=True) as opened:
        index_images(picture_folder, opened, encoders=["color"], progress=False)
        yield opened


def held(store: Store, folder: str) -> list[dict[str, Any]]:
    """The user's fields of the images in a folder, by name."""
    records = sorted(store.scroll({"folder": folder}), key=lambda record: record.payload["_autoenc"]["path"])
    return [{key: value for key, value in record.payload.items() if key != "_autoenc"} for record in records]


def test_fields_are_set_and_removed_where_a_filter_matches(store: Store) -> None:
    done = tag_images(store, set={"season": "winter", "price": 5}, where={"folder": ["red", "blue"]})
    assert (done.matched, done.changed) == (8, 8)
    done = tag_images(store, set={"price": 6}, unset=["season"], where={"folder": "red"})
    assert (done.matched, done.changed) == (4, 4)
    assert held(store, "red") == [{"price": 6}] * 4
    assert held(store, "blue") == [{"season": "winter", "price": 5}] * 4
    assert held(store, "green") == [{}] * 4


def test_fields_are_set_of_the_images_that_are_named(store: Store) -> None:
    ids = [record.id for record in store.scroll({"folder": "red"})]
    done = tag_images(store, set={"sale": True}, ids=[ids[0], ids[1].upper(), ids[0]])
    assert (done.matched, done.changed) == (2, 2)
    assert sum(record.payload.get("sale") is True for record in store) == 2
    assert tag_images(store, unset="sale", ids=[]).matched == 0
    with pytest.raises(PointNotFoundError, match="Nothing was changed"):
        tag_images(store, set={"sale": False}, ids=[ids[2], point_id("none", "x")])
    with pytest.raises(ArgumentError, match="ids="):
        tag_images(store, set={"sale": False}, ids=ids, where={"folder": "red"})
    assert sum("sale" in record.payload for record in store) == 2


def test_only_what_differs_counts_as_changed(store: Store) -> None:
    tag_images(store, set={"sale": True}, where={"folder": "red"})
    assert repr(tag_images(store, set={"sale": True})) == "<TagReport 12 matched, 8 changed>"
    assert tag_images(store, set={"sale": True}).changed == 0
    assert tag_images(store, set={"sale": 1}).changed == 12  # another value to a filter
    assert tag_images(store, unset="size").changed == 0


def test_a_number_whose_last_digit_the_store_does_not_keep_is_no_change(store: Store) -> None:
    given = {"price": 121.42857142857143, "sizes": [121.42857142857143], "whole": 5.0}
    assert tag_images(store, set=given).changed == 12
    assert tag_images(store, set=given).changed == 0


def test_a_dry_run_counts_and_writes_nothing(store: Store, tmp_path: Path) -> None:
    done = tag_images(store, set={"season": "winter"}, where={"folder": "red"}, dry_run=True)
    assert repr(done) == "<TagReport 4 matched, 4 would change>"
    (tmp_path / "t.csv").write_text("path,price\nred/0.png,5\n")
    done = tag_images(store, metadata=Metadata(tmp_path / "t.csv", product_column="price"), dry_run=True)
    assert (done.matched, done.changed) == (12, 1)
    assert held(store, "red") == [{}] * 4
    assert "price" not in store.info.fields
    assert store.info.product is None


def test_a_change_that_ends_the_match_reaches_every_image(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autoenc.catalog.tagging._BATCH", 5)
    store.add_field("state", "keyword")
    tag_images(store, set={"state": "new"})
    assert tag_images(store, set={"state": "old"}, where={"state": "new"}).changed == 12
    assert store.facets("state") == {"old": 12}


def test_a_table_needs_no_files(store: Store, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("path,price,sku\nred/0.png,5,a\nred/1.png,7,a\ngone.png,1,b\n")
    done = tag_images(store, set={"checked": True}, metadata=Metadata(table, product_column="sku"))
    assert done.changed == 12
    assert done.table is not None
    assert (done.table.joined, done.table.rows_without_image, done.table.updated) == (2, ["gone.png"], 12)
    assert held(store, "red")[:2] == [
        {"price": 5, "sku": "a", "checked": True},
        {"price": 7, "sku": "a", "checked": True},
    ]
    assert store.count({"price": 7}) == 1
    assert store.info.product == "sku"


def test_payloads_are_read_whole_only_where_they_are_compared(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t.csv").write_text("path,price\nred/0.png,5\n")
    read: list[Any] = []
    scroll = Store.scroll

    def spied(self: Store, *args: Any, **options: Any) -> Any:
        for record in scroll(self, *args, **options):
            read.append(record.payload)
            yield record

    monkeypatch.setattr(Store, "scroll", spied)
    tag_images(store, metadata=tmp_path / "t.csv")
    assert [list(payload.get("_autoenc", {})) for payload in read] == [["path"]] * 12 + [[]] * 12


def test_what_is_set_by_name_comes_after_the_table(store: Store, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("path,price,color\nred/0.png,5,red\nred/1.png,,red\n")
    tag_images(store, set={"price": 9}, unset=["color"], metadata=table, where={"folder": "red"})
    assert held(store, "red") == [{"price": 9}] * 4
    assert held(store, "blue") == [{}] * 4


def test_points_that_autoenc_has_not_written_are_tagged_by_filter_alone(store: Store, tmp_path: Path) -> None:
    store.upsert(["00000000-0000-0000-0000-000000000001"], {}, [{"mine": 1}])
    (tmp_path / "t.csv").write_text("id,price\n0,5\n")
    assert tag_images(store, metadata=tmp_path / "t.csv").changed == 3  # 0.png in each folder
    assert tag_images(store, set={"seen": True}).changed == 13


def test_wrong_usage_is_told_before_anything_is_written(store: Store, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,price\nnone,5\n")
    cases: dict[str, tuple[type[Exception], dict[str, Any]]] = {
        "Nothing to do": (ArgumentError, {}),
        "autoenc's own": (ArgumentError, {"set": {"_autoenc.path": "x"}}),
        "'_autoenc'": (ArgumentError, {"unset": ["_autoenc"]}),
        "to be set and to be removed": (ArgumentError, {"set": {"a": 1}, "unset": ["a"]}),
        r"it has .*\. Did you mean 'folder'\?": (UnknownFieldError, {"set": {"a": 1}, "where": {"folders": "x"}}),
        "no filterable field 'brand'": (UnknownFieldError, {"set": {"a": 1}, "where": {"brand": "x"}}),
        "belongs to any image": (TableError, {"metadata": tmp_path / "t.csv"}),
        "filter on 'folder' needs": (ArgumentError, {"set": {"a": 1}, "where": {"folder": []}}),
    }
    for said, (error, options) in cases.items():
        with pytest.raises(error, match=said):
            tag_images(store, **options)
    for where in ("brand = x", "folder = rde"):
        with suppress(UnknownFieldError):
            tag_images(store, set={"new": 1}, filterable={"new": "integer"}, where=where)
        assert "new" not in store.info.fields
    with pytest.raises(ArgumentError, match="Expected an open store"):
        tag_images(str(tmp_path), set={"a": 1})  # type: ignore[arg-type]
    assert held(store, "red") == [{}] * 4


def test_names_and_values_that_are_almost_known_are_asked_about(store: Store) -> None:
    tag_images(store, set={"baseColour": "red"}, filterable={"baseColour": "keyword"})
    report = tag_images(store, set={"baseColor": "red", "brand": "Nike"}, unset=["folders"], dry_run=True)
    assert report.notes == [
        "Filters do not know field 'baseColor' so far. Did you mean 'baseColour'?",
        "Filters do not know field 'folders' so far. Did you mean 'folder'?",
    ]
    report = tag_images(store, set={"a": 1}, where={"baseColour": "rde"})
    assert (report.matched, report.notes) == (0, ["No image has baseColour 'rde'. The nearest of 1 value: 'red'."])
    assert tag_images(store, set={"a": 1}, where={"baseColour": "red"}).notes == []


def test_what_is_set_can_be_filtered_by_where_its_kind_is_named(store: Store) -> None:
    tag_images(store, set={"price": 5, "note": "x"}, filterable={"price": "float"}, where={"folder": "red"})
    assert store.count({"price": 5.0}) == 4
    assert "note" not in store.info.fields
    tag_images(store, set={"sale": True}, filterable={"sale": "bool"}, dry_run=True)
    assert "sale" not in store.info.fields
    with pytest.raises(StoreMismatchError, match=r"'price' .* holds float values, not bool"):
        tag_images(store, set={"price": True}, filterable={"price": "bool"})


def test_a_field_called_like_one_of_autoencs_own_is_told_and_gives_the_name_back(store: Store, tmp_path: Path) -> None:
    said = "Filters mean your field 'folder' by this name from now on; autoenc's own is '_autoenc.folder'."
    done = tag_images(store, set={"folder": "x"}, filterable={"folder": "keyword"})
    assert done.notes == [said]
    assert (store.count("folder = x"), store.count("_autoenc.folder = red")) == (12, 4)
    assert tag_images(store, set={"folder": "y"}, filterable={"folder": "keyword"}).notes == []
    tag_images(store, unset="folder", where="_autoenc.folder = red")
    assert (store.count("folder = y"), store.count("folder = red")) == (8, 0)
    tag_images(store, unset="folder", dry_run=True)
    assert store.count("folder = y") == 8
    assert tag_images(store, unset="folder").changed == 8
    assert store.count("folder = red") == 4
    assert tag_images(store, set={"folder": "z"}).notes == []  # which filters do not know
    assert store.count("folder = red") == 4
    file = tmp_path / "t.csv"
    file.write_text("path,width\nred/0.png,12\n")
    table = tag_images(store, metadata=file).table
    assert table is not None
    assert table.notes == [said.replace("folder", "width")]


def test_a_table_gives_a_field_another_kind(store: Store, tmp_path: Path) -> None:
    tag_images(store, set={"price": "5"}, filterable={"price": "keyword"})
    tag_images(store, set={"price": "tba"}, where={"folder": "red"})
    file = tmp_path / "t.csv"
    file.write_text("path,price\n" + "".join(f"red/{n}.png,{n}.5\n" for n in range(4)))
    asked = Metadata(file, types={"price": "float"})
    with pytest.raises(StoreMismatchError, match=r"those of 4 images .* 'tba' of red/\d\.png, for example\."):
        tag_images(store, metadata=asked, where={"folder": "red"})
    assert tag_images(store, metadata=asked, dry_run=True).notes == []
    assert store.kind_of("price") == "keyword"
    assert tag_images(store, metadata=asked).notes == ["Field 'price' held keyword values; they are float values now."]
    assert sum(store.count({"price": price}) for price in (0.5, 1.5, 2.5, 3.5)) == 4
    assert store.count({"price": 5}) == 8
    with pytest.raises(UnknownFieldError):
        store.change_field("prize", "float")


def test_what_is_set_becomes_a_value_of_its_field(store: Store) -> None:
    store.add_fields({"price": "float", "day": "datetime", "code": "keyword", "sizes": "integer"})
    given = {"price": "5", "day": date(2026, 1, 31), "code": 7, "sizes": ["40", 41], "other": {"a": [1]}}
    tag_images(store, set=given)
    held_now = {"price": 5.0, "day": "2026-01-31", "code": "7", "sizes": [40, 41], "other": {"a": [1]}}
    assert held(store, "red") == [held_now] * 4
    for name, value, said in (
        ("price", "cheap", r"'price' holds a number such as 12\.5; got 'cheap'"),
        ("price", True, "'price' holds a number"),
        ("price", {"a": 1}, "'price' holds float values; got {'a': 1}"),
        ("sizes", [40, "big"], "'sizes' holds a whole number; got 'big'"),
        ("code", "", "'code' needs a value; remove it with unset="),
    ):
        with pytest.raises(ArgumentError, match=said):
            tag_images(store, set={name: value})
    assert held(store, "red") == [held_now] * 4


def test_what_is_typed_has_the_kind_of_its_field(store: Store) -> None:
    store.add_fields({"price": "float", "code": "keyword", "sale": "bool"})
    given = {"price": "5", "code": "5", "sale": "yes", "n": "5", "day": "2026-01-31", "tags": "red|blue", "x": "a|b"}
    values, kinds = typed(store, given, {"tags": "keywords"}, "|")
    assert values == {
        "price": 5.0,
        "code": "5",
        "sale": True,
        "n": 5,
        "day": "2026-01-31",
        "tags": ["red", "blue"],
        "x": "a|b",
    }
    assert kinds == {
        "price": "float",
        "code": "keyword",
        "sale": "bool",
        "n": "integer",
        "day": "datetime",
        "tags": "keyword",
        "x": "keyword",
    }
    with pytest.raises(ArgumentError, match="'code' of the store holds keyword values, not integer; leave out its"):
        typed(store, {"code": "5"}, {"code": "integer"}, "|")
    for name, text, said in (
        ("price", "much", "'price' holds a number such as 12.5; got 'much'"),
        ("price", "", "needs a value; remove it with unset="),
    ):
        with pytest.raises(ArgumentError, match=said):
            typed(store, {name: text}, {}, "|")
    with pytest.raises(ArgumentError, match="one of keyword, integer"):
        typed(store, {"a": "1"}, {"a": "number"}, "|")  # type: ignore[dict-item]
