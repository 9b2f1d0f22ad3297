"""What users did with items, as vectors of their images."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from autoenc import (
    Query,
    Searcher,
    add_behavior,
    backup_store,
    check_store,
    copy_store,
    index_images,
    measure_scales,
    neighbors,
    novelty,
    open_store,
    reindex_store,
    restore_store,
    search,
)
from autoenc.catalog.factors import item_factors
from autoenc.errors import (
    ArgumentError,
    EncoderError,
    PointNotFoundError,
    StoreError,
    StoreLockedError,
    StoreMismatchError,
    TableError,
)
from autoenc.store import OWN, Store, VectorSpec, point_id
from autoenc.tables.interactions import read_interactions
from autoenc.vectors import unit_rows

COUNT = 8
LOOKS = unit_rows(np.random.default_rng(1).standard_normal((COUNT, 3)).astype(np.float32))
PATHS = [f"{'hat' if number < 4 else 'shoe'}/{number}.jpg" for number in range(COUNT)]
IDS = [point_id("shop", path) for path in PATHS]
CLICKS = {"ann": (0, 1, 4), "bob": (0, 1), "cem": (1, 4), "dia": (5, 6), "eva": (5, 6, 4), "fay": (3,)}
"""User -> the items clicked on. Nobody clicked on 2 and 7, and who clicked on 3 on nothing else."""


def table(folder: Path, clicks: dict[str, tuple[int, ...]] = CLICKS, name: str = "{}") -> Path:
    file = folder / "clicks.csv"
    rows = [f"{user},{name.format(item)}" for user, items in clicks.items() for item in items]
    file.write_text("\n".join(["user,item", *rows]))
    return file


def fill(store: Store) -> Store:
    store.add_vector("looks", VectorSpec(3, "looks-1", 1))
    store.add_source("shop", "/photos")
    store.add_field("sku", "keyword")
    payloads = [
        {"sku": f"S{number // 2}", OWN: {"source": "shop", "path": path, "folder": path.partition("/")[0]}}
        for number, path in enumerate(PATHS)
    ]
    store.upsert(IDS, {"looks": LOOKS}, payloads)
    return store


@pytest.fixture(params=["memory", "edge"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with open_store(":memory:" if request.param == "memory" else tmp_path / "store", create=True) as opened:
        yield fill(opened)


@pytest.fixture
def memory() -> Iterator[Store]:
    with open_store(":memory:") as opened:
        yield fill(opened)


def held(store: Store) -> dict[int, np.ndarray]:
    """Item -> its vector, of those that have one."""
    records = store.retrieve(IDS, vectors=["behavior"])
    return {IDS.index(record.id): record.vectors["behavior"] for record in records if record.vectors}


# ---- the vectors --------------------------------------------------------------------------------------


def test_the_images_of_items_get_the_vectors_of_these_items(store: Store, tmp_path: Path) -> None:
    report = add_behavior(store, table(tmp_path))
    assert repr(report) == "<BehaviorReport 5 images with behavior, 3 without, 0 unknown items>"
    assert (report.users, report.items, report.interactions, report.dim) == (6, 6, 13, 6)
    assert (report.joined_by, report.unrelated) == ("file", ["3"])
    read = read_interactions(tmp_path / "clicks.csv")
    rows, _ = item_factors(read.user_of, read.item_of, read.values, (6, 6), 6)
    expected = {int(item): row for item, row in zip(read.items, rows, strict=True) if item != "3"}
    found = held(store)
    assert found.keys() == expected.keys() == {0, 1, 4, 5, 6}
    for item, row in expected.items():
        np.testing.assert_allclose(found[item], row, atol=1e-6)
    assert store.info.scales["behavior"].points == 5
    nearest = store.search_by_id(IDS[5], using="behavior", k=4)
    assert IDS.index(nearest[0].id) == 6


@pytest.mark.parametrize(
    ("name", "joined_by"),
    [("{}", "file"), ("{}.jpg", "file"), (".\\shoe\\{}.jpg", "path"), ("shoe/{}.jpg", "path"), ("id", "id")],
)
def test_what_an_items_name_can_be(memory: Store, tmp_path: Path, name: str, joined_by: str) -> None:
    file = table(tmp_path, {"ann": (4, 5), "bob": (5, 6)}, name=name)
    if name == "id":
        file.write_text("user,item\n" + "".join(f"{who},{IDS[item]}\n" for who in "ab" for item in (4, 5, 6)))
    report = add_behavior(memory, file)
    assert (report.joined_by, report.images, report.unknown) == (joined_by, 3, [])
    assert held(memory).keys() == {4, 5, 6}


def test_all_photos_of_a_product_get_its_vector(memory: Store, tmp_path: Path) -> None:
    memory.set_product("sku")
    report = add_behavior(memory, table(tmp_path, {"ann": (0, 3), "bob": (0, 3, 9)}, name="S{}"))
    assert (report.joined_by, report.images, report.cold, report.unknown) == ("product", 4, 4, ["S9"])
    found = held(memory)
    assert found.keys() == {0, 1, 6, 7}
    np.testing.assert_array_equal(found[0], found[1])


def test_a_folder_that_is_a_product_goes_by_its_name(memory: Store, tmp_path: Path) -> None:
    memory.set_payloads(IDS, [{"product": f"2026/{path.partition('/')[0]}"} for path in PATHS])
    memory.add_field("product", "keyword")
    memory.set_product("product", folders=True)
    (tmp_path / "clicks.csv").write_text("user,item\nann,shoe\nann,hat\nbob,2026/shoe\nbob,hat")
    report = add_behavior(memory, tmp_path / "clicks.csv")
    assert (report.joined_by, report.images) == ("product", 8)


def test_the_way_to_join_can_be_named(memory: Store, tmp_path: Path) -> None:
    memory.set_payloads(IDS, [{"sku": str((number + 1) % COUNT)} for number in range(COUNT)])
    memory.set_product("sku")
    file = table(tmp_path, {"ann": (4, 5), "bob": (4, 5)})
    assert add_behavior(memory, file).joined_by == "product"
    assert held(memory).keys() == {3, 4}
    assert add_behavior(memory, file, joined_by="file").joined_by == "file"
    assert held(memory).keys() == {4, 5}
    with pytest.raises(TableError, match=r"No item of .* is the path of an image\. The first item is '4', and "):
        add_behavior(memory, file, joined_by="path")


def test_items_that_are_no_images_count_for_the_others(memory: Store, tmp_path: Path) -> None:
    file = table(tmp_path, {"ann": (4, 99), "bob": (99, 5), "cem": (6, 98), "dia": (98, 97)})
    report = add_behavior(memory, file, dim=2)
    assert (report.images, report.unknown) == (3, ["99", "98", "97"])
    rows = held(memory)
    assert rows[4] @ rows[5] == pytest.approx(1, abs=1e-3)  # by item 99
    assert rows[4] @ rows[6] == pytest.approx(0, abs=1e-3)


def test_running_it_again_replaces_the_vectors(store: Store, tmp_path: Path) -> None:
    add_behavior(store, table(tmp_path))
    before = store.info.vectors["behavior"].fingerprint
    report = add_behavior(store, table(tmp_path, {"ann": (2, 7), "bob": (2, 7)}), dim=1)
    assert (report.images, report.dim) == (2, 1)
    assert held(store).keys() == {2, 7}
    assert store.info.vectors["behavior"].dim == 1
    assert store.info.vectors["behavior"].fingerprint != before
    assert store.info.scales["behavior"].points == 2
    np.testing.assert_allclose(store.retrieve(IDS[:1], vectors=["looks"])[0].vectors["looks"], LOOKS[0], atol=1e-6)


# ---- searching ----------------------------------------------------------------------------------------


def test_an_image_without_behavior_is_judged_by_its_looks(store: Store, tmp_path: Path) -> None:
    add_behavior(store, table(tmp_path))
    measure_scales(store)
    rows, scale, scales = held(store), store.info.scales["looks"], store.info.scales
    found = search(store, id=IDS[4], using="looks=1,behavior=0.5", k=COUNT)
    assert len(found) == COUNT - 1
    for neighbor in found:
        item = IDS.index(neighbor.id)
        looks = scale.scaled(float(LOOKS[item] @ LOOKS[4]))
        adds = 0.5 * scales["behavior"].scaled(float(rows[item] @ rows[4])) if item in rows else 0.0
        assert neighbor.parts["behavior"] == pytest.approx(adds, abs=1e-4)
        assert neighbor.parts["looks"] == pytest.approx(looks * (1 if item in rows else 1.375), abs=1e-4)
        assert neighbor.score == pytest.approx(sum(neighbor.parts.values()), abs=1e-4)


def test_a_query_without_behavior_goes_by_looks(store: Store, tmp_path: Path) -> None:
    add_behavior(store, table(tmp_path))
    both = search(store, id=IDS[7], using="looks=1,behavior=0.5", k=COUNT)
    by_looks = search(store, id=IDS[7], using="looks", k=COUNT)
    assert [neighbor.id for neighbor in both] == [neighbor.id for neighbor in by_looks]
    assert all(neighbor.parts.keys() == {"looks"} for neighbor in both)
    alone = search(store, id=IDS[7], using="looks=1.375", k=COUNT)
    assert [neighbor.score for neighbor in both] == pytest.approx([neighbor.score for neighbor in alone], abs=1e-6)


def test_of_several_images_those_that_have_behavior_are_averaged(store: Store, tmp_path: Path) -> None:
    add_behavior(store, table(tmp_path))
    rows = held(store)
    found = Searcher(store).find(Query(id=[IDS[0], IDS[5], IDS[7]], unlike=IDS[2], using="behavior", k=9))
    wanted = unit_rows(((rows[0] + rows[5]) / 2)[None])[0]
    assert {IDS.index(each.id) for each in found} == {1, 4, 6}
    for neighbor in found:
        assert neighbor.score == pytest.approx(float(rows[IDS.index(neighbor.id)] @ wanted), abs=1e-5)


def test_by_behavior_alone_the_query_needs_it(memory: Store, tmp_path: Path) -> None:
    add_behavior(memory, table(tmp_path))
    for query in ({"id": IDS[7]}, {"picture": np.zeros((8, 8, 3), np.uint8)}):
        with pytest.raises(PointNotFoundError, match=r"no vector 'behavior', .* using=\"learned=1,behavior=0.5\""):
            search(memory, **query, using="behavior")
    found = search(memory, vector=held(memory)[5], using="behavior", k=2)
    assert {each.id for each in found} == {IDS[5], IDS[6]}


def test_diversity_compares_by_what_both_images_have(memory: Store, tmp_path: Path) -> None:
    add_behavior(memory, table(tmp_path))
    found = search(memory, id=IDS[4], using="looks=1,behavior=1", diversity=0.5, k=COUNT)
    assert {neighbor.id for neighbor in found} == set(IDS) - {IDS[4]}


def test_every_image_with_looks_has_neighbors(memory: Store, tmp_path: Path) -> None:
    add_behavior(memory, table(tmp_path))
    found = {each.id: each for each in neighbors(memory, k=3, using="looks=1,behavior=0.5")}
    assert found.keys() == set(IDS)
    for id in (IDS[4], IDS[7]):
        hits = search(memory, id=id, using="looks=1,behavior=0.5", k=3)
        assert found[id].ids == tuple(hit.id for hit in hits)
        assert found[id].scores == pytest.approx([hit.score for hit in hits], abs=1e-5)
    assert {each.id for each in neighbors(memory, k=3, using="behavior")} == {IDS[item] for item in held(memory)}


# ---- beside encoders ----------------------------------------------------------------------------------


@pytest.fixture
def indexed(picture_folder: Path, tmp_path: Path) -> Path:
    """A store of twelve pictures, four of which have behavior."""
    index_images(picture_folder, tmp_path / "store", encoders=["color"])
    rows = [f"{user},red/{item}.png" for user in ("ann", "bob") for item in range(4)]
    (tmp_path / "clicks.csv").write_text("\n".join(["user,item", *rows, "ann,blue/0.png"]))
    with open_store(tmp_path / "store") as opened:
        assert add_behavior(opened, tmp_path / "clicks.csv").images == 5
    return tmp_path / "store"


def behavior_of(store: Store) -> dict[str, np.ndarray]:
    records = store.scroll(vectors=["behavior"], having=["behavior"])
    return {record.payload[OWN]["path"]: record.vectors["behavior"] for record in records}


def test_indexing_again_leaves_behavior_alone(indexed: Path, picture_folder: Path) -> None:
    with open_store(indexed) as store:
        before = behavior_of(store)
    shutil.copy(picture_folder / "green" / "2.png", picture_folder / "red" / "0.png")  # changed
    (picture_folder / "red" / "1.png").rename(picture_folder / "red" / "moved.png")
    shutil.copy(picture_folder / "green" / "3.png", picture_folder / "new.png")
    report = index_images(picture_folder, indexed, prune=True)
    assert (report.updated, report.moved, report.indexed, report.skipped) == (1, 1, 1, [])
    with open_store(indexed) as store:
        after = behavior_of(store)
        assert after.keys() == before.keys() - {"red/1.png"} | {"red/moved.png"}
        for path, row in after.items():
            np.testing.assert_array_equal(row, before[path.replace("moved", "1")])
        assert store.count(having=["color"]) == len(store) == 13
        report = check_store(store)
        assert report.whole
        assert report.vectors["behavior"] == 5
        assert not any("behavior" in note for note in report.notes)
    with pytest.raises(EncoderError, match="The vectors 'behavior' are not made of pictures, so no encoder makes them"):
        index_images(picture_folder, indexed, encoders=["color", "behavior"])


def test_a_picture_is_compared_by_its_looks(indexed: Path, picture_folder: Path) -> None:
    picture = picture_folder / "green" / "1.png"
    with open_store(indexed) as store:
        answer = Searcher(store, using="color=1,behavior=1").answer(Query(picture=picture, k=12))
        by_color = search(store, picture, using="color", k=12)
        assert [each.id for each in answer.neighbors] == [each.id for each in by_color]
        assert answer.novelty is not None
        assert answer.novelty.left_out == {}
        judged = novelty(store, picture)
        assert judged is not None
        assert judged.percentiles.keys() == {"color"}


def test_copies_backups_and_reindexed_stores_hold_the_same(indexed: Path, tmp_path: Path) -> None:
    with open_store(indexed) as store:
        before, spec = behavior_of(store), store.info.vectors["behavior"]
        backup_store(store, tmp_path / "store.zip")
    copy_store(indexed, tmp_path / "copy")
    restore_store(tmp_path / "store.zip", tmp_path / "back")
    reindex_store(indexed, encoders=["edges"])  # what no encoder could make again comes along
    for place in (tmp_path / "copy", tmp_path / "back", indexed):
        with open_store(place) as store:
            after = behavior_of(store)
            assert after.keys() == before.keys()
            assert all(np.array_equal(after[path], row) for path, row in before.items())
            assert store.info.vectors["behavior"] == spec
    with open_store(indexed) as store:
        assert set(store.info.vectors) == {"edges", "behavior"}


# ---- what cannot be -----------------------------------------------------------------------------------


def test_behavior_is_never_the_default(memory: Store, tmp_path: Path) -> None:
    add_behavior(memory, table(tmp_path))
    assert Searcher(memory).using == "looks"  # though "behavior" comes first
    memory.drop_vector("looks")
    assert Searcher(memory).using == "behavior"


def test_vectors_of_another_origin_under_this_name_are_not_replaced(memory: Store, tmp_path: Path) -> None:
    memory.add_vector("behavior", VectorSpec(2, "elsewhere behavior", 0))
    memory.update_vectors(IDS[:1], {"behavior": np.eye(1, 2, dtype=np.float32)})
    with pytest.raises(StoreMismatchError, match="'behavior' that were made otherwise"):
        add_behavior(memory, table(tmp_path))
    assert held(memory)[0].tolist() == [1, 0]


def test_nothing_is_written_while_a_store_is_reindexed(store: Store, tmp_path: Path) -> None:
    file = table(tmp_path)
    add_behavior(store, file)
    before = held(store)
    with store.being_replaced(), pytest.raises(StoreLockedError, match="is being reindexed"):
        add_behavior(store, table(tmp_path, {"ann": (2, 7), "bob": (2, 7)}))
    assert held(store).keys() == before.keys()


def test_nor_while_a_generation_is_unfinished(tmp_path: Path) -> None:
    with open_store(tmp_path / "store", create=True) as store:
        fill(store)
        store.beside(2, create=True).close()
        with pytest.raises(StoreError, match="is being reindexed, or that was interrupted"):
            add_behavior(store, table(tmp_path))
        assert "behavior" not in store.info.vectors
        store.drop_generation(2)
        assert add_behavior(store, table(tmp_path)).images == 5


@pytest.mark.parametrize(
    ("clicks", "message"),
    [
        ({"ann": (90, 91)}, "No item of .* is the product, path, file name or id of an image. The first item is '90'"),
        ({"ann": (0,), "bob": (1,), "cem": (0,)}, "relates no two items: no user has done something with two of them"),
        ({"ann": (90, 91), "bob": (1,)}, "relates no two items"),
    ],
    ids=["unknown", "one item each", "related to none"],
)
def test_tables_that_tell_nothing(
    memory: Store, tmp_path: Path, clicks: dict[str, tuple[int, ...]], message: str
) -> None:
    with pytest.raises(TableError, match=message):
        add_behavior(memory, table(tmp_path, clicks))
    assert "behavior" not in memory.info.vectors


def test_arguments_that_cannot_be(memory: Store, tmp_path: Path) -> None:
    file = table(tmp_path)
    for dim in (0, 1025, True, 2.0):
        with pytest.raises(ArgumentError, match="dim= must be a whole number from 1 to 1,024"):
            add_behavior(memory, file, dim=dim)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="joined_by= is one of product, path, file, id; got 'sku'"):
        add_behavior(memory, file, joined_by="sku")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="Expected an open store"):
        add_behavior("store", file)  # type: ignore[arg-type]
    memory.add_vector("behavior", VectorSpec(3, "mine", 1))
    with pytest.raises(StoreMismatchError, match="holds vectors 'behavior' that were made otherwise"):
        add_behavior(memory, file)


def test_one_user_alone_makes_all_items_alike(memory: Store, tmp_path: Path) -> None:
    with pytest.raises(TableError, match="has the interactions of one user alone"):
        add_behavior(memory, table(tmp_path, {"ann": (0, 1, 2)}))
