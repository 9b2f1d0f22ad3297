"""A backup holds a store whole, is written whole or not at all, and is believed in nothing when it is read."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qdrant_stand_in import Qdrant, serving
from torturing.processes import autoenc as command
from torturing.processes import complaint, run

from autoenc import backup_store, list_collections, restore_store
from autoenc.errors import (
    ArgumentError,
    AutoencError,
    BackupError,
    DiskFullError,
    OutputError,
    StoreError,
    StoreMismatchError,
    StoreNotFoundError,
)
from autoenc.store import Store, StoreInfo, VectorSpec, lock, open_store, point_id
from autoenc.store import archive as module
from autoenc.store import backup as backing
from autoenc.store.archive import LAST
from autoenc.store.sparse import files_below
from autoenc.vectors import Vectors

PAINT = VectorSpec(dim=8, fingerprint="paint-1", preprocessing=1, origin="/models/paint")
Change = Callable[[dict[str, bytes], dict[str, Any]], None]


def fill(store: Store, points: int = 700, seed: int = 0) -> Store:
    store.add_vector("paint", PAINT)
    store.add_fields({"price": "integer", "sold": "bool"})
    store.add_source("shop", "/photos")
    ids = [point_id("shop", f"{number}.jpg") for number in range(points)]
    rows = np.random.default_rng(seed).normal(size=(points, 8)).astype(np.float32)
    store.upsert(ids, {"paint": rows}, [{"price": n, "sold": n % 2 == 0, "seed": seed} for n in range(points)])
    return store


@dataclass(eq=False)
class Held:
    """Everything in a store; vectors are equal but for what engines round."""

    info: StoreInfo
    points: dict[str, dict[str, Any]]
    vectors: Vectors

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, Held)
        known = (self.info, self.points) == (other.info, other.points)
        return known and np.allclose(self.vectors, other.vectors, rtol=0, atol=1e-6)


def held(location: str | Path, collection: str = "images") -> Held:
    with open_store(location, collection) as store:
        records = list(store.scroll(vectors=["paint"]))
        vectors = np.array([record.vectors["paint"] for record in records])
        return Held(store.info, {record.id: record.payload for record in records}, vectors)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filled") / "store"
    with open_store(folder, create=True) as store:
        fill(store)
    return folder


@pytest.fixture(scope="module")
def whole(filled: Path) -> Path:
    return backup_store(filled, filled.parent / "whole.zip").file


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(Qdrant()) as url:
        yield url


# ---- there and back ---------------------------------------------------------------------------------


def test_a_restored_store_is_the_one_that_was_backed_up(filled: Path, tmp_path: Path) -> None:
    report = backup_store(filled, tmp_path / "b.zip")
    assert (report.points, report.file, report.bytes) == (
        {"images": 700}, tmp_path / "b.zip", (tmp_path / "b.zip").stat().st_size,
    )  # fmt: skip
    restored = restore_store(tmp_path / "b.zip", tmp_path / "new")
    assert restored.points == {"images": 700}
    assert held(tmp_path / "new") == held(filled)
    with open_store(tmp_path / "new", verify=True) as store:
        assert store.verify()
        assert store.count({"sold": True, "price": 4}) == 1
        store.delete([point_id("shop", "0.jpg")])
    assert [path.name for path in tmp_path.iterdir()] in (["b.zip", "new"], ["new", "b.zip"])
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["images"]


def test_holes_take_no_room(filled: Path, whole: Path, tmp_path: Path) -> None:
    apparent = sum(status.st_size for _, status in files_below(filled))
    assert whole.stat().st_size < apparent / 50
    restore_store(whole, tmp_path / "new")
    if hasattr(os.stat_result, "st_blocks"):
        taken = sum(512 * status.st_blocks for _, status in files_below(tmp_path / "new"))
        assert taken < apparent / 20


def test_any_program_can_compare_the_checksums(whole: Path) -> None:
    import hashlib

    with zipfile.ZipFile(whole) as file:
        assert file.testzip() is None
        files = json.loads(file.read(LAST))["collections"]["images"]["files"]
        assert len(files) > 10
        for path, told in files.items():
            assert hashlib.sha256(file.read(f"images/{path}")).hexdigest() == told["sha256"]


def test_several_collections_or_one(tmp_path: Path) -> None:
    for seed, name in enumerate(("hats", "shoes")):
        with open_store(tmp_path / "a", name, create=True) as store:
            fill(store, 20, seed)
    backup_store(tmp_path / "a", tmp_path / "all.zip")
    restore_store(tmp_path / "all.zip", tmp_path / "both")
    assert list_collections(tmp_path / "both") == ["hats", "shoes"]
    restore_store(tmp_path / "all.zip", tmp_path / "one", collection="shoes")
    assert list_collections(tmp_path / "one") == ["shoes"]
    assert held(tmp_path / "one", "shoes") == held(tmp_path / "a", "shoes")
    backup_store(tmp_path / "a", tmp_path / "hats.zip", collection="hats")
    with pytest.raises(BackupError, match="has no collection 'shoes'; it has hats"):
        restore_store(tmp_path / "hats.zip", tmp_path / "three", collection="shoes")
    assert not (tmp_path / "three").exists()


def test_from_a_server_and_to_one(filled: Path, whole: Path, server: str, tmp_path: Path) -> None:
    restore_store(whole, server)
    assert held(server) == held(filled)
    backup_store(server, tmp_path / "server.zip")
    restore_store(tmp_path / "server.zip", tmp_path / "new")
    assert held(tmp_path / "new") == held(filled)
    assert {path.name for path in tmp_path.iterdir()} == {"server.zip", "new"}


def test_an_open_store_is_copied(tmp_path: Path) -> None:
    with open_store(":memory:") as store:
        backup_store(fill(store, 30), tmp_path / "b.zip")
        restore_store(tmp_path / "b.zip", tmp_path / "new")
        with open_store(tmp_path / "new") as restored:
            assert len(restored) == 30
            assert restored.info == store.info


def test_a_store_that_was_killed_is_backed_up(filled: Path, tmp_path: Path) -> None:
    shutil.copytree(filled, tmp_path / "a")
    (tmp_path / "a" / "images" / "autoenc.manifest.json").unlink()
    backup_store(tmp_path / "a", tmp_path / "b.zip")
    restore_store(tmp_path / "b.zip", tmp_path / "new")
    assert held(tmp_path / "new") == held(filled)


@pytest.mark.parametrize(("times", "points"), [(1, 701), (99, 703)], ids=["once", "again and again"])
def test_points_that_another_process_adds_before_the_files_are_packed(
    filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int, points: int
) -> None:
    shutil.copytree(filled, tmp_path / "a")
    left, locking = iter(range(times)), backing.locked

    def written_before(folder: Path, wait: float) -> AbstractContextManager[None]:
        if folder.name == "images" and (number := next(left, None)) is not None:
            with open_store(tmp_path / "a") as store:
                store.upsert([point_id("new", str(number))], {"paint": np.ones((1, 8), np.float32)}, [{}])
        return locking(folder, wait)

    monkeypatch.setattr(backing, "locked", written_before)
    assert backup_store(tmp_path / "a", tmp_path / "b.zip").points == {"images": points}
    monkeypatch.undo()
    restore_store(tmp_path / "b.zip", tmp_path / "new")
    assert held(tmp_path / "new") == held(tmp_path / "a")


def test_what_a_killed_engine_left_unfinished_is_no_part_of_a_backup(tmp_path: Path) -> None:
    with open_store(tmp_path / "a", create=True) as store:
        fill(store, 5)
    left = tmp_path / "a" / "images" / "shard" / "wal" / ".atomicwriteX7Udm6" / "tmpfile.tmp"
    left.parent.mkdir()
    left.write_bytes(b"half of a fi")
    with open_store(tmp_path / "a") as store:  # whose closing writes a manifest
        store.set_payload(point_id("shop", "0.jpg"), {"price": 7})
    backup_store(tmp_path / "a", tmp_path / "b.zip")
    restore_store(tmp_path / "b.zip", tmp_path / "new")
    assert held(tmp_path / "new") == held(tmp_path / "a")
    assert list((tmp_path / "new" / "images" / "shard" / "wal").glob(".*")) == []


def test_no_backup_is_written_that_could_not_be_restored(tmp_path: Path) -> None:
    with open_store(tmp_path / "a", create=True) as store:
        fill(store, 5)
    (tmp_path / "a" / "images" / "shard" / "a file of mine").write_bytes(b"x")
    with pytest.raises(StoreError, match=r"cannot be backed up: a file that no collection has: 'shard/a file of mine'"):
        backup_store(tmp_path / "a", tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()


# ---- what is replaced -------------------------------------------------------------------------------


def test_a_backup_is_replaced_by_the_next_and_nothing_else(filled: Path, tmp_path: Path) -> None:
    backup_store(filled, tmp_path / "b.zip")
    backup_store(filled, tmp_path / "b.zip")
    (tmp_path / "mine.zip").write_bytes(b"PK\x03\x04 a file of mine")
    with pytest.raises(OutputError, match="did not write"):
        backup_store(filled, tmp_path / "mine.zip")
    assert (tmp_path / "mine.zip").read_bytes() == b"PK\x03\x04 a file of mine"
    backup_store(filled, tmp_path / "mine.zip", overwrite=True)
    with pytest.raises(OutputError, match="it lies in"):
        backup_store(filled, filled / "b.zip")


def test_a_collection_is_replaced_where_that_was_said(whole: Path, filled: Path, server: str, tmp_path: Path) -> None:
    for location in (tmp_path / "there", server):
        with open_store(location, create=True) as store:
            fill(store, 5, seed=9)
        before = held(location)
        with pytest.raises(StoreMismatchError, match=r"'images' of .* is there already.* overwrite=True"):
            restore_store(whole, location)
        assert held(location) == before
        restore_store(whole, location, overwrite=True)
        assert held(location) == held(filled)
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["images"]


def test_a_collection_that_another_process_makes_meanwhile_is_kept(whole: Path, tmp_path: Path) -> None:
    def make(stage: str, done: int, total: int, note: str) -> None:
        if (stage, done) == ("unpacking", total):
            with open_store(tmp_path / "there", create=True) as store:
                fill(store, 5, seed=9)

    with pytest.raises(StoreMismatchError, match=r"'images' of .*there is there already"):
        restore_store(whole, tmp_path / "there", progress=make)
    assert len(held(tmp_path / "there").points) == 5
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["images"]


def test_a_collection_whose_place_cannot_be_taken_is_kept(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(tmp_path / "there", create=True) as store:
        fill(store, 5, seed=9)
    before, rename = held(tmp_path / "there"), Path.rename

    def refused(path: Path, target: Path) -> Path:
        if "unpacking" in path.parent.name and path.name == "images":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(StoreError, match=r"Cannot restore into .*there: Input/output error"):
        restore_store(whole, tmp_path / "there", overwrite=True)
    monkeypatch.undo()
    assert held(tmp_path / "there") == before
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["images"]


def test_a_store_in_memory_would_be_lost_at_once(whole: Path) -> None:
    with pytest.raises(ArgumentError, match="A store in memory is lost when it is closed: restore into a folder"):
        restore_store(whole, ":memory:")


def test_a_backup_that_cannot_be_opened_leaves_no_lock(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(_: Store) -> None:
        raise StoreError("no such vector")

    before = dict(lock._OURS)
    monkeypatch.setattr(Store, "_reconcile", damaged)
    with pytest.raises(BackupError, match="the engine cannot use collection 'images'"):
        restore_store(whole, tmp_path / "new")
    assert before == lock._OURS


def test_an_unfinished_copy_replaces_nothing_on_a_server(whole: Path, server: str, tmp_path: Path) -> None:
    restore_store(whole, tmp_path / "part")
    with open_store(tmp_path / "part") as store:
        store._change({"copy_of": "another store"})
    part = backup_store(tmp_path / "part", tmp_path / "part.zip").file
    with open_store(server, create=True) as store:
        fill(store, 5, seed=9)
    before = held(server)
    with pytest.raises(StoreError, match=r"part\.zip is an unfinished copy of another store\. Finish"):
        restore_store(part, server, overwrite=True)
    assert held(server) == before


def test_a_folder_of_other_things_is_left_as_it_is(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(StoreError, match="holds other files and is not a store"):
        restore_store(whole, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_nothing_to_back_up(tmp_path: Path) -> None:
    with pytest.raises(StoreNotFoundError):
        backup_store(tmp_path / "a", tmp_path / "b.zip")
    (tmp_path / "a").mkdir()
    with pytest.raises(StoreNotFoundError, match="no collection 'images'"):
        backup_store(tmp_path / "a", tmp_path / "b.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_full_disk(filled: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autoenc.store.space.free_bytes", lambda _: 16 * 2**20 + 1000)
    with pytest.raises(DiskFullError, match="to write the backup"):
        backup_store(filled, tmp_path / "b.zip")
    monkeypatch.setattr("autoenc.store.space.free_bytes", lambda _: 2**20)
    with pytest.raises(DiskFullError, match="to restore the backup"):
        restore_store(whole, tmp_path / "new")
    assert not (tmp_path / "b.zip").exists()
    assert not (tmp_path / "new" / "images").exists()


def test_what_the_file_system_refuses(
    filled: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"Cannot write .*b\.zip: No space left on device"):
        backup_store(filled, tmp_path / "b.zip")
    with pytest.raises(StoreError, match=r"Cannot restore into .*new: No space left on device"):
        restore_store(whole, tmp_path / "new")
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == []


# ---- hostile files ----------------------------------------------------------------------------------


def remade(whole: Path, to: Path, change: Change, **entry: Any) -> Path:
    """A backup whose entries and index were changed, with sound CRCs; `entry` sets attributes of one of its entries."""
    with zipfile.ZipFile(whole) as old:
        data = {info.filename: old.read(info) for info in old.infolist()}
    index = json.loads(data.pop(LAST))
    change(data, index)
    with zipfile.ZipFile(to, "w") as new:
        for name, content in [*data.items(), (LAST, json.dumps(index).encode())]:
            info = zipfile.ZipInfo(name)
            if name == "images/autoenc.json":
                for attribute, value in entry.items():
                    setattr(info, attribute, value)
            new.writestr(info, content)
    return to


def files_of(index: dict[str, Any]) -> dict[str, Any]:
    return index["collections"]["images"]["files"]  # type: ignore[no-any-return]


def renamed(path: str) -> Change:
    def change(data: dict[str, bytes], index: dict[str, Any]) -> None:
        files = files_of(index)
        data[f"images/{path}"] = data.pop("images/shard/edge_config.json")
        files[path] = files.pop("shard/edge_config.json")

    return change


def told(**values: Any) -> Change:
    def change(data: dict[str, bytes], index: dict[str, Any]) -> None:
        files_of(index)["autoenc.json"] |= values

    return change


def flipped(path: str) -> Change:
    def change(data: dict[str, bytes], index: dict[str, Any]) -> None:
        content = bytearray(data[f"images/{path}"])
        content[len(content) // 2] ^= 1
        data[f"images/{path}"] = bytes(content)

    return change


def collection_named(name: str) -> Change:
    def change(data: dict[str, bytes], index: dict[str, Any]) -> None:
        index["collections"][name] = index["collections"].pop("images")
        for path in [path for path in data if path.startswith("images/")]:
            data[path.replace("images", name, 1)] = data.pop(path)

    return change


@pytest.mark.parametrize(
    "change",
    [
        *map(renamed, ("shard/../../../evil", "/tmp/evil", "shard//x", "shard/./x", "other/x", "shard/a\\b", "shard/")),
        *map(renamed, ("../evil", "shard/.hidden", "autoenc.json/x")),
        *map(collection_named, ("..", "a/b", ".hidden", "")),
        told(size=2**40 + 1), told(size=-1), told(size=1.5), told(size=True), told(size=3), told(filled=[[0, 2**40]]),
        told(filled=[[0, 10], [5, 10]]), told(filled=[[-5, 10]]), told(filled=[[0, 0]]), told(filled=7),
        told(filled=[]), told(sha256="0" * 64), told(sha256=None),
        flipped("autoenc.json"), flipped("shard/edge_config.json"),
        lambda data, _: data.pop("images/autoenc.json"),
        lambda data, _: data.update({"images/shard/more": b""}),
        lambda _, index: files_of(index).pop("autoenc.json"),
        lambda _, index: index["collections"]["images"].update(points=701),
        lambda _, index: index.update(collections=[]),
        lambda _, index: index.update(format=2),
        lambda _, index: index.pop("format"),
    ],
)  # fmt: skip
def test_a_hostile_index(whole: Path, tmp_path: Path, change: Change) -> None:
    bad = remade(whole, tmp_path / "bad.zip", change)
    refused(bad, tmp_path)


@pytest.mark.parametrize(
    "entry",
    [{"external_attr": (stat.S_IFLNK | 0o777) << 16}, {"compress_type": zipfile.ZIP_DEFLATED},
     {"compress_type": zipfile.ZIP_BZIP2}, {"compress_type": zipfile.ZIP_LZMA}],
    ids=["link", "deflate", "bzip2", "lzma"],
)  # fmt: skip
def test_entries_that_no_backup_has(whole: Path, tmp_path: Path, entry: dict[str, int]) -> None:
    refused(remade(whole, tmp_path / "bad.zip", lambda *_: None, **entry), tmp_path)


def refused(bad: Path, folder: Path) -> None:
    """One sentence, no file anywhere but the backup, and a store that is there stays as it is."""
    with pytest.raises(BackupError, match=r"bad\.zip (is|has)"):
        restore_store(bad, folder / "new")
    left = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    assert left <= {"bad.zip", "new"}
    with open_store(folder / "there", create=True) as store:
        fill(store, 5, seed=9)
    before = held(folder / "there")
    with pytest.raises(BackupError):
        restore_store(bad, folder / "there", overwrite=True)
    assert held(folder / "there") == before


def test_what_is_no_archive(tmp_path: Path, whole: Path) -> None:
    for content in (b"", b"PK", b"not a zip" * 100, whole.read_bytes()[:-100], whole.read_bytes()[1000:]):
        (tmp_path / "bad.zip").write_bytes(content)
        with pytest.raises(BackupError, match="is no whole backup"):
            restore_store(tmp_path / "bad.zip", tmp_path / "new")
    with pytest.raises(BackupError, match=r"Cannot read the backup .*none"):
        restore_store(tmp_path / "none", tmp_path / "new")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(BackupError, match="is no file"):
            restore_store(path, tmp_path / "new")


def test_a_directory_that_promises_millions_of_entries_is_not_read(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_DIRECTORY", 500)
    with pytest.raises(BackupError, match="more than 500 bytes"):
        restore_store(whole, tmp_path / "new")


def test_entries_that_share_their_bytes(tmp_path: Path) -> None:
    """What makes a file of kilobytes unpack to gigabytes: many entries of the directory that mean the same data."""
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as new:
        new.writestr(zipfile.ZipInfo("data"), bytes(100_000))
        (data,) = new.filelist
        for number in range(50):
            shared = copy(data)
            shared.filename = f"shared-{number}"
            new.filelist.append(shared)
    with pytest.raises(BackupError, match="its entries take more than the file has"):
        restore_store(tmp_path / "bad.zip", tmp_path / "new")


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_one_bit_is_noticed_or_means_nothing(whole: Path, filled: Path, place: float, bit: int) -> None:
    """A bit may mean nothing: that of a date in the ZIP's directory, for example. Then the store is the same."""
    data = bytearray(whole.read_bytes())
    data[int(place * len(data))] ^= 1 << bit
    bad, new = whole.with_name("bad.zip"), whole.with_name("from-bad")
    bad.write_bytes(data)
    try:
        restore_store(bad, new)
    except AutoencError:
        assert not (new / "images").exists()
    else:
        assert held(new) == held(filled)
    finally:
        shutil.rmtree(new, ignore_errors=True)


