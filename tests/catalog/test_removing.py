"""Images are taken out of a store: exactly those that were meant, and only once it is certain."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autoenc import And, Not, Or, Removal, index_images, measure_scales, open_store, remove_images
from autoenc.errors import ArgumentError, DiskFullError, PointNotFoundError, StoreNotFoundError, UnknownFieldError
from autoenc.store import Store, point_id

THEIRS = str(uuid.UUID(int=7))
RED = [f"red/{number}.png" for number in range(4)]


@pytest.fixture
def store(picture_folder: Path, tmp_path: Path) -> Iterator[Store]:
    """Sources "shop" and "mall" of the same twelve pictures, and a point that another program wrote."""
    mall = shutil.copytree(picture_folder, tmp_path / "mall")
    with open_store(":memory:") as opened:
        index_images(picture_folder, opened, encoders=["color"], source="shop")
        index_images(mall, opened, encoders=["color"], source="mall")
        opened.upsert([THEIRS], {}, [{"mine": 1}])
        yield opened


def ids(source: str, *paths: str) -> set[str]:
    return {point_id(source, path) for path in paths}


def held(store: Store) -> set[str]:
    return {record.id for record in store}


def test_by_id(store: Store) -> None:
    before, wanted = held(store), ids("shop", "red/0.png", "blue/1.png") | {THEIRS}
    removal = remove_images(store, ids=[*wanted, THEIRS.upper()])
    assert (set(removal.ids), removal.done) == (wanted, True)
    assert removal.sources == {"": 1, "shop": 2}
    assert repr(removal) == "<Removal of 3 images (1 of no source, 2 of source shop), done>"
    assert held(store) == before - wanted


def test_an_id_that_is_not_there_removes_nothing(store: Store) -> None:
    before = held(store)
    for absent in (str(uuid.uuid4()), "no uuid"):
        with pytest.raises(PointNotFoundError, match="Nothing was removed"):
            remove_images(store, ids=[THEIRS, absent])
    assert held(store) == before


@pytest.mark.parametrize(
    ("path", "shop", "mall"),
    [
        ("red/0.png", ["red/0.png"], ["red/0.png"]),
        ("./red//0.png", ["red/0.png"], ["red/0.png"]),
        ("{shop}/red/0.png", ["red/0.png"], []),
        ("{shop}/red/../red/0.png", ["red/0.png"], []),
        ("{mall}/red", [], RED),
        ("red/", RED, RED),
        ("{shop}/*/0.png", ["blue/0.png", "green/0.png", "red/0.png"], []),
        ("*/[01].png", [f"{c}/{n}.png" for c in ("blue", "green", "red") for n in (0, 1)],
         [f"{c}/{n}.png" for c in ("blue", "green", "red") for n in (0, 1)]),
        ("re?/3.png", ["red/3.png"], ["red/3.png"]),
    ],
)  # fmt: skip
def test_by_path(
    store: Store, picture_folder: Path, tmp_path: Path, path: str, shop: list[str], mall: list[str]
) -> None:
    before = held(store)
    wanted = ids("shop", *shop) | ids("mall", *mall)
    removal = remove_images(store, paths=[path.format(shop=picture_folder, mall=tmp_path / "mall")])
    assert set(removal.ids) == wanted
    assert held(store) == before - wanted


@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize(
    ("special", "plain"), [("a[1].png", "a1.png"), ("x*.png", "xy.png"), ("c[1]/*.png", "c1/2.png")]
)
def test_a_name_that_could_be_a_pattern_is_that_file(
    picture_folder: Path, special: str, plain: str, on_disk: bool
) -> None:
    for name in (special, plain):
        (picture_folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(picture_folder / "red" / "0.png", picture_folder / name)
    wanted = picture_folder / special if on_disk else special
    with open_store(":memory:") as store:
        index_images(picture_folder, store, encoders=["color"])
        assert remove_images(store, paths=[wanted]).paths == [special]
        assert remove_images(store, paths=[wanted]).paths == [plain], "now it can only be a pattern"


def test_a_folder_whose_name_could_be_a_pattern_is_that_folder(picture_folder: Path) -> None:
    shutil.copytree(picture_folder / "red", picture_folder / "r*")
    with open_store(":memory:") as store:
        index_images(picture_folder, store, encoders=["color"])
        assert set(remove_images(store, paths=["r*"]).paths) == {f"r*/{number}.png" for number in range(4)}


def test_a_path_below_the_working_directory(
    store: Store, picture_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(picture_folder.parent)
    assert set(remove_images(store, paths=[Path("pictures", "red", "0.png")]).ids) == ids("shop", "red/0.png")


@pytest.mark.parametrize("path", ["re", "red/9.png", "/red/0.png", "0.png", "../pictures/red"])
def test_a_path_that_means_no_image_removes_nothing(store: Store, path: str) -> None:
    before = held(store)
    with pytest.raises(PointNotFoundError, match=r"holds no image .*Nothing was removed"):
        remove_images(store, paths=["blue", path])
    assert held(store) == before


def test_by_filter(store: Store) -> None:
    removal = remove_images(store, where={"folder": ["red", "blue"], "source": "mall"})
    assert removal.sources == {"mall": 8}
    assert remove_images(store, where=And({}, "folder = green"), dry_run=True).sources == {"mall": 4, "shop": 4}
    assert len(store) == 17
    assert remove_images(store, where={"folder": "nowhere"}).ids == []
    with pytest.raises(UnknownFieldError):
        remove_images(store, where={"price": 3})


def test_a_source_is_removed_and_forgotten(store: Store) -> None:
    removal = remove_images(store, source="mall")
    assert (len(removal.ids), removal.forgotten) == (12, "mall")
    assert len(store) == 13
    assert list(store.info.sources) == list(store.info.runs) == ["shop"]
    with pytest.raises(PointNotFoundError, match="has no source mall; its sources are: 'shop'"):
        remove_images(store, source="mall")


def test_a_source_that_was_half_removed_is_removed_to_the_end(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Store, "forget_source", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            remove_images(store, source="mall")
    assert "mall" in store.info.sources
    assert remove_images(store, source="mall").ids == []
    assert "mall" not in store.info.sources


def test_scales_are_measured_again_where_they_no_longer_fit(store: Store) -> None:
    before = store.info.scales["color"]
    assert before.points == 24
    remove_images(store, paths=["red/0.png"])
    assert store.info.scales["color"] == before, "two of 24 are less than a tenth"
    remove_images(store, paths=["red"])
    assert store.info.scales["color"].points == 16
    assert store.info.scales["color"] == measure_scales(store)["color"]


def test_scales_that_cannot_be_stored_do_not_fail_a_removal(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Store, scales: object) -> None:
        raise DiskFullError("The disk is full.")

    monkeypatch.setattr(Store, "set_scales", full)
    removal = remove_images(store, paths=["red"])
    assert (len(removal.ids), removal.done) == (8, True)
    assert [note.endswith("are as they were: The disk is full.") for note in removal.notes] == [True]
    assert removal.to_dict()["notes"] == removal.notes


def test_a_whole_collection(picture_folder: Path, tmp_path: Path) -> None:
    index_images(picture_folder, tmp_path / "s", encoders=["color"], source="shop")
    removal = remove_images(tmp_path / "s", whole_collection=True)
    assert (removal.ids, removal.sources, removal.whole_collection, removal.done) == ([], {"shop": 12}, True, True)
    with pytest.raises(StoreNotFoundError):
        open_store(tmp_path / "s")
    assert sum(path.suffix == ".png" for path in picture_folder.rglob("*")) == 12


def test_a_dry_run_and_a_no_remove_nothing(store: Store) -> None:
    before, sources = held(store), dict(store.info.sources)
    asked: list[Removal] = []
    for options in ({"dry_run": True}, {"confirm": lambda planned: asked.append(planned) or False}):
        for what in ({"source": "shop"}, {"whole_collection": True}, {"paths": ["red"]}, {"ids": [THEIRS]}):
            removal = remove_images(store, **what, **options)
            assert removal.done is False
            assert removal.sources
    assert [planned.told() for planned in asked] == [
        "12 images (12 of source shop)",
        "25 images (1 of no source, 12 of source mall, 12 of source shop)",
        "8 images (4 of source mall, 4 of source shop)",
        "1 image (1 of no source)",
    ]
    assert (held(store), store.info.sources) == (before, sources)


@pytest.mark.parametrize(
    "what",
    [{}, {"ids": []}, {"paths": []}, {"where": {}}, {"source": ""}, {"whole_collection": False}, {"ids": THEIRS},
     {"paths": "red"}, {"paths": ["red"], "source": "shop"}, {"ids": [THEIRS], "whole_collection": True},
     {"paths": [""]}, {"paths": ["red", ""]}, {"where": And()}, {"where": And({}, And())}, {"where": Not(And())},
     {"where": Or({"folder": "red"}, {})}],
    ids=repr,
)  # fmt: skip
def test_what_is_to_go_is_said_in_one_way(
    store: Store, picture_folder: Path, monkeypatch: pytest.MonkeyPatch, what: dict[str, Any]
) -> None:
    monkeypatch.chdir(picture_folder)  # an empty path would be all of "shop"
    with pytest.raises(ArgumentError, match="Say what to remove in one way"):
        remove_images(store, **what)
    assert len(store) == 25
