"""Copies of a picture are found, in groups that do not run away, and what people said of them is obeyed."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow
from textured import altered, picture

from autoenc import (
    Duplicates,
    find_duplicates,
    index_images,
    mark_not_duplicates,
    open_store,
    remove_images,
    tag_images,
    write_duplicates,
)
from autoenc.catalog.copies import suggested_threshold
from autoenc.catalog.duplicates import grouped
from autoenc.catalog.keeping import best_first, sparing
from autoenc.catalog.pictures import Image, Pictures
from autoenc.errors import ArgumentError, OutputError, PointNotFoundError, StoreMismatchError
from autoenc.images.files import load_image
from autoenc.images.likeness import SIDE, gray, likeness
from autoenc.outputs import carries_mark
from autoenc.store import Store, VectorSpec, point_id

KINDS = list(altered(picture(0)))
ENCODERS = ["color", "edges"]


# ---- groups, by hand --------------------------------------------------------------------------------


def image(name: str, pixels: int, digest: str = "", verdicts: tuple[str, ...] = ()) -> Image:
    return Image(name, "", pixels, 1, 10, digest or name, verdicts)


def groups_of(
    images: list[Image], alike: dict[tuple[str, str], float], known: set[tuple[str, str]] | None = None
) -> list[list[str]]:
    """The groups at .8, where `alike` holds all likenesses above 0, and `known` which of them were found."""
    digests = list(dict.fromkeys(each.digest for each in images))
    of = [[n for n, each in enumerate(images) if each.digest == digest] for digest in digests]
    found: dict[int, dict[int, float]] = {}
    for pair in alike if known is None else known:
        one, other = map(digests.index, pair)
        if alike[pair] >= 0.8:
            found.setdefault(one, {})[other] = found.setdefault(other, {})[one] = alike[pair]

    def compare(one: int, other: int) -> float:
        pair = digests[one], digests[other]
        return alike.get(pair, alike.get(pair[::-1], 0.0))

    return [
        [each.id for each in best_first([images[number] for number in group], set(), {}, None)]
        for group in grouped(images, of, found, 0.8, compare)
    ]


A, B, C, D = (image(name, pixels) for name, pixels in (("a", 400), ("b", 300), ("c", 200), ("d", 100)))


def test_the_best_image_leads() -> None:
    assert groups_of([D, C, A], {("a", "c"): 0.9, ("a", "d"): 0.8, ("c", "d"): 0.9}) == [["a", "c", "d"]]


def test_a_copy_of_a_copy_is_no_copy() -> None:
    """In a - b - c - d, each like the next one alone, a runaway group would hold all four; d is no copy of b."""
    chain = {("a", "b"): 0.95, ("b", "c"): 0.95, ("c", "d"): 0.95}
    assert groups_of([A, B, C, D], chain) == [["a", "b", "c"]]


def test_the_image_with_the_most_copies_is_the_center_and_the_best_one_is_first() -> None:
    """Both a, with a border, and d, with a watermark, are like the photo c, but not like one another."""
    assert groups_of([A, B, C, D], {("a", "c"): 0.85, ("b", "c"): 0.9, ("c", "d"): 0.85}) == [["a", "b", "c", "d"]]


def test_a_copy_that_was_found_through_another_one_alone_is_compared_with_the_center() -> None:
    known = {("a", "b"), ("b", "c"), ("c", "d")}
    alike = dict.fromkeys(known, 0.95)
    assert groups_of([A, B, C, D], {**alike, ("b", "d"): 0.85}, known) == [["a", "b", "c", "d"]]
    assert groups_of([A, B, C, D], {**alike, ("b", "d"): 0.79}, known) == [["a", "b", "c"]]


def test_exact_copies_are_a_group_and_the_one_with_the_lowest_id_leads() -> None:
    assert groups_of([image("y", 9, "same"), image("x", 9, "same"), A], {}) == [["x", "y"]]


def test_images_that_were_told_apart_are_in_no_group_together() -> None:
    alike = {("a", "b"): 0.95, ("b", "c"): 0.95, ("a", "c"): 0.85}
    b, c = image("b", 300, verdicts=("c",)), image("c", 200, verdicts=("b",))
    assert groups_of([A, b, c], alike) == [["a", "b"]]
    assert groups_of([A, b, C], alike) == [["a", "b", "c"]]  # only one of the two holds it
    a, c = image("a", 400, verdicts=("c",)), image("c", 200, verdicts=("a",))
    assert groups_of([a, B, c], alike) == [["a", "b"]]
    x, y = image("x", 9, "same", ("same",)), image("y", 9, "same", ("same",))
    assert groups_of([x, y], {}) == []


@given(st.data())
def test_no_group_runs_away(data: st.DataObject) -> None:
    names = [f"{number:02}" for number in range(data.draw(st.integers(1, 9)))]
    digests = [data.draw(st.sampled_from("pqrstuvw")) for _ in names]
    sizes = {digest: data.draw(st.integers(1, 3)) for digest in "pqrstuvw"}
    alike = {pair: data.draw(st.sampled_from([0.0, 0.5, 0.8, 0.9])) for pair in combinations(sorted(set(digests)), 2)}
    apart = {pair for pair in combinations(sorted(set(digests)), 2) if data.draw(st.booleans())}
    told = {d: tuple({x for pair in apart for x in pair if d in pair} - {d}) for d in digests}

    def like(x: str, y: str) -> bool:
        return alike[min(x, y), max(x, y)] >= 0.8

    images = [image(name, sizes[d], d, told[d]) for name, d in zip(names, digests, strict=True)]
    by_id = {each.id: each for each in images}
    groups = groups_of(images, alike)
    every = [id for group in groups for id in group]
    assert len(every) == len(set(every))
    for group in groups:
        members = [by_id[id] for id in group]
        assert len(members) > 1
        assert [-each.width for each in members] == sorted(-each.width for each in members)
        assert any(
            all(each.digest == center.digest or like(each.digest, center.digest) for each in members)
            for center in members
        )
        assert not any(tuple(sorted((x.digest, y.digest))) in apart for x, y in combinations(members, 2))
    if not apart:  # no two are left that could be a group
        left = [each.digest for each in images if each.id not in every]
        assert len(left) == len(set(left))
        assert not any(like(x, y) for x, y in combinations(left, 2))


# ---- the best one, and those that can go ------------------------------------------------------------


def test_a_product_counts_more_than_fields_and_those_more_than_pixels() -> None:
    fields = {"b": {"price": 5, "color": "red"}, "c": {"price": 5}, "d": {"sku": "1"}}
    assert [each.id for each in best_first([A, B, C, D], set(), fields, "sku")] == ["d", "b", "c", "a"]
    assert [each.id for each in best_first([A, B, C, D], set(), fields, None)] == ["b", "c", "d", "a"]
    assert [each.id for each in best_first([A, B, C, D], {"b", "d"}, fields, "sku")] == ["c", "a", "d", "b"]


def test_only_images_whose_fields_another_one_holds_can_go() -> None:
    same, other = {"sku": "1", "price": 5}, {"sku": "2", "price": 5}
    assert sparing([A, B, C, D], {"a": same, "b": {"price": 5}, "c": other}) == {"a", "c"}
    assert sparing([A, B, C, D], {"a": same, "b": same, "c": {"price": 6}}) == {"a", "c"}
    assert sparing([A, B, C, D], {"a": same, "b": other, "c": other, "d": {"sku": "2"}}) == {"a", "b"}
    assert sparing([A, B], {"a": {"price": 1}, "b": {"note": None}}) == {"a", "b"}  # None is a value like another


@given(st.lists(st.dictionaries(st.sampled_from("xyz"), st.integers(0, 2)), min_size=1, max_size=6))
def test_no_value_is_lost(held: list[dict[str, int]]) -> None:
    images = [image(str(number), 9) for number in range(len(held))]
    fields = {each.id: values for each, values in zip(images, held, strict=True)}
    ordered = best_first(images, set(), fields, "x")
    spared = sparing(ordered, fields)
    assert ordered[0].id in spared
    assert all(any(values.items() <= fields[id].items() for id in spared) for values in held)


# ---- the threshold ----------------------------------------------------------------------------------


def test_the_threshold_lies_in_the_valley() -> None:
    copies, others = [0.95] * 30, [0.5] * 30
    assert suggested_threshold([*copies, *others, *[0.84] * 5, *[0.91] * 5]) == pytest.approx(0.87, abs=0.011)
    assert suggested_threshold([*copies, *others, *[0.89] * 5]) == 0.86  # of .84 to .87
    assert suggested_threshold([*[0.95] * 19, *others]) is None


@given(st.lists(st.floats(0, 1), max_size=200))
def test_a_suggestion_lies_within_bounds(likenesses: list[float]) -> None:
    suggested = suggested_threshold(likenesses)
    assert suggested is None or 0.84 <= suggested <= 0.9


# ---- a store of pictures ----------------------------------------------------------------------------


def save(pixels: np.ndarray, file: Path) -> None:
    Pillow.fromarray(pixels).save(file)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Twenty pictures, of which the first has a copy of each kind, and the second two exact copies."""
    folder = tmp_path / "shop"
    folder.mkdir()
    for seed in range(20):
        save(picture(seed), folder / f"{seed:02}.png")
    for kind, copy in altered(picture(0)).items():
        save(copy, folder / f"00 {kind}.png")
    for number in (1, 2):
        shutil.copy(folder / "01.png", folder / f"01 again {number}.png")
    return folder


