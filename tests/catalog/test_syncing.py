"""A folder that changes: files move with their points, and what has gone is removed only when that is asked for."""

from __future__ import annotations

import errno
import os
import random
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torturing.copies import copied

from autoenc import IndexReport, index_images, open_store
from autoenc.catalog.moves import Move, find_moves, move_points
from autoenc.catalog.survey import Known
from autoenc.errors import ArgumentError, NoImagesError, StoreError
from autoenc.files import digest_of
from autoenc.progress import silent
from autoenc.store import Record, Store, point_id
from autoenc.store.points import point_key

HAND = ("color", "edges")
SHOP = "shop"


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store(":memory:") as opened:
        yield opened


@pytest.fixture
def shop(picture_folder: Path, store: Store) -> Path:
    """The folder of a source "shop" of twelve images, each with a price of its own."""
    run(picture_folder, store)
    ids = [record.id for record in store]
    store.set_payloads(ids, [{"price": number} for number in range(len(ids))])
    return picture_folder


def run(folder: Any, store: Store | Path, **options: Any) -> IndexReport:
    return index_images(folder, store, **{"encoders": HAND, "source": SHOP, **options})


def point(store: Store, path: str) -> Record | None:
    return next(iter(store.retrieve([point_id(SHOP, path)], vectors=HAND)), None)


def had(store: Store, path: str) -> Record:
    found = point(store, path)
    assert found is not None
    return found


def assert_moved(before: Record, store: Store, path: str) -> None:
    """The point of a path has the fields and the vectors that another one had."""
    after = had(store, path)
    own = {**before.payload["_autoenc"], "path": path, "folder": path.rpartition("/")[0]}
    assert after.payload == {**before.payload, "_autoenc": own}
    for name in HAND:
        np.testing.assert_allclose(after.vectors[name], before.vectors[name], atol=1e-6)


# ---- files that move --------------------------------------------------------------------------------