# ---- killed -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_kill_9_at_ten_random_moments(tmp_path: Path) -> None:
    """A backup is there whole or not at all; a store is the old one or the new one, or not there and restored again."""
    for seed, name in enumerate(("old", "new")):
        with open_store(tmp_path / name, create=True) as store:
            fill(store, 3000, seed)
    old, new = held(tmp_path / "old"), held(tmp_path / "new")
    packing = command("backup", "--store", tmp_path / "new", "--out", tmp_path / "b.zip", "--quiet")
    restoring = command("restore", tmp_path / "b.zip", "--store", tmp_path / "old", "--overwrite", "--quiet")
    rng = random.Random(3)
    backup_seconds = run(command("backup", "--store", tmp_path / "new", "--out", tmp_path / "x.zip")).seconds
    restore_seconds = run(command("restore", tmp_path / "x.zip", "--store", tmp_path / "y")).seconds
    for _ in range(5):
        run(packing, kill_after=rng.uniform(0.4, 1) * backup_seconds)
        if (tmp_path / "b.zip").exists():
            with module.reading(tmp_path / "b.zip") as archive:
                assert archive.collections["images"].points == 3000
    done = run(packing)
    assert done.code == 0, complaint(done)
    for _ in range(5):
        run(restoring, kill_after=rng.uniform(0.4, 1) * restore_seconds)
        if list_collections(tmp_path / "old"):
            assert held(tmp_path / "old") in (old, new)
    done = run(restoring)
    assert done.code == 0, complaint(done)
    assert held(tmp_path / "old") == new
    assert [path.name for path in (tmp_path / "old").iterdir()] == ["images"]


def test_no_backup_is_written_among_the_images(filled: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    place = shutil.copytree(filled, tmp_path / "store")
    with open_store(place) as store:
        store.add_source("photos", str(tmp_path / "photos"))
        with pytest.raises(OutputError, match="where images are read"):
            backup_store(store, tmp_path / "photos" / "b.zip")
    with pytest.raises(OutputError, match="where images are read"):
        backup_store(place, tmp_path / "photos" / "b.zip")
    assert list((tmp_path / "photos").iterdir()) == []


def test_a_failed_restore_leaves_no_folder_and_says_what_is_wrong(filled: Path, tmp_path: Path) -> None:
    backup_store(filled, tmp_path / "b.zip")
    data = bytearray((tmp_path / "b.zip").read_bytes())
    at = data.index(b"PK\x03\x04", 10)
    data[at : at + 4] = b"????"  # the start of an entry, which is read when it is unpacked
    (tmp_path / "bad.zip").write_bytes(data)
    with pytest.raises(BackupError, match="it is no ZIP file, or only a part of one") as error:
        restore_store(tmp_path / "bad.zip", tmp_path / "r4")
    assert "BadZipFile" not in str(error.value)
    assert not (tmp_path / "r4").exists()