@pytest.fixture
def store(shop: Path) -> Iterator[Store]:
    with open_store(":memory:") as opened:
        index_images(shop, opened, encoders=ENCODERS, source="shop", progress=False)
        yield opened


def paths(found: Duplicates) -> list[set[str]]:
    return [{copy.path.stem for copy in group if copy.path} for group in found.groups]


COPIES = {"00", *(f"00 {kind}" for kind in KINDS)}
AGAIN = {"01", "01 again 1", "01 again 2"}


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("using", [None, "edges", ["color"]])
def test_each_kind_of_copy_is_found(store: Store, using: str | list[str] | None) -> None:
    found = find_duplicates(store, using=using, progress=False)
    assert paths(found) == [COPIES, AGAIN]
    assert (found.images, found.lacking, found.foreign, found.unread) == (30, 0, 0, [])
    assert found.suggested
    assert 0.84 <= found.threshold <= 0.9
    best, *copies = found.groups[0]
    assert best.path is not None
    assert best.path.stem == "00 border"  # it has the most pixels
    for copy in copies:
        assert copy.path is not None
        grays = [gray(load_image(file, size=SIDE).pixels) for file in (best.path, copy.path)]
        assert copy.likeness == pytest.approx(likeness(*grays), abs=0.01)  # to the best, which is not the center
        assert not copy.exact
    assert all(copy.likeness < 1 for copy in copies)
    assert [copy.exact for copy in found.groups[1]] == [True] * 3
    assert set(found.worse) == {copy.id for group in found.groups for copy in group[1:]}