def test_a_renamed_file_keeps_its_fields_and_its_vectors_and_is_not_encoded_again(
    shop: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = had(store, "red/0.png")
    (shop / "red" / "0.png").rename(shop / "blue" / "new.png")
    monkeypatch.setattr("autoenc.catalog.changes.decode_file", lambda *_: pytest.fail("it was decoded again"))
    report = run(shop, store)
    counts = {"indexed": 0, "moved": 1, "updated": 0, "unchanged": 11, "missing": 0, "pruned": 0}
    assert report.counts == counts | {"skipped": 0, "ignored": 1}
    assert report.told() == "0 indexed, 1 moved, 0 updated, 11 unchanged, 0 missing, 0 skipped, 1 ignored"
    assert_moved(before, store, "blue/new.png")
    assert point(store, "red/0.png") is None
    assert len(store) == 12
    assert run(shop, store).unchanged == 12


def test_a_renamed_folder_keeps_all_its_points(shop: Path, store: Store) -> None:
    before = [had(store, f"red/{number}.png") for number in range(4)]
    (shop / "red").rename(shop / "rouge")
    assert run(shop, store).moved == 4
    for number in range(4):
        assert_moved(before[number], store, f"rouge/{number}.png")
    assert store.facets("folder") == {"blue": 4, "green": 4, "rouge": 4}


def test_a_copy_is_no_move(shop: Path, store: Store) -> None:
    shutil.copy(shop / "red" / "0.png", shop / "red" / "copy.png")
    report = run(shop, store)
    assert (report.indexed, report.moved, report.unchanged) == (1, 0, 12)
    assert had(store, "red/copy.png").payload.keys() == {"_autoenc"}
    assert "price" in had(store, "red/0.png").payload


def test_of_two_copies_of_a_file_that_has_gone_one_takes_its_point(shop: Path, store: Store) -> None:
    before = had(store, "red/0.png")
    for name in ("b.png", "a.png"):
        shutil.copy2(shop / "red" / "0.png", shop / name)
    (shop / "red" / "0.png").unlink()
    report = run(shop, store)
    assert (report.indexed, report.moved) == (1, 1)
    assert_moved(before, store, "a.png")
    assert had(store, "b.png").payload.keys() == {"_autoenc"}


def test_copies_that_move_keep_their_own_fields_by_their_names(shop: Path, store: Store) -> None:
    for name in ("x.png", "y.png"):
        shutil.copy(shop / "red" / "0.png", shop / "green" / name)
    run(shop, store)
    for name, price in (("x", 100), ("y", 200)):
        store.set_payload(point_id(SHOP, f"green/{name}.png"), {"price": price})
    (shop / "a").mkdir()
    (shop / "green" / "x.png").rename(shop / "z.png")
    (shop / "green" / "y.png").rename(shop / "a" / "y.png")
    assert run(shop, store).moved == 2
    assert had(store, "a/y.png").payload["price"] == 200
    assert had(store, "z.png").payload["price"] == 100


def test_a_name_that_is_taken_over_keeps_its_point(shop: Path, store: Store) -> None:
    """0.png takes the place of 1.png: fields belong to the path, as for every changed file, and 0.png has gone."""
    (price,) = (had(store, f"red/{number}.png").payload["price"] for number in (1,))
    (shop / "red" / "0.png").replace(shop / "red" / "1.png")
    report = run(shop, store)
    assert (report.moved, report.updated, report.missing) == (0, 1, [shop / "red" / "0.png"])
    assert had(store, "red/1.png").payload["price"] == price


def test_a_moved_file_gets_the_vectors_that_it_lacks(shop: Path, store: Store) -> None:
    before = had(store, "red/0.png")
    (shop / "red" / "0.png").rename(shop / "new.png")
    report = run(shop, store, encoders=["texture"])
    assert (report.moved, report.updated) == (0, 12)
    assert_moved(before, store, "new.png")
    assert store.having_vectors([point_id(SHOP, "new.png")], [*HAND, "texture"])


def test_a_file_that_moved_and_was_touched_keeps_its_point(shop: Path, store: Store) -> None:
    (shop / "red" / "0.png").rename(shop / "new.png")
    os.utime(shop / "new.png", ns=(10**18, 10**18))
    assert run(shop, store).moved == 1
    assert had(store, "new.png").payload["_autoenc"]["mtime_ns"] == 10**18
    assert run(shop, store).unchanged == 12


def test_only_files_as_large_as_one_that_has_gone_are_read(tmp_path: Path) -> None:
    files = {}
    for name, data in {"same": b"abc", "other": b"abd", "longer": b"abcd"}.items():
        files[name] = tmp_path / name
        files[name].write_bytes(data)
    gone = {"1": {"path": "x", "digest": digest_of(b"abc"), "size": 3}}
    (move,) = find_moves(files, gone)
    assert (move.old, move.path, move.size) == ("1", "same", 3)
    files["longer"] = tmp_path / "none"
    assert find_moves(files, {"1": {**gone["1"], "size": 4}}) == []


@pytest.mark.parametrize("killed_before", ["delete", "delete_fields"])
def test_a_move_that_was_interrupted_is_finished(
    shop: Path, store: Store, monkeypatch: pytest.MonkeyPatch, killed_before: str
) -> None:
    before = had(store, "red/0.png")
    (shop / "red" / "0.png").rename(shop / "new.png")
    with monkeypatch.context() as patch:
        patch.setattr(Store, killed_before, lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(shop, store)
    assert len(store) == (13 if killed_before == "delete" else 12)
    assert had(store, "new.png").payload["price"] == before.payload["price"]
    report = run(shop, store)
    assert (report.unchanged, report.missing) == (12, [])
    assert_moved(before, store, "new.png")
    assert len(store) == 12


def test_a_file_that_came_back_after_an_interrupted_move_keeps_its_old_point_too(shop: Path, store: Store) -> None:
    before = had(store, "red/0.png")
    shutil.copy(shop / "red" / "0.png", shop / "new.png")
    own = {**before.payload["_autoenc"], "path": "new.png", "folder": "", "moved_from": before.id}
    store.upsert([point_id(SHOP, "new.png")], {n: before.vectors[n][None] for n in HAND}, [{"_autoenc": own}])
    assert len(store) == 13
    run(shop, store)
    assert len(store) == 13
    assert "price" in had(store, "red/0.png").payload
    assert "moved_from" not in had(store, "new.png").payload["_autoenc"]


def test_points_that_have_different_vectors_move_together(shop: Path, store: Store) -> None:
    one, other = (point_id(SHOP, f"red/{number}.png") for number in (0, 1))
    store.upsert([other], {"color": had(store, "red/1.png").vectors["color"][None]}, [had(store, "red/1.png").payload])
    move_points([Move(one, "a.png", 1, 2), Move(other, "b.png", 3, 4)], SHOP, store, silent)
    assert set(had(store, "a.png").vectors) == {"color", "edges"}
    assert set(had(store, "b.png").vectors) == {"color"}


# ---- what has gone ----------------------------------------------------------------------------------


def test_what_has_gone_is_named_and_stays(shop: Path, store: Store) -> None:
    (shop / "red" / "0.png").unlink()
    report = run(shop, store)
    assert report.missing == [shop / "red" / "0.png"]
    assert report.pruned == []
    assert report.notes == [
        "1 image of source 'shop' is stored but no longer in the folder. prune=True removes what has gone."
    ]
    assert len(store) == 12


def test_prune_removes_what_has_gone(shop: Path, store: Store) -> None:
    (shop / "red" / "0.png").unlink()
    (shop / "red" / "1.png").rename(shop / "new.png")
    report = run(shop, store, prune=True)
    assert (report.pruned, report.missing, report.moved) == ([shop / "red" / "0.png"], [], 1)
    assert len(store) == 11
    assert point(store, "red/0.png") is None


def test_prune_refuses_above_a_share_before_anything_is_written(shop: Path, store: Store) -> None:
    for number in range(3):
        (shop / "red" / f"{number}.png").unlink()
    Image.new("RGB", (20, 20)).save(shop / "new.png")
    with pytest.raises(
        StoreError,
        match=r"3 images of 12 of .* are no .*: red/0\.png, red/1\.png and red/2\.png\. .* 25%, and prune_limit=0\.2 "
        r"allows 20%\. Nothing",
    ):
        run(shop, store, prune=True)
    assert len(store) == 12
    report = run(shop, store, prune=True, prune_limit=0.25)
    assert (report.indexed, len(report.pruned)) == (1, 3)


def test_a_function_is_told_what_has_gone_and_decides(shop: Path, store: Store) -> None:
    (shop / "red" / "0.png").unlink()
    told: list[Path] = []
    report = run(shop, store, prune=True, confirm=lambda files: told.extend(files) or False)
    assert told == report.missing == [shop / "red" / "0.png"]
    assert (len(store), report.pruned) == (12, [])
    assert run(shop, store, prune=True, confirm=lambda files: len(files) == 1).pruned == told


def test_other_sources_and_other_points_are_not_pruned(shop: Path, store: Store, tmp_path: Path) -> None:
    other = shutil.copytree(shop, tmp_path / "other")
    index_images(other, store)
    theirs = str(uuid.uuid4())
    store.upsert([theirs], {}, [{"mine": 1}])
    (shop / "red" / "0.png").unlink()
    (other / "red" / "0.png").unlink()
    assert run(shop, store, prune=True).pruned == [shop / "red" / "0.png"]
    assert len(store) == 24
    assert store.retrieve([theirs])


def unreadable(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let a folder be one that cannot be listed, and whose files cannot be looked at, even by root."""
    scandir, lstat = os.scandir, os.lstat

    def refuse(path: Any) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))

    def listed(path: Any = ".") -> Any:
        return refuse(path) if Path(path) == folder else scandir(path)

    def looked_at(path: Any, **options: Any) -> Any:
        return refuse(path) if folder in Path(path).parents else lstat(path, **options)

    monkeypatch.setattr(os, "scandir", listed)
    monkeypatch.setattr(os, "lstat", looked_at)


def test_a_folder_that_cannot_be_read_is_no_removal(shop: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    (shop / "blue" / "0.png").unlink()
    unreadable(monkeypatch, shop / "red")
    report = run(shop, store, prune=True, prune_limit=1)
    assert report.missing == [shop / "blue" / "0.png"]
    assert report.pruned == []
    assert "Nothing was pruned" in report.notes[-1]
    assert "red" in report.notes[-1]
    assert len(store) == 12


def test_a_link_to_a_disk_that_is_not_mounted_is_no_removal(shop: Path, store: Store, tmp_path: Path) -> None:
    disk = (shop / "red").rename(tmp_path / "disk")
    (shop / "red").symlink_to(disk)
    assert run(shop, store).unchanged == 12
    disk.rename(tmp_path / "elsewhere")
    (shop / "blue" / "0.png").unlink()
    report = run(shop, store, prune=True, prune_limit=1)
    assert report.missing == [shop / "blue" / "0.png"]
    assert "Nothing was pruned" in report.notes[-1]
    assert len(store) == 12


def test_a_link_that_leads_nowhere_and_held_nothing_does_not_matter(shop: Path, store: Store) -> None:
    (shop / "lock").symlink_to("nowhere")
    (shop / "blue" / "0.png").unlink()
    assert len(run(shop, store, prune=True).pruned) == 1


def test_a_file_that_links_now_reach_by_another_way_has_not_gone(shop: Path, store: Store) -> None:
    """`a` is searched first, so that `red` counts as searched already."""
    (shop / "a").symlink_to(shop / "red")
    report = run(shop, store, prune=True)
    assert (report.missing, report.pruned, report.moved) == ([], [], 0)
    assert "price" in had(store, "red/0.png").payload


def test_a_file_that_came_back_in_time_is_not_pruned(shop: Path, store: Store, tmp_path: Path) -> None:
    away = (shop / "red" / "0.png").rename(tmp_path / "0.png")

    def back(_: object) -> bool:
        shutil.copy(away, shop / "red" / "0.png")
        return True

    assert run(shop, store, prune=True, confirm=back).pruned == []
    assert len(store) == 12


def test_an_empty_folder_prunes_nothing(shop: Path, store: Store) -> None:
    for path in shop.rglob("*.png"):
        path.unlink()
    with pytest.raises(NoImagesError):
        run(shop, store, prune=True, prune_limit=1)
    assert len(store) == 12


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"prune_limit": 1.5}, "prune_limit= is a share from 0 to 1"),
        ({"prune_limit": True}, "prune_limit= is a share from 0 to 1"),
        ({"prune_limit": float("nan")}, "prune_limit= is a share from 0 to 1"),
    ],
)
def test_a_limit_is_a_share(shop: Path, store: Store, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        run(shop, store, prune=True, **options)


def test_a_list_does_not_tell_what_has_gone(shop: Path, store: Store) -> None:
    with pytest.raises(ArgumentError, match="prune=True needs a folder"):
        run([shop / "red" / "0.png"], store, prune=True)


def test_a_point_with_a_path_that_leads_out_of_its_source_is_left_alone(shop: Path, store: Store) -> None:
    id = str(uuid.uuid4())
    store.upsert([id], {}, [{"_autoenc": {"source": SHOP, "path": "../outside.png"}}])
    report = run(shop, store, prune=True)
    assert (report.missing, report.pruned) == ([], [])
    assert store.retrieve([id])


# ---- killed at any moment ---------------------------------------------------------------------------

_PRUNE = """
import sys, time
from autoenc import index_images, open_store
from autoenc.encoders import create_encoder  # loaded before the clock starts
with open_store(sys.argv[2]) as store:
    create_encoder("color")
    print("begun", flush=True)
    start = time.perf_counter()
    index_images(sys.argv[1], store, source="shop", prune=True, prune_limit=1, progress=False)
    print(time.perf_counter() - start, flush=True)
"""


@pytest.mark.slow
def test_kill_9_at_ten_random_moments_of_a_prune_loses_nothing(tmp_path: Path) -> None:
    """Of 600 images, 300 have gone and 200 are in a renamed folder; every price is that of its picture."""
    folder, rng = tmp_path / "images", np.random.default_rng(0)
    for number in range(600):
        path = folder / str(number % 3) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).save(path)
    whole = tmp_path / "whole"
    with open_store(whole, create=True) as store:
        index_images(folder, store, encoders=["color"], source=SHOP)
        records = list(store.scroll(fields=["_autoenc.path"]))
        prices = [{"price": int(Path(record.payload["_autoenc"]["path"]).stem)} for record in records]
        store.set_payloads([record.id for record in records], prices)
    (folder / "1").rename(folder / "one")
    shutil.rmtree(folder / "2")
    for number in range(0, 300, 3):
        (folder / "0" / f"{number}.png").unlink()
    paths = [f"0/{number}.png" for number in range(300, 600, 3)] + [f"one/{number}.png" for number in range(1, 600, 3)]
    expected = {point_id(SHOP, path): int(Path(path).stem) for path in paths}

    def began(store: Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", _PRUNE, str(folder), str(store)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        return process

    seconds = float(began(copied(whole, tmp_path / "undisturbed")).communicate()[0])
    moments = random.Random(4)
    seen = set()
    for turn in range(10):
        left = copied(whole, tmp_path / f"killed-{turn}")
        process = began(left)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=seconds * moments.uniform(0, 1))
        process.kill()
        process.communicate()
        with open_store(left) as store:
            held = {record.id: record for record in store.scroll(vectors=["color"])}
            seen.add(len(held))
            assert {record.payload["price"] for record in held.values()} >= set(expected.values())
            assert all("color" in record.vectors for record in held.values())
            report = index_images(folder, store, source=SHOP, prune=True, prune_limit=1)
            assert report.missing == []
            assert {record.id: record.payload["price"] for record in store} == expected
            assert all("moved_from" not in record.payload["_autoenc"] for record in store)
    assert len(seen) > 1  # they were killed at different moments


# ---- folders inside one another ---------------------------------------------------------------------


def test_a_folder_inside_a_source_is_a_part_of_it(picture_folder: Path, store: Store) -> None:
    run(picture_folder, store, source=None)
    (picture_folder / "red" / "0.png").unlink()
    (picture_folder / "blue" / "0.png").unlink()
    Image.new("RGB", (20, 20)).save(picture_folder / "red" / "new.png")
    report = run(picture_folder / "red", store, source=None)
    assert (report.indexed, report.unchanged, report.source) == (1, 3, str(picture_folder))
    assert report.missing == [picture_folder / "red" / "0.png"]  # what is outside has not been looked at
    assert "lies in source" in report.notes[0]
    assert len(store) == 13
    assert store.info.sources == {str(picture_folder): str(picture_folder)}


def test_a_part_of_a_source_is_pruned_alone(picture_folder: Path, store: Store) -> None:
    run(picture_folder, store, source=None)
    for name in ("red", "blue"):
        (picture_folder / name / "0.png").unlink()
    with pytest.raises(StoreError, match="1 image of 4 of"):
        run(picture_folder / "red", store, source=None, prune=True)
    assert run(picture_folder / "red", store, source=None, prune=True, prune_limit=0.25).pruned == [
        picture_folder / "red" / "0.png"
    ]
    assert len(store) == 11


def test_a_file_that_moved_out_of_the_part_that_is_indexed_keeps_its_point(shop: Path, store: Store) -> None:
    before = had(store, "red/0.png")
    (shop / "red" / "0.png").rename(shop / "blue" / "new.png")
    report = run(shop / "red", store, prune=True, prune_limit=1)
    assert (report.pruned, report.missing, report.unchanged) == ([], [], 3)
    assert any("was moved to another folder of it and keeps its fields: blue/new.png." in note for note in report.notes)
    assert_moved(before, store, "blue/new.png")
    assert len(store) == 12
    assert run(shop, store).unchanged == 12


def test_a_file_that_moved_into_the_part_that_is_indexed_keeps_its_point(shop: Path, store: Store) -> None:
    before = had(store, "red/0.png")
    (shop / "red" / "0.png").rename(shop / "blue" / "new.png")
    shutil.copy(shop / "green" / "0.png", shop / "blue" / "copy.png")  # whose original is still there
    report = run(shop / "blue", store)
    assert (report.moved, report.indexed, report.unchanged) == (1, 1, 4)
    assert_moved(before, store, "blue/new.png")
    assert len(store) == 13
    assert run(shop / "red", store, prune=True).pruned == []


def test_a_part_is_not_pruned_where_the_rest_of_its_source_cannot_be_searched(
    shop: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop / "red" / "0.png").unlink()
    unreadable(monkeypatch, shop / "blue")
    report = run(shop / "red", store, prune=True, prune_limit=1)
    assert (report.pruned, report.missing) == ([], [shop / "red" / "0.png"])
    assert "blue could not be searched" in report.notes[-1]
    assert len(store) == 12


def test_a_folder_is_known_by_its_place_too_not_by_its_name_alone(shop: Path, store: Store) -> None:
    report = run(shop, store, source=None)
    assert (report.source, report.unchanged) == (SHOP, 12)
    assert run(shop / "red", store).unchanged == 4
    assert store.info.sources == {SHOP: str(shop)}


def test_another_name_stores_a_folder_twice(shop: Path, store: Store) -> None:
    assert run(shop / "red", store, source="red").indexed == 4
    assert len(store) == 16


def test_a_folder_around_a_source_is_refused_before_it_is_stored_twice(picture_folder: Path, store: Store) -> None:
    run(picture_folder / "red", store, source=None)
    with pytest.raises(
        ArgumentError, match=r"holds the folder of source .*red, whose images would be stored twice\. Ind"
    ):
        run(picture_folder, store, source=None)
    assert len(store) == 4
    assert run(picture_folder, store, source="all").indexed == 12


def test_sources_beside_one_another_are_not_around(picture_folder: Path, store: Store) -> None:
    run(picture_folder / "red", store, source=None)
    (picture_folder / "red2").mkdir()
    Image.new("RGB", (20, 20)).save(picture_folder / "red2" / "1.png")
    assert run(picture_folder / "red2", store, source=None).indexed == 1


@pytest.mark.parametrize("name", [None, SHOP])
def test_a_renamed_folder_of_a_source_is_refused_before_it_is_stored_twice(
    picture_folder: Path, store: Store, name: str | None
) -> None:
    old = run(picture_folder, store, source=name).source
    new = picture_folder.rename(picture_folder.with_name("renamed"))
    (new / "red" / "0.png").unlink()
    with pytest.raises(ArgumentError, match=rf'renamed holds the images of source .*by source="{old}", or rem'):
        run(new, store, source=None, prune=True)
    with pytest.raises(ArgumentError, match="would be stored twice"):
        run(new, store, source="another")
    assert (len(store), store.info.sources) == (12, {old: str(picture_folder)})
    report = run(new, store, source=old)
    assert (report.indexed, report.unchanged, len(report.missing)) == (0, 11, 1)
    assert store.info.sources == {old: str(new)}
    assert run(new, store, source=None).unchanged == 11


def test_a_source_called_by_its_path_is_meant_by_a_relative_path_too(
    picture_folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = run(picture_folder, store, source=None).source
    new = picture_folder.rename(picture_folder.with_name("renamed"))
    monkeypatch.chdir(new.parent)
    report = run("renamed", store, source=picture_folder.name)
    assert (report.source, report.unchanged, len(store)) == (old, 12, 12)


def test_a_folder_with_other_images_of_the_same_names_is_a_source_of_its_own(
    picture_folder: Path, store: Store
) -> None:
    run(picture_folder, store, source=None)
    other = picture_folder.rename(picture_folder.with_name("other"))
    for number, file in enumerate(sorted(other.rglob("*.png"))):
        Image.new("RGB", (20 + number, 20)).save(file)
    assert run(other, store, source=None).indexed == 12


# ---- what the store knows, read in one pass ---------------------------------------------------------


@given(st.lists(st.text(max_size=20), unique=True), st.text(max_size=5))
def test_keys_are_the_ids_as_bytes_in_their_order(paths: list[str], source: str) -> None:
    paths = [path.encode("utf-8", "replace").decode() for path in paths]
    expected = {path: uuid.uuid5(uuid.UUID("6f0a9d3e-5c1b-5d42-9a57-2f1de7b0c8a4"), f"shop\0{path}") for path in paths}
    assert {path: point_id("shop", path) for path in paths} == {path: str(id) for path, id in expected.items()}
    assert all(point_key("shop", path) == id.bytes for path, id in expected.items())


@given(st.sets(st.binary(min_size=16, max_size=16)), st.lists(st.binary(min_size=16, max_size=16)))
def test_rows_are_found_whatever_the_bytes(there: set[bytes], asked: list[bytes]) -> None:
    """Zeros at the end of an id are dropped by NumPy, and nothing else."""
    ordered = sorted(there)
    nothing = np.zeros(len(ordered), np.int64)
    known = Known(np.array(ordered, "S16"), nothing, nothing, np.ones(len(ordered), np.bool_))
    wanted = [*asked, *ordered]
    rows = known.rows(np.array(wanted, "S16"))
    assert rows.tolist() == [ordered.index(key) if key in there else -1 for key in wanted]
    assert known.ids(np.arange(len(ordered))) == [str(uuid.UUID(bytes=key)) for key in ordered]