def test_the_threshold_is_obeyed(store: Store) -> None:
    found = find_duplicates(store, threshold=1, progress=False)
    assert AGAIN in paths(found)
    assert all(copy.likeness == 1 for group in found.groups for copy in group)
    strict = find_duplicates(store, threshold=0.97, progress=False)
    assert COPIES not in paths(strict)
    assert strict.threshold == 0.97


@pytest.mark.parametrize("threshold", [None, 0.86])
def test_crops_by_eight_percent_of_each_side_are_found(tmp_path: Path, threshold: float | None) -> None:
    """They keep .71 of the area."""
    for seed in range(12):
        pixels = picture(seed)
        save(pixels, tmp_path / f"{seed}.png")
        save(pixels[10:-10, 8:-8], tmp_path / f"{seed} crop.png")
    with open_store(":memory:") as store:
        index_images(tmp_path, store, encoders=ENCODERS, progress=False)
        found = paths(find_duplicates(store, threshold=threshold, progress=False))
        assert sorted(map(sorted, found)) == sorted([str(seed), f"{seed} crop"] for seed in range(12))


def test_a_pair_is_compared_though_it_is_only_roughly_alike(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A likeness of .84 and a rough one of .57, as crops between two places of the rough comparison have."""
    save(picture(0), tmp_path / "0.png")
    save(picture(0)[2:], tmp_path / "crop.png")
    by_hand = np.full((2, 1), np.float32(0.57)), np.zeros((2, 1), np.bool_)
    monkeypatch.setattr("autoenc.catalog.lookalikes.rough", lambda pictures, others: by_hand)
    with open_store(":memory:") as store:
        index_images(tmp_path, store, encoders=["color"], progress=False)
        assert paths(find_duplicates(store, progress=False)) == [{"0", "crop"}]


@pytest.mark.usefixtures("way")
def test_exact_copies_do_not_hide_an_altered_one(shop: Path) -> None:
    """The nearest neighbors of a picture that is there fifteen times are its exact copies."""
    for number in range(3, 15):
        shutil.copy(shop / "01.png", shop / f"01 again {number}.png")
    save(altered(picture(1))["tint"], shop / "01 tint.png")
    with open_store(":memory:") as store:
        index_images(shop, store, encoders=["edges"], progress=False)
        assert "01 tint" in paths(find_duplicates(store, progress=False))[0]


@pytest.mark.usefixtures("way")
def test_a_picture_is_searched_for_by_any_of_its_images(shop: Path) -> None:
    """Of two files of one content, the first may lack the vector."""
    with open_store(":memory:") as store:
        index_images(shop, store, encoders=["edges"], progress=False)
        pictures = Pictures.listed(store, lambda *told: None)
        first, *_ = next(of for of in pictures.of if len(of) > 1)
        record = store.retrieve([pictures.images[first].id])[0]
        store.delete([record.id])
        store.upsert([record.id], {}, [record.payload])
        found = find_duplicates(store, progress=False)
        assert (found.lacking, found.images) == (0, 30)


def test_without_their_files_only_exact_copies_are_found(store: Store, shop: Path) -> None:
    for file in shop.iterdir():
        file.unlink()
    found = find_duplicates(store, progress=False)
    assert paths(found) == [AGAIN]
    assert all(copy.missing for copy in found.groups[0])
    assert len(found.unread) == 28
    assert "cannot be read" in str(found.unread[0])


def test_a_file_that_is_gone_is_not_the_best(store: Store, shop: Path) -> None:
    (shop / "00 border.png").unlink()
    ids = {copy.path.stem: copy for copy in find_duplicates(store, progress=False).groups[1] if copy.path}
    best = min(ids.values(), key=lambda copy: copy.id)
    assert best.path is not None
    best.path.unlink()
    found = find_duplicates(store, progress=False)
    assert paths(found) == [COPIES - {"00 border"}, AGAIN]
    assert [copy.missing for copy in found.groups[1]] == [False, False, True]


def test_a_file_that_has_changed_is_not_compared(store: Store, shop: Path) -> None:
    save(picture(99), shop / "00 mirror.png")
    found = find_duplicates(store, progress=False)
    assert paths(found) == [COPIES - {"00 mirror"}, AGAIN]
    assert [str(each) for each in found.unread] == [
        f"{shop / '00 mirror.png'}: It has changed since it was indexed; index it again."
    ]


def test_pictures_in_memory_and_points_of_others() -> None:
    with open_store(":memory:") as store:
        pixels = [picture(1), picture(1), picture(2)]
        index_images(pixels, store, encoders=["color"], names=["1", "again", "2"], progress=False)
        store.upsert([point_id("theirs", "1")], {}, [{"mine": 1}])
        found = find_duplicates(store, progress=False)
        assert (found.images, found.foreign, len(found.unread)) == (3, 1, 2)
        assert "indexed from memory" in str(found.unread[0])
        assert [len(group) for group in found.groups] == [2]


def test_images_without_a_vector_are_counted(store: Store) -> None:
    store.add_vector("ink", VectorSpec(3, "i", 1))
    assert find_duplicates(store, using=["ink"], progress=False).lacking == 30


def test_an_empty_store_has_none() -> None:
    with open_store(":memory:") as store:
        store.add_vector("color", VectorSpec(3, "c", 1))
        assert find_duplicates(store, progress=False).groups == []


def test_bad_arguments(store: Store) -> None:
    for threshold in (0, 1.1, -1, float("nan"), "much", True):
        with pytest.raises(ArgumentError, match="threshold="):
            find_duplicates(store, threshold=threshold)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="one encoder or more"):
        find_duplicates(store, using=[])
    with pytest.raises(StoreMismatchError, match="'nope'"):
        find_duplicates(store, using="nope")
    with pytest.raises(ArgumentError, match="open store"):
        find_duplicates("store")  # type: ignore[arg-type]


# ---- verdicts ---------------------------------------------------------------------------------------


def test_verdicts_outlive_reopening_and_indexing(shop: Path, tmp_path: Path) -> None:
    place = tmp_path / "store"
    with open_store(place, create=True) as store:
        index_images(shop, store, encoders=["edges"], source="shop", progress=False)
        assert "00 half" in paths(find_duplicates(store, progress=False))[0]
        mark_not_duplicates(store, ["00 half.png", "00 border.png"])
        mark_not_duplicates(store, [shop / "01.png", "01 again 1.png"])
    index_images(shop, place, encoders=ENCODERS, source="shop", progress=False)
    os.utime(shop / "00 half.png", (1, 1))
    (shop / "01.png").rename(shop / "one.png")  # its point moves, with what it holds
    index_images(shop, place, encoders=ENCODERS, source="shop", progress=False)
    with open_store(place) as store:
        found = paths(find_duplicates(store, progress=False))
        assert found[0] == COPIES - {"00 half"}
        assert not any({"one", "01 again 1"} <= group for group in found)
        mark_not_duplicates(store, ["00 half.png", "00 border.png"], forget=True)
        assert COPIES in paths(find_duplicates(store, progress=False))
        assert not any(
            "not_duplicates" in record.payload["_autoenc"]
            for record in store
            if "00" in record.payload["_autoenc"]["path"]
        )


def test_a_verdict_ends_with_the_image(store: Store, shop: Path) -> None:
    ids = mark_not_duplicates(store, ["01.png", "01 again 1.png", "01 again 2.png"])
    assert paths(find_duplicates(store, progress=False)) == [COPIES]
    remove_images(store, ids=ids[:2])
    index_images(shop, store, encoders=ENCODERS, source="shop", progress=False)
    assert AGAIN in paths(find_duplicates(store, progress=False))


def test_a_verdict_ends_when_the_picture_changes(store: Store, shop: Path) -> None:
    mark_not_duplicates(store, ["05.png", "00.png"])
    save(picture(0), shop / "05.png")
    index_images(shop, store, encoders=ENCODERS, source="shop", progress=False)
    assert COPIES | {"05"} in paths(find_duplicates(store, progress=False))


def test_bad_verdicts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = [record.payload for record in store]
    with pytest.raises(ArgumentError, match="two different images"):
        mark_not_duplicates(store, ["01.png", point_id("shop", "01.png")])
    with pytest.raises(ArgumentError, match="a list of two images"):
        mark_not_duplicates(store, "01.png")
    with pytest.raises(PointNotFoundError, match="holds no image"):
        mark_not_duplicates(store, ["01.png", "nope.png"])
    with pytest.raises(ArgumentError, match="open store"):
        mark_not_duplicates("store", ["01.png", "02.png"])  # type: ignore[arg-type]
    monkeypatch.setattr("autoenc.catalog.verdicts.MOST", 2)
    with pytest.raises(ArgumentError, match="holds 2 verdicts at most"):
        mark_not_duplicates(store, ["01.png", "02.png", "03.png", "04.png"])
    assert [record.payload for record in store] == before
    theirs = point_id("theirs", "1")
    store.upsert([theirs], {}, [{"_autoenc": {"not_duplicates": [3, "x"]}}])
    with pytest.raises(ArgumentError, match="that autoenc indexed"):
        mark_not_duplicates(store, ["01.png", theirs])


# ---- removing, and files ----------------------------------------------------------------------------


def test_removing_the_worse_keeps_the_best(store: Store) -> None:
    found = find_duplicates(store, progress=False)
    best = {group[0].id for group in found.groups}
    removal = remove_images(store, ids=found.worse)
    assert len(removal.ids) == len(COPIES) + len(AGAIN) - 2
    assert len(store) == 20
    assert best <= {record.id for record in store}
    assert find_duplicates(store, progress=False).groups == []


def test_what_people_know_of_an_image_is_not_removed(store: Store) -> None:
    """Of each product one photo stays, and of each value of a field, however large the copies without fields are."""
    for name, sku in {"00 half": "S1", "01": "S2", "01 again 1": "S3", "01 again 2": "S2"}.items():
        tag_images(
            store,
            set={"sku": sku},
            ids=[point_id("shop", f"{name}.png")],
            filterable={"sku": "keyword"},
            progress=False,
        )
    store.set_product("sku")
    found = find_duplicates(store, progress=False)
    first, second = found.groups
    assert (first[0].path or Path()).stem == "00 half"
    assert all(copy.worse for copy in first[1:])
    assert [copy.worse for copy in second].count(True) == 1
    assert found.told().endswith("; 1 copy with fields of its own")
    remove_images(store, ids=found.worse)
    assert sorted(record.payload["sku"] for record in store if "sku" in record.payload) == ["S1", "S2", "S3"]


def test_the_files(store: Store, tmp_path: Path) -> None:
    found = find_duplicates(store, progress=False)
    table = write_duplicates(found, tmp_path / "d.csv")
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert [(row["group"], row["id"]) for row in rows] == [
        (str(number), copy.id) for number, group in enumerate(found.groups, start=1) for copy in group
    ]
    last = [rows[-1][name] for name in ("exact", "missing", "worse", "likeness")]
    assert last == ["true", "false", "true", "1.0"]
    assert rows[0]["worse"] == "false"
    document = json.loads(write_duplicates(found, tmp_path / "d.json").read_text())
    assert document.pop("written_by").startswith("autoenc ")
    assert document == found.to_dict()
    assert carries_mark(table)
    write_duplicates(found, table)  # which it may replace
    (tmp_path / "mine.csv").write_text("group,mine\n")
    with pytest.raises(OutputError, match="did not write"):
        write_duplicates(found, tmp_path / "mine.csv")
    with pytest.raises(ArgumentError, match=r"\.csv or \.json"):
        write_duplicates(found, tmp_path / "d.txt")
